"""Sums of products are exact with either set of instructions, also where codes are as large as they get."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from elm_app.engine.quantized.block_kernels.block_rows import block_rows
from elm_app.engine.quantized.block_kernels.blocks import BlockLinear
from elm_app.engine.quantized.formats import BLOCK, FORMATS, Blocks, Format
from elm_app.engine.quantized.int8_kernels import int8_numba
from elm_app.engine.quantized.int8_kernels.int8 import aligned, quantized
from elm_app.weights.instructions import instructions

pytestmark = pytest.mark.skipif(instructions() is None, reason="a CPU without AVX2")

SCRIPT = """
import hashlib
import numpy as np
from elm_app.weights.instructions import instructions
from elm_app.engine.quantized.block_kernels import backward_numba, block_numba
from elm_app.engine.quantized.formats import FORMATS
from elm_app.engine.quantized.int8_kernels import int8_numba
from elm_app.engine.quantized.int8_kernels.int8 import aligned

made = np.random.default_rng(0)
some = lambda *shape: made.standard_normal(shape).astype(np.float32)
digest = hashlib.sha256()
codes, factors = made.integers(-127, 128, (2, 16, 8, 32)).astype(np.int8), some(2, 16, 8, 4)
for form in FORMATS.values():
    panels, scales = aligned(3, 16 * form.code_bytes), aligned(3, 512 // form.unit * form.scale_bytes)
    panels[:] = made.integers(0, 256, panels.shape, np.uint8)
    scales[:] = made.integers(0, 60, scales.shape, np.uint8)
    kind, unit = form.kind, form.unit
    for rows in range(1, 17):
        out = np.zeros((rows, 48), np.float32)
        block_numba.linear(kind, unit, codes, factors, panels, scales, np.ones(48, np.float32), 0, out, 0, rows, 2, 0)
        digest.update(out.tobytes())
    turned = aligned(16, 3 * 16 * 32)
    backward_numba.transpose(
        kind, unit, form.code_bytes, form.scale_bytes, panels, scales, np.full(512, 0.1, np.float32), turned
    )
    digest.update(turned.tobytes())
panels = aligned(2, 64 * 32)
panels[:] = made.integers(1, 256, panels.shape, np.uint8)
for rows in range(1, 17):
    codes, out = made.integers(-127, 128, (rows, 64)).astype(np.int8), np.zeros((rows, 64), np.float32)
    total = codes.sum(1, dtype=np.int32)
    int8_numba.linear(codes, np.ones(rows, np.float32), total, panels, some(64), some(1, 64), out, 2)
    digest.update(out.tobytes())
print(instructions(), digest.hexdigest())
"""


@pytest.mark.slow
@pytest.mark.skipif(instructions() != "AVX512-VNNI", reason="a CPU without AVX512-VNNI")
def test_avx2_gives_the_numbers_of_avx512(tmp_path: Path) -> None:
    def run(avx2: str) -> list[str]:
        environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / avx2), "ELM_AVX2": avx2}
        asked = [sys.executable, "-c", SCRIPT]
        return subprocess.run(asked, env=environment, capture_output=True, text=True, check=True).stdout.split()

    (fast, expected), (plain, found) = run("0"), run("1")
    assert (fast, plain) == ("AVX512-VNNI", "AVX2")
    assert found == expected


@pytest.mark.parametrize("form", FORMATS.values(), ids=lambda form: form.name)
@pytest.mark.parametrize("byte", [0x7F, 0x80, 0xFF])
def test_the_largest_codes_of_blocks(form: Format, byte: int) -> None:
    data = np.full((16, 2, form.unit_bytes), byte, np.uint8)
    for at in (208,) if form.name == "Q6_K" else (0, 2) if form.minimums else (0,):
        data[..., at : at + 2] = np.float16(0.01).view(np.uint16).reshape(1).view(np.uint8)
    blocks = Blocks(form, data.reshape(16, -1))
    linear: Any = BlockLinear([blocks], None, 1)
    for sign in (1.0, -1.0):
        x = torch.full((9, 2 * form.unit), sign)
        ours, expected = linear(block_rows(x)), x @ torch.from_numpy(blocks.floats()).T
        torch.testing.assert_close(ours, expected, rtol=1e-5, atol=1e-4 * BLOCK)


@pytest.mark.parametrize("code", [1, 128, 129, 255])
def test_the_largest_codes_of_int8(code: int) -> None:
    panels = aligned(1, 64 * 32)
    panels[:] = code
    for sign in (1.0, -1.0):
        rows = quantized(torch.full((9, 64), sign))
        out, ones = np.zeros((9, 32), np.float32), np.ones(32, np.float32)
        int8_numba.linear(rows.codes, np.ones(9, np.float32), rows.total, panels, ones, ones[None] * 0, out, 1)
        assert (out == sign * 64 * 127 * (code - 128)).all()
