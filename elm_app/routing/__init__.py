"""Who is right if the answers without and with a memory differ: verifiers weigh them, the router decides."""
