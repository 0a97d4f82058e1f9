"""One run on the page, live or replayed.

feed           what the pages ask about runs
live_run       what changed in a run since; `replayed_run`: how it stood when
render         one pure function for each thing that is shown; `learning_view`, `learning_steps`: of learning
attempts       all attempts of a learning run: `attempt_cells`, `comparison` of two that are opened
template       the run's own HTML, without content; `learning_template`
story          the recorded runs that an empty page offers
headline       the vote in words, and what would help
buttons        what its buttons ask the server for
"""
