"""Int8 kernels for CPUs with AVX512-VNNI or AVX2, compiled on first use by numba and kept in its cache.

Weights are stored as they are read: panels of 32 outputs, [K / 4][2][16][4] bytes, so that one pass streams a matrix
from memory once however many rows there are. Codes of weights are kept unsigned (code + 128), activations signed, which
is what the instructions want; the surplus 128 · Σ activations is taken off at the end. All sums are exact integers, and
the attention of a row is computed by itself, so a row's result does not depend on the batch, to the bit. Helpers are
inlined by force: called, they are one program just after compiling and another one, rounded otherwise, from the cache.

Everything here works on numpy arrays: activations (B, K) int8 with `scale` fp32 (B,) and `total` int32 (B,), the sum of
a row's codes.
"""

# mypy: disable-error-code="no-untyped-def,misc,no-any-return,type-arg,call-arg,var-annotated"
from __future__ import annotations

import numpy as np
from numba import njit, prange

from elm_app.engine.quantized.int8_kernels.attention_intrinsics import SPAN, product_tile
from elm_app.engine.quantized.int8_kernels.int8_intrinsics import PANEL, address, dot_tile, float_of_bits

_NEAR = 1 << 19
"""Bytes of activations that are gone over again and again, panel after panel: they stay in the processor's cache."""
_dot8, _dot4, _dot1 = dot_tile(8), dot_tile(4), dot_tile(1)


@njit(fastmath={"contract"}, forceinline=True)
def exp(x):
    """e^x in fp32 to about one unit in the last place, for x ≤ 88, written so that it vectorises (Cephes expf)."""
    x = max(x, np.float32(-87.0))
    n = np.floor(x * np.float32(1.44269504) + np.float32(0.5))
    f = x - n * np.float32(0.693359375) + n * np.float32(2.12194440e-4)
    p = np.float32(1.9875691500e-4)
    p = p * f + np.float32(1.3981999507e-3)
    p = p * f + np.float32(8.3334519073e-3)
    p = p * f + np.float32(4.1665795894e-2)
    p = p * f + np.float32(1.6666665459e-1)
    p = p * f + np.float32(5.0000001201e-1)
    p = p * f * f + f + np.float32(1.0)
    return p * float_of_bits((np.int32(n) + np.int32(127)) << np.int32(23))


