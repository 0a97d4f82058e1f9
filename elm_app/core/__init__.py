"""What every room speaks of. Imports nothing of ours.

types        the nouns: a trace, a vote, a memory, a match …
results      what was made of one problem of a stream or a benchmark
scores       what a verifier makes of answers, traces and steps
events       what happens in a run; `learning_events`: in a learning run
config       settings as frozen dataclasses
environment  folders, addresses and what else environment variables say
errors       a sentence and a remedy
text         numbers, sizes and long texts for people
atomic_file  files written whole or not at all
"""
