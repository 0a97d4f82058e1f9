"""What the program does, as generators of events: `solve`, `learn`, and `stream/`, which does both problem by problem.

resources      what they work with: models, store, embedder, process reward models
problem        what counts as a problem
recall         which memories a problem is solved with; `lookup`: which ones it would be given
problems       files of problems (`problem_files/`)
"""
