"""The way back through 4-bit blocks and through the gate, compiled by numba.

For the way back a matrix is needed the other way round. No second copy is kept: its blocks are turned into int8 codes,
with a scale for every output of the product, matrix by matrix into the same memory, each time gradients flow; that is a
few hundredths of the work. Layouts: `formats.py` for blocks, `int8_numba.py` for what they are turned into.
"""

# mypy: disable-error-code="no-untyped-def,misc,no-any-return,type-arg,call-arg,var-annotated"
from __future__ import annotations

import numpy as np
from numba import njit, prange

from elm_app.engine.quantized.block_kernels.block_intrinsics import ROWS, transpose_tile
from elm_app.engine.quantized.block_kernels.block_numba import unpack
from elm_app.engine.quantized.formats import (
    BLOCK,
    FORMATS,
    PANEL,
    Q4_0,
    Q4_1,
    Q4_K,
    Q5_0,
    Q5_1,
    Q5_K,
    Q6_K,
    Q8_0,
)  # fmt: skip
from elm_app.engine.quantized.int8_kernels.int8_intrinsics import address
from elm_app.engine.quantized.int8_kernels.int8_numba import exp

_q4_0, _q4_1, _q5_0, _q5_1, _q8_0, _q4_k, _q5_k, _q6_k = (
    transpose_tile(FORMATS[kind]) for kind in (Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q4_K, Q5_K, Q6_K)
)


@njit(cache=True, nogil=True, parallel=True, boundscheck=False)
def peaks(kind, unit, bits, offset, panels, scales, found):
    """The largest absolute weight of every column: panels of a matrix (N, K) to fp32 (K,)."""
    size = len(found)
    scale_bytes = scales.shape[1] // (size // unit)
    for block in prange(size // BLOCK):
        values, most = np.empty(BLOCK, np.float32), np.zeros(BLOCK, np.float32)
        first = block * BLOCK // unit * scale_bytes
        for number in range(len(panels)):
            scale = scales[number, first : first + scale_bytes]
            for place in range(PANEL):
                unpack(kind, bits, offset, panels[number], scale, block, place, values)
                for k in range(BLOCK):
                    most[k] = max(most[k], abs(values[k]))
        for k in range(BLOCK):
            found[block * BLOCK + k] = most[k]


@njit(cache=True, nogil=True, parallel=True, boundscheck=False)
def transpose(kind, unit, code_bytes, scale_bytes, panels, scales, factors, out):
    """Panels of a matrix (N, K) to those of its transpose in int8, uint8 (K / 32, 32 · N), N padded to whole panels.

    factors: fp32 (K,), what the weights of a column are multiplied by to be codes.
    """
    for block in prange(len(out)):
        nested, own = block * BLOCK // unit, block % (unit // BLOCK)
        factor, to = address(factors) + block * BLOCK * 4, address(out) + block * out.shape[1]
        for number in range(len(panels)):
            panel = address(panels) + number * panels.shape[1] + block * code_bytes
            scale = address(scales) + number * scales.shape[1] + nested * scale_bytes
            at = to + number * PANEL * BLOCK
            if kind == Q4_K:
                _q4_k(panel, scale, own, factor, at)
            elif kind == Q6_K:
                _q6_k(panel, scale, own, factor, at)
            elif kind == Q5_0:
                _q5_0(panel, scale, own, factor, at)
            elif kind == Q8_0:
                _q8_0(panel, scale, own, factor, at)
            elif kind == Q4_1:
                _q4_1(panel, scale, own, factor, at)
            elif kind == Q4_0:
                _q4_0(panel, scale, own, factor, at)
            elif kind == Q5_1:
                _q5_1(panel, scale, own, factor, at)
            elif kind == Q5_K:
                _q5_k(panel, scale, own, factor, at)


@njit(cache=True, nogil=True, parallel=True, boundscheck=False)
def sum_outputs(kind, unit, bits, offset, panels, scales, shares, least, out):
    """out (B, K) = shares (B, N) @ weights (N, K), without shares smaller than `least`: few of a vocabulary are not."""
    size = out.shape[1]
    scale_bytes = scales.shape[1] // (size // unit)
    for row in prange(len(out)):
        values = np.empty(BLOCK, np.float32)
        out[row] = 0.0
        for n in range(shares.shape[1]):
            share = shares[row, n]
            if abs(share) < least:
                continue
            panel, scale, place = panels[n // PANEL], scales[n // PANEL], n % PANEL
            for block in range(size // BLOCK):
                first = block * BLOCK // unit * scale_bytes
                unpack(kind, bits, offset, panel, scale[first : first + scale_bytes], block, place, values)
                for k in range(BLOCK):
                    out[row, block * BLOCK + k] += share * values[k]


@njit(cache=True, nogil=True, parallel=True, boundscheck=False)
def gate_backward(gradient, codes, factors, out):
    """The gradient of silu(gate) · up.

    Args:
        gradient: fp32 (B, I), with respect to the product.
        codes, factors: gate and up (B, 2 I) as `block_numba.quantize` keeps them.
        out: fp32 (B, 2 I), with respect to gate and up; written.
    """
    width = gradient.shape[1]
    for row in prange(len(gradient)):
        code, factor = codes[row // ROWS, :, row % ROWS], factors[row // ROWS, :, row % ROWS, 0]
        for block in range(width // BLOCK):
            above = block + width // BLOCK
            for k in range(BLOCK):
                gate = np.float32(code[block, k]) * factor[block]
                up = np.float32(code[above, k]) * factor[above]
                share = np.float32(1.0) / (np.float32(1.0) + exp(min(-gate, np.float32(80.0))))
                given = gradient[row, block * BLOCK + k]
                out[row, above * BLOCK + k] = given * gate * share
                slope = share * (np.float32(1.0) + gate * (np.float32(1.0) - share))
                out[row, block * BLOCK + k] = given * up * slope
