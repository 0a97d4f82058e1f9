"""A model's name to what is on disk. What stands here already: `gguf`, the files of 4-bit checkpoints."""
