"""Which memory a problem gets, and why (`retriever`), by the text of the problem as a vector (`embedder`) and the
model's own keys; what if it were any other memory (`controls`)."""
