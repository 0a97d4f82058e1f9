"""4-bit kernels for CPUs with AVX512-VNNI or AVX2, compiled on first use by numba and kept in its cache.

Weights are panels as `formats.py` lays them out. Activations are int8 with a scale for every 32 of them, kept eight
rows together so that a tile reads one stream: codes int8 (⌈B / 8⌉, K / 32, 8, 32) and factors fp32 (⌈B / 8⌉, K / 32, 8,
4), which hold a block's scale, −scale · Σ codes, and the same for its first and its second half.

A row's sums are taken block by block in the same order in every tile, with one rounding each, so its result does not
depend on the batch, to the bit.
"""

# mypy: disable-error-code="no-untyped-def,misc,no-any-return,type-arg,call-arg,var-annotated"
from __future__ import annotations

import numpy as np
from numba import njit, prange

from elm_app.engine.quantized.block_kernels.block_intrinsics import ROWS, block_tile, half
from elm_app.engine.quantized.formats import BLOCK, FORMATS, PANEL, Q4_0, Q4_1, Q4_K, Q5_0, Q5_1, Q5_K, Q6_K, Q8_0
from elm_app.engine.quantized.int8_kernels.int8_intrinsics import address
from elm_app.engine.quantized.int8_kernels.int8_numba import exp

_NEAR = 1 << 19
"""Bytes of activations that are gone over again and again, panel after panel: they stay in the processor's cache."""


def _tiles(kind: int):
    """A panel of that format times 1 to 8 rows."""
    eight, four, two, one = (block_tile(FORMATS[kind], rows) for rows in (8, 4, 2, 1))

    @njit(forceinline=True)
    def tile(codes, factors, panel, scales, units, base, base_stride, out, out_stride, live, ahead):
        if live > 4:
            eight(codes, factors, panel, scales, units, base, base_stride, out, out_stride, live, ahead)
        elif live > 2:
            four(codes, factors, panel, scales, units, base, base_stride, out, out_stride, live, ahead)
        elif live == 2:
            two(codes, factors, panel, scales, units, base, base_stride, out, out_stride, live, ahead)
        else:
            one(codes, factors, panel, scales, units, base, base_stride, out, out_stride, live, ahead)

    return tile


_q4_0, _q4_1, _q5_0, _q5_1 = _tiles(Q4_0), _tiles(Q4_1), _tiles(Q5_0), _tiles(Q5_1)
_q8_0, _q4_k, _q5_k, _q6_k = _tiles(Q8_0), _tiles(Q4_K), _tiles(Q5_K), _tiles(Q6_K)


