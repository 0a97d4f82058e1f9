"""The Compare tab (`panel`): a benchmark's report, drawn (`figures`)."""
