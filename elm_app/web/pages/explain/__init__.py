"""The Explain tab (`panel`): why a memory, what it changed, who decided (`sections`, `verifier_view`), where it acts
(`effect_view`)."""
