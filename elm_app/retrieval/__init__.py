"""Which memory a problem gets, and why (`retriever`); what if it were any other (`controls`)."""