@njit(cache=True, nogil=True, parallel=True, boundscheck=False)
def linear(kind, unit, codes, factors, panels, scales, base, base_stride, out, at, rows, workers, ahead):
    """out[:, at : at + N] = activations @ weightᵀ + base, shared among `workers` threads.

    Args:
        kind, unit: of the format.
        panels, scales: uint8 (⌈N / 16⌉, bytes a panel) each.
        base: fp32, a row (N,) for all (`base_stride` 0), or one for each row, `base_stride` bytes apart.
        out: fp32 (B, ≥ at + N padded to whole panels).
        rows: B.
        ahead: bytes of codes to be fetched ahead.
    """
    tiles, blocks = codes.shape[0], codes.shape[1]
    units, across = blocks * BLOCK // unit, 4 * out.shape[1]
    near = max(1, _NEAR // (blocks * BLOCK * ROWS))
    for worker in prange(workers):
        first, last = len(panels) * worker // workers, len(panels) * (worker + 1) // workers
        for start in range(0, tiles, near):
            for number in range(first, last):
                panel = address(panels) + number * panels.shape[1]
                scale = address(scales) + number * scales.shape[1]
                from_ = address(base) + number * PANEL * 4
                to = address(out) + (at + number * PANEL) * 4
                for tile in range(start, min(start + near, tiles)):
                    c, f = address(codes) + tile * blocks * 256, address(factors) + tile * blocks * 128
                    live, row = min(rows - tile * ROWS, ROWS), tile * ROWS
                    b, o = from_ + row * base_stride, to + row * across
                    if kind == Q4_K:
                        _q4_k(c, f, panel, scale, units, b, base_stride, o, across, live, ahead)
                    elif kind == Q6_K:
                        _q6_k(c, f, panel, scale, units, b, base_stride, o, across, live, ahead)
                    elif kind == Q5_0:
                        _q5_0(c, f, panel, scale, units, b, base_stride, o, across, live, ahead)
                    elif kind == Q8_0:
                        _q8_0(c, f, panel, scale, units, b, base_stride, o, across, live, ahead)
                    elif kind == Q4_1:
                        _q4_1(c, f, panel, scale, units, b, base_stride, o, across, live, ahead)
                    elif kind == Q4_0:
                        _q4_0(c, f, panel, scale, units, b, base_stride, o, across, live, ahead)
                    elif kind == Q5_1:
                        _q5_1(c, f, panel, scale, units, b, base_stride, o, across, live, ahead)
                    elif kind == Q5_K:
                        _q5_k(c, f, panel, scale, units, b, base_stride, o, across, live, ahead)


@njit(fastmath={"contract"}, forceinline=True)
def _quantize_row(values, factor, codes, factors):
    """One fp32 row (K,), to be multiplied by `factor`, as codes int8 (K / 32, 32) and factors fp32 (K / 32, 4)."""
    for block in range(len(codes)):
        peak = np.float32(1e-20)
        for k in range(BLOCK):
            peak = max(peak, abs(values[block * BLOCK + k]))
        inverse, scale = np.float32(127.0) / peak, peak * factor / np.float32(127.0)
        first, second = np.int32(0), np.int32(0)
        for k in range(BLOCK // 2):
            code = np.int32(np.floor(values[block * BLOCK + k] * inverse + np.float32(0.5)))
            codes[block, k] = np.int8(code)
            first += code
        for k in range(BLOCK // 2, BLOCK):
            code = np.int32(np.floor(values[block * BLOCK + k] * inverse + np.float32(0.5)))
            codes[block, k] = np.int8(code)
            second += code
        factors[block, 0], factors[block, 1] = scale, -scale * np.float32(first + second)
        factors[block, 2], factors[block, 3] = -scale * np.float32(first), -scale * np.float32(second)


@njit(cache=True, nogil=True, boundscheck=False)
def quantize(x, codes, factors):
    """fp32 (B, K) to codes and factors, each row by itself."""
    for row in range(len(x)):
        _quantize_row(x[row], np.float32(1.0), codes[row // ROWS, :, row % ROWS], factors[row // ROWS, :, row % ROWS])


@njit(cache=True, nogil=True, parallel=True, boundscheck=False)
def quantize_many(x, codes, factors):
    """`quantize` with all threads; a function of its own, since numba keeps one program a function in its cache."""
    for row in prange(len(x)):
        _quantize_row(x[row], np.float32(1.0), codes[row // ROWS, :, row % ROWS], factors[row // ROWS, :, row % ROWS])


@njit(fastmath={"contract"}, forceinline=True)
def _norm_row(x, weight, eps, codes, factors):
    """RMSNorm of one fp32 row (H,), quantised; the division by the norm goes into the factors."""
    size = len(x)
    values = np.empty(size, np.float32)
    squares = np.zeros(16, np.float32)
    for k in range(0, size, 16):
        for j in range(16):
            squares[j] += x[k + j] * x[k + j]
    for k in range(size):
        values[k] = x[k] * weight[k]
    norm = np.float32(1.0) / np.sqrt(squares.sum() / np.float32(size) + np.float32(eps))
    _quantize_row(values, norm, codes, factors)


@njit(cache=True, nogil=True, boundscheck=False)
def norm_quantize(x, weight, eps, codes, factors):
    """RMSNorm of fp32 (B, H), then `quantize`."""
    for row in range(len(x)):
        _norm_row(x[row], weight, eps, codes[row // ROWS, :, row % ROWS], factors[row // ROWS, :, row % ROWS])


@njit(cache=True, nogil=True, parallel=True, boundscheck=False)
def norm_quantize_many(x, weight, eps, codes, factors):
    """`norm_quantize` with all threads."""
    for row in prange(len(x)):
        _norm_row(x[row], weight, eps, codes[row // ROWS, :, row % ROWS], factors[row // ROWS, :, row % ROWS])


@njit(cache=True, nogil=True, parallel=True, boundscheck=False)
def gate_quantize(gate_up, codes, factors):
    """silu(gate) · up of fp32 (B, 2 I), then `quantize` to (B, I)."""
    half_ = gate_up.shape[1] // 2
    for row in prange(len(gate_up)):
        values = np.empty(half_, np.float32)
        for k in range(half_):
            gate = gate_up[row, k]
            values[k] = gate / (np.float32(1.0) + exp(min(-gate, np.float32(80.0)))) * gate_up[row, half_ + k]
        _quantize_row(values, np.float32(1.0), codes[row // ROWS, :, row % ROWS], factors[row // ROWS, :, row % ROWS])


@njit(forceinline=True)
def _codes(kind, row, block, out):
    """The unsigned codes of 32 weights of a row, uint8 (32,), from bytes as the file has them."""
    if kind in (Q4_K, Q5_K):
        start = block // 8 * (144 if kind == Q4_K else 176)
        low = start + (16 if kind == Q4_K else 48) + block % 8 // 2 * 32
        for k in range(32):
            out[k] = (row[low + k] >> (block % 2 * 4)) & 15
        if kind == Q5_K:
            for k in range(32):
                out[k] |= ((row[start + 16 + k] >> (block % 8)) & 1) << 4
    elif kind == Q6_K:
        start, part, quarter = block // 8 * 210, block % 8 // 4, block % 4
        low, high = start + part * 64 + quarter % 2 * 32, start + 128 + part * 32
        for k in range(32):
            out[k] = ((row[low + k] >> (quarter // 2 * 4)) & 15) | (((row[high + k] >> (2 * quarter)) & 3) << 4)
    elif kind == Q8_0:
        for k in range(32):
            out[k] = row[block * 34 + 2 + k] ^ 128
    else:
        size, low = 18, 2
        if kind == Q4_1:
            size, low = 20, 4
        elif kind == Q5_0:
            size, low = 22, 6
        elif kind == Q5_1:
            size, low = 24, 8
        start = block * size
        for k in range(16):
            byte = row[start + low + k]
            out[k], out[16 + k] = byte & 15, byte >> 4
        if kind in (Q5_0, Q5_1):
            for k in range(32):
                out[k] |= ((row[start + low - 4 + k // 8] >> (k % 8)) & 1) << 4


@njit(forceinline=True)
def _nested_pair(scales, j):
    """Scale and minimum of group j, six bits each, of a K-quant's twelve bytes (llama.cpp, get_scale_min_k4)."""
    if j < 4:
        return scales[j] & 63, scales[j + 4] & 63
    return (scales[j + 4] & 15) | ((scales[j - 4] >> 6) << 4), (scales[j + 4] >> 4) | ((scales[j] >> 6) << 4)


@njit(cache=True, nogil=True, parallel=True, boundscheck=False)
def pack(kind, unit, unit_bytes, bits, data, panels, scales):
    """Rows as in the file, uint8 (N, bytes), to panels and scales, uint8 (⌈N / 16⌉, …); spare outputs are zero."""
    outputs, size = len(data), data.shape[1] // unit_bytes * unit
    scale_bytes = scales.shape[1] // (size // unit)
    for number in prange(len(panels)):
        panel, scale, codes = panels[number], scales[number], np.empty(BLOCK, np.uint8)
        panel[:] = 0
        scale[:] = 0
        for place in range(min(PANEL, outputs - number * PANEL)):
            row = data[number * PANEL + place]
            for block in range(size // BLOCK):
                _codes(kind, row, block, codes)
                to = block * 64 * bits + place * 4
                for quad in range(8):
                    for k in range(4):
                        code = codes[quad * 4 + k]
                        if bits == 8:
                            panel[to + quad * 64 + k] = code
                        else:
                            panel[to + quad // 2 * 64 + k] |= (code & 15) << (quad % 2 * 4)
                            if bits > 4:
                                bit = quad * (bits - 4)
                                panel[to + 256 + bit // 8 * 64 + k] |= (code >> 4) << (bit % 8)
            for u in range(size // unit):
                own, to = row[u * unit_bytes : (u + 1) * unit_bytes], scale[u * scale_bytes : (u + 1) * scale_bytes]
                first = 208 if kind == Q6_K else 0
                to[2 * place], to[2 * place + 1] = own[first], own[first + 1]
                if kind in (Q4_K, Q5_K):
                    to[32 + 2 * place], to[33 + 2 * place] = own[2], own[3]
                    for group in range(8):
                        small, least = _nested_pair(own[4:16], group)
                        to[64 + group * 32 + place], to[80 + group * 32 + place] = small, least
                elif kind == Q6_K:
                    for group in range(16):
                        to[32 + group * 16 + place] = own[192 + group]
                elif kind in (Q4_1, Q5_1):  # their minimum is added, ours is taken off
                    to[32 + 2 * place], to[33 + 2 * place] = own[2], own[3] ^ 128


@njit(forceinline=True)
def _half_at(data, at):
    return half(np.int32(data[at]) | np.int32(data[at + 1]) << 8)


@njit(forceinline=True)
def unpack(kind, bits, offset, panel, scales, block, place, out):
    """The 32 weights of a block of one output, fp32 (32,), from its panel; `scales` are those of the block's unit."""
    scale, least = _half_at(scales, 2 * place), np.float32(0.0)
    if kind in (Q4_1, Q5_1, Q4_K, Q5_K):
        least = _half_at(scales, 32 + 2 * place)
    for part in range(2):
        factor, minimum = scale, least
        if kind == Q6_K:
            factor = scale * np.float32(np.int8(scales[32 + (block % 8 * 2 + part) * 16 + place]))
        elif kind in (Q4_K, Q5_K):
            factor = scale * np.float32(scales[64 + block % 8 * 32 + place])
            minimum = least * np.float32(scales[80 + block % 8 * 32 + place])
        if offset:
            minimum = factor * np.float32(offset)
        for quad in range(4 * part, 4 * part + 4):
            for k in range(4):
                at = block * 64 * bits + place * 4 + k
                if bits == 8:
                    code = np.int64(panel[at + quad * 64])
                else:
                    code = (np.int64(panel[at + quad // 2 * 64]) >> (quad % 2 * 4)) & 15
                    if bits > 4:
                        bit = quad * (bits - 4)
                        code |= (
                            (np.int64(panel[at + 256 + bit // 8 * 64]) >> (bit % 8)) & ((1 << (bits - 4)) - 1)
                        ) << 4
                out[quad * 4 + k] = factor * np.float32(code) - minimum


@njit(cache=True, nogil=True, boundscheck=False)
def unpack_rows(kind, unit, bits, offset, panels, scales, rows, out):
    """These outputs, int64 (n,), as fp32 (n, K)."""
    size = out.shape[1]
    scale_bytes = scales.shape[1] // (size // unit)
    for n in range(len(rows)):
        panel, scale, place = panels[rows[n] // PANEL], scales[rows[n] // PANEL], rows[n] % PANEL
        for block in range(size // BLOCK):
            u = block * BLOCK // unit
            unpack(
                kind, bits, offset, panel, scale[u * scale_bytes : (u + 1) * scale_bytes], block, place,
                out[n, block * BLOCK : (block + 1) * BLOCK],
            )  # fmt: skip
