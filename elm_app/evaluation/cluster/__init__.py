"""A benchmark on several workers: this machine's, or those of a Ray cluster.

- `pieces`: what is left, cut so that several can work at it
- `worker`: does pieces, with an engine of its own
- `ray_boundary`: starts workers and hears what they say; the only file that imports Ray
- `work`: who is at which piece, and lines that came before their turn
- `ray_bench`: hands out the pieces, and does again what a dead worker had

The folder is that of `evaluation/folder.py`, and every worker reaches it under the same path. Lines are those of the
same benchmark without Ray.
"""
