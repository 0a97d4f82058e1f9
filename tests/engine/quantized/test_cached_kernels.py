"""The kernels give the same bits when they were just compiled and when they come from numba's cache."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from elm_app.engine.quantized import fingerprint
from elm_app.engine.quantized.int8_kernels import int8_numba
from elm_app.weights.instructions import instructions

SCRIPT = """
import hashlib
import numpy as np
from elm_app.engine.quantized.block_kernels import block_numba
from elm_app.engine.quantized.int8_kernels import int8_numba
from elm_app.engine.quantized.formats import Q4_K
from elm_app.engine.quantized.int8_kernels.int8 import aligned

made = np.random.default_rng(0)
some = lambda *shape: made.standard_normal(shape).astype(np.float32)
codes_of = lambda size: (np.empty((33, size), np.int8), np.empty(33, np.float32), np.empty(33, np.int32))
found = []
keys, values = some(4, 2, 64, 192), some(4, 2, 192, 64)
for length in (0, 33, 64, 150):
    found.append(np.empty((4, 14 * 64), np.float32))
    int8_numba.attend(some(4, 18 * 64), some(64), keys, values, length, found[-1])
x, weight = some(33, 896), some(896)
for kernel in (int8_numba.quantize, int8_numba.quantize_many):
    found += (codes := codes_of(896))
    kernel(x, *codes)
found += (codes := codes_of(896))
int8_numba.norm_quantize(x, weight, 1e-6, *codes)
found += (codes := codes_of(448))
int8_numba.gate_quantize(x, *codes)
blocks = lambda size: (np.zeros((5, size // 32, 8, 32), np.int8), np.zeros((5, size // 32, 8, 4), np.float32))
found += (codes := blocks(896))
block_numba.norm_quantize(x, weight, 1e-6, *codes)
found += (codes := blocks(448))
block_numba.gate_quantize(x, *codes)
found += (codes := blocks(512))
block_numba.quantize(some(33, 512), *codes)
panels, scales = aligned(2, 4096), some(2, 320).astype(np.float16).view(np.uint8)
panels[:] = made.integers(0, 256, panels.shape, np.uint8)
found.append(np.empty((33, 32), np.float32))
block_numba.linear(Q4_K, 256, *codes, panels, scales, np.zeros(32, np.float32), 0, found[-1], 0, 33, 2, 0)
print(hashlib.sha256(b"".join(each.tobytes() for each in found)).hexdigest())
used = (int8_numba.attend, int8_numba.quantize, int8_numba.quantize_many, int8_numba.norm_quantize)
used += (int8_numba.gate_quantize,)
used += (block_numba.norm_quantize, block_numba.gate_quantize, block_numba.quantize, block_numba.linear)
print(sum(sum(kernel.stats.cache_hits.values()) for kernel in used))
"""


@pytest.mark.slow
@pytest.mark.skipif(instructions() is None, reason="a CPU without AVX2")
def test_compiled_kernels_equal_those_from_the_cache(tmp_path: Path) -> None:
    def run() -> list[str]:
        asked = [sys.executable, "-c", SCRIPT]
        done = subprocess.run(
            asked, env=os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}, capture_output=True, text=True, check=True
        )
        return done.stdout.split()

    compiled, hits = run()
    assert hits == "0"
    assert run() == [compiled, "9"]


def test_kernels_are_kept_apart_for_every_version_of_their_sources(tmp_path: Path) -> None:
    code = "import elm_app.engine.quantized.int8_kernels.int8_numba, numba; print(numba.config.CACHE_DIR)"
    clean = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=clean | {"ELM_CACHE": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    sources = Path(int8_numba.__file__).parents[1]
    assert Path(done.stdout.strip()) == tmp_path / "kernels" / fingerprint(sources)
    copy = shutil.copytree(sources, tmp_path / "copy")
    assert fingerprint(copy) == fingerprint(sources)
    (copy / "int8_kernels" / "int8_intrinsics.py").write_text("PANEL = 64\n")
    assert fingerprint(copy) != fingerprint(sources)
