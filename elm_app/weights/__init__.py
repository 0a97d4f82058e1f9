"""A model's name to a folder on disk.

choice        which model `auto` is on this machine, and why (`free_memory`)
instructions  what the CPU has to run 4-bit models with
presets       the models that have a name of their own, with their checksums
resolve       from a name to a folder that transformers can load
mirrors       where weights come from: package index or model hub
download      files from there, whole and checked, going on where they broke off
gguf          the files of 4-bit checkpoints; `convert_gguf` makes floats of them
hub           a whole repository from the model hub
model_folder  what a folder needs to be a causal model, and its hash
"""
