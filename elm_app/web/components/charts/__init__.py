"""Small pictures: values by step of a learning run, and running accuracy."""