@njit(cache=True, nogil=True, parallel=True, boundscheck=False)
def linear(codes, scale, total, panels, weight_scale, base, out, workers):
    """out (B, N) = codes @ weightᵀ · scales + base, shared among `workers` threads.

    `panels` is uint8 (N / 32, K · 32), N being padded to whole panels; `base` is a bias (1, N), or (B, N), `out` itself
    if need be.
    """
    rows, size = codes.shape
    across = 4 * out.shape[1]
    down = 0 if len(base) == 1 < rows else across
    near = max(32, _NEAR // size // 8 * 8)
    for worker in prange(workers):
        for start in range(0, rows, near):
            end = min(start + near, rows)
            for number in range(len(panels) * worker // workers, len(panels) * (worker + 1) // workers):
                panel, factors = address(panels) + number * size * PANEL, address(weight_scale) + number * PANEL * 4
                at_base, at_out = address(base) + number * PANEL * 4, address(out) + number * PANEL * 4
                # The next panel is fetched meanwhile, a part of it in each pass over this one.
                ahead, pace = panel + size * PANEL, 4 * PANEL // ((end - start + 7) // 8)
                row = start
                while row < end:
                    first, sums = address(codes) + row * size, address(total) + 4 * row
                    scales, from_, to = address(scale) + 4 * row, at_base + row * down, at_out + row * across
                    if end - row >= 8:
                        _dot8(first, sums, scales, panel, factors, size // 4, from_, down, to, across, ahead, pace)
                        row += 8
                        ahead += size // 4 * pace
                    elif end - row >= 4:
                        _dot4(first, sums, scales, panel, factors, size // 4, from_, down, to, across, ahead, pace)
                        row += 4
                    else:
                        _dot1(first, sums, scales, panel, factors, size // 4, from_, down, to, across, ahead, pace)
                        row += 1


@njit(fastmath={"contract"}, forceinline=True)
def _quantize_row(values, codes):
    """int8 codes of one fp32 row; returns its scale and the sum of the codes."""
    peak = np.float32(1e-20)
    for k in range(len(values)):
        peak = max(peak, abs(values[k]))
    factor = np.float32(127.0) / peak
    total = np.int32(0)
    for k in range(len(values)):
        code = np.int32(np.floor(values[k] * factor + np.float32(0.5)))
        total += code
        codes[k] = np.int8(code)
    return peak / np.float32(127.0), total


@njit(cache=True, nogil=True, boundscheck=False)
def quantize(x, codes, scale, total):
    """fp32 (B, K) to codes, scales and totals, each row by itself."""
    for row in range(len(x)):
        scale[row], total[row] = _quantize_row(x[row], codes[row])


@njit(cache=True, nogil=True, parallel=True, boundscheck=False)
def quantize_many(x, codes, scale, total):
    """`quantize` with all threads; a function of its own, since numba keeps one program a function in its cache."""
    for row in prange(len(x)):
        scale[row], total[row] = _quantize_row(x[row], codes[row])


@njit(cache=True, nogil=True, boundscheck=False)
def norm_quantize(x, weight, eps, codes, scale, total):
    """RMSNorm of fp32 (B, H), then `quantize`; the division by the norm goes into the scale."""
    size = x.shape[1]
    values = np.empty(size, np.float32)
    for row in range(len(x)):
        squares = np.zeros(16, np.float32)
        for k in range(0, size, 16):
            for j in range(min(16, size - k)):
                squares[j] += x[row, k + j] * x[row, k + j]
        for k in range(size):
            values[k] = x[row, k] * weight[k]
        factor, total[row] = _quantize_row(values, codes[row])
        scale[row] = factor / np.sqrt(squares.sum() / np.float32(size) + np.float32(eps))


@njit(cache=True, nogil=True, parallel=True, boundscheck=False)
def gate_quantize(gate_up, codes, scale, total):
    """silu(gate) · up of fp32 (B, 2 I), then `quantize` to (B, I)."""
    half = gate_up.shape[1] // 2
    for row in prange(len(gate_up)):
        values = np.empty(half, np.float32)
        for k in range(half):
            gate = gate_up[row, k]
            values[k] = gate / (np.float32(1.0) + exp(min(-gate, np.float32(80.0)))) * gate_up[row, half + k]
        scale[row], total[row] = _quantize_row(values, codes[row])


_four64, _two64, _one64 = product_tile(4, SPAN), product_tile(2, SPAN), product_tile(1, SPAN)
_four16, _two16, _one16 = product_tile(4, 16), product_tile(2, 16), product_tile(1, 16)


@njit(forceinline=True)
def _product(left, row_stride, step, right, right_stride, count, out, out_stride, rows, wide):
    """out (rows, 64 if `wide` else 16) = left (rows, count) @ right (count, …); addresses, strides in bytes."""
    row = 0
    while row < rows:
        a, o = left + row * row_stride, out + row * out_stride
        if rows - row >= 4:
            if wide:
                _four64(a, row_stride, step, right, right_stride, count, o, out_stride)
            else:
                _four16(a, row_stride, step, right, right_stride, count, o, out_stride)
            row += 4
        elif rows - row >= 2:
            if wide:
                _two64(a, row_stride, step, right, right_stride, count, o, out_stride)
            else:
                _two16(a, row_stride, step, right, right_stride, count, o, out_stride)
            row += 2
        else:
            if wide:
                _one64(a, row_stride, step, right, right_stride, count, o, out_stride)
            else:
                _one16(a, row_stride, step, right, right_stride, count, o, out_stride)
            row += 1


@njit(cache=True, nogil=True, parallel=True, boundscheck=False)
def attend(qkv, turn, keys, values, length, out):
    """One new position for n rows that share a cache: rotate, append, and attend to all positions so far.

    Args:
        qkv: fp32 (n, (heads + 2 · kv) · D), neighbouring elements of queries and keys rotated together.
        turn: fp32 (D,), cos and sin of each pair's angle, alternating.
        keys: fp32 (n, kv, D, capacity), a multiple of 64; values: fp32 (n, kv, capacity, D); position `length` is
            written. D is a multiple of 16.
        out: fp32 (n, heads · D).
    """
    rows, kv, size, capacity = keys.shape
    heads = out.shape[1] // size
    group = heads // kv
    factor = np.float32(1.0) / np.sqrt(np.float32(size))
    for job in prange(rows * kv):
        row, head = job // kv, job % kv
        key, value = keys[row, head], values[row, head]
        source = qkv[row, (heads + head) * size : (heads + head + 1) * size]
        for d in range(0, size, 2):
            key[d, length] = source[d] * turn[d] - source[d + 1] * turn[d + 1]
            key[d + 1, length] = source[d] * turn[d + 1] + source[d + 1] * turn[d]
        value[length] = qkv[row, (heads + kv + head) * size : (heads + kv + head + 1) * size]
        query = np.empty((group, size), np.float32)
        for member in range(group):
            at = (head * group + member) * size
            for d in range(0, size, 2):
                left, right = qkv[row, at + d] * factor, qkv[row, at + d + 1] * factor
                query[member, d] = left * turn[d] - right * turn[d + 1]
                query[member, d + 1] = left * turn[d + 1] + right * turn[d]
        span = (length // SPAN + 1) * SPAN
        weights = np.empty((group, span), np.float32)
        for t in range(0, span, SPAN):
            to = address(weights) + t * 4
            _product(address(query), size * 4, 4, address(key) + t * 4, capacity * 4, size, to, span * 4, group, True)
        _softmax(weights, length + 1)
        at, d = address(out) + (row * out.shape[1] + head * group * size) * 4, 0
        while d < size:
            wide = size - d >= SPAN
            _product(
                address(weights), span * 4, 4, address(value) + d * 4, size * 4, length + 1, at + d * 4, size * 4,
                group, wide,
            )  # fmt: skip
            d += SPAN if wide else 16


_LOOSE = {"reassoc", "contract", "nsz"}
"""Sums may be reordered into vectors; the order is still the same for every row."""


@njit(fastmath=_LOOSE, forceinline=True)
def _softmax(scores, count):
    """Along the first `count` numbers of the last dimension of (g, T), in place."""
    for member in range(len(scores)):
        peak, norm = np.float32(-1e30), np.float32(0.0)
        for t in range(count):
            peak = max(peak, scores[member, t])
        for t in range(count):
            weight = exp(scores[member, t] - peak)
            scores[member, t] = weight
            norm += weight
        for t in range(count):
            scores[member, t] /= norm


@njit(cache=True, nogil=True, parallel=True, boundscheck=False)
def pack(weight, panels, scale):
    """fp32 (N, K), K a multiple of 16, to panels, uint8 (⌈N / 32⌉, K · 32), and scales; spare outputs are zero."""
    outputs, size = weight.shape
    for number in prange(len(panels)):
        panel = panels[number]
        for place in range(PANEL):
            row, at = number * PANEL + place, place // 16 * 64 + place % 16 * 4
            peak, factor = np.float32(0.0), np.float32(0.0)
            if row < outputs:
                for k in range(size):
                    peak = max(peak, abs(weight[row, k]))
                factor = np.float32(127.0) / max(peak, np.float32(1e-20))
            scale[row] = peak / np.float32(127.0)
            for quad in range(size // 4):
                for k in range(4):
                    value = weight[row, quad * 4 + k] * factor if row < outputs else np.float32(0.0)
                    panel[quad * 4 * PANEL + at + k] = np.uint8(np.floor(value + np.float32(128.5)))
