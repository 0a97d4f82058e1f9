"""The kernels give the same bits when they were just compiled and when they come from numba's cache."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

SCRIPT = """
import hashlib
import numpy as np
from elm_app.llm import vnni

made = np.random.default_rng(0)
some = lambda *shape: made.standard_normal(shape).astype(np.float32)
codes_of = lambda size: (np.empty((33, size), np.int8), np.empty(33, np.float32), np.empty(33, np.int32))
found = []
keys, values = some(4, 2, 200, 64), some(4, 2, 200, 64)
for length in (0, 33, 64, 150):
    found.append(np.empty((4, 14 * 64), np.float32))
    vnni.attend(some(4, 18 * 64), some(64), keys, values, length, found[-1])
x, weight = some(33, 896), some(896)
for kernel in (vnni.quantize, vnni.quantize_many):
    found += (codes := codes_of(896))
    kernel(x, *codes)
found += (codes := codes_of(896))
vnni.norm_quantize(x, weight, 1e-6, *codes)
found += (codes := codes_of(448))
vnni.gate_quantize(x, *codes)
print(hashlib.sha256(b"".join(each.tobytes() for each in found)).hexdigest())
used = (vnni.attend, vnni.quantize, vnni.quantize_many, vnni.norm_quantize, vnni.gate_quantize)
print(sum(sum(kernel.stats.cache_hits.values()) for kernel in used))
"""


@pytest.mark.skipif(not torch.cpu.get_capabilities().get("avx512_vnni"), reason="a CPU without AVX512-VNNI")
def test_compiled_kernels_equal_those_from_the_cache(tmp_path: Path) -> None:
    def run() -> list[str]:
        asked = [sys.executable, "-c", SCRIPT]
        done = subprocess.run(
            asked, env=os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}, capture_output=True, text=True, check=True
        )
        return done.stdout.split()

    compiled, hits = run()
    assert hits == "0"
    assert run() == [compiled, "5"]
