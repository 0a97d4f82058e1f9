"""ELM online: problems one after the other.

stream         the loop
folder         its folder: a row for every problem
row            what became of a problem
settings       how each is solved and learned from
context_check  whether all of them fit the model, asked before the first
"""
