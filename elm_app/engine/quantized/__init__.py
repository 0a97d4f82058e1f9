"""Decoding and gradients with quantised weights on a CPU.

- `decoder`: the model: layers, cache, prefill, step; asks `kernels` for the arithmetic
- `backward`: log-probabilities of rollouts and their gradient with respect to the soft prompt
- `layers`, `rotary`: what these two share; `supported`: for which models they are written
- `kernels`: what the decoder asks of kernels; `choose_kernels`: which this CPU can run
- `formats`: the block formats of GGUF checkpoints, and how we lay their blocks out for a CPU
- `block_kernels/`: 4-bit, the checkpoint's own blocks times int8 activations
- `int8_kernels/`: int8, a scale an output, and attention
- `vectors`: what both are written in, and the two sets of instructions

Compiled kernels are kept in the user's cache, in a folder named after this room's own sources: numba looks only at the
file that a kernel stands in, and would go on using what was compiled with another file's older instructions.
"""

import hashlib
import os
from pathlib import Path

from elm_app.core import environment


def fingerprint(folder: Path) -> str:
    """Twelve letters that change with every change of the Python files in a folder."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]


# Read by numba when it is imported, which only this room does.
_FOLDER = fingerprint(Path(__file__).parent) + ("-avx2" if environment.plain_avx2() else "")
os.environ.setdefault("NUMBA_CACHE_DIR", str(environment.cache_dir() / "kernels" / _FOLDER))
