"""HTML used by several pages, and what makes it.

labels           numbers and states in words; `stream_labels`, `benchmark_labels`
markdown         a model's text to safe HTML, block by block; `mathml`: LaTeX, with only harmless elements
answer_colors    which colour an answer class has
links            links to runs
alerts           what went wrong, as a sentence; `guard`: failures of server functions become one
found_memories   the memories that a problem reminded of
common_words     what two problems have in common
search_vector    a search as a vector
memory_map       the map of memories; `pca`: vectors in a plane
wait_rate        how fast a wait goes
charts           values by step, running accuracy
settings         the drawer's fields; fields to settings
"""
