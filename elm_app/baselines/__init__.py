"""What ELM is compared with: one method, one file, all on the same `Desk` (engine, sampling, account of tokens).

ELM online itself, and its controls, are the stream (`runs/stream.py`); everything else that answers problems is here.
"""
