"""The Solve tab (`panel`), and the line about its model (`model_line`)."""
