"""Two small matrix products of attention, as fused multiply-adds on registers; see `int8_numba.attend`."""

# mypy: disable-error-code="no-untyped-def,misc,no-any-return"
# ruff: noqa: ARG001
from __future__ import annotations

from typing import Any

from numba import types
from numba.extending import intrinsic

from elm_app.engine.quantized.vectors import F32, FEW, I64, LANES, REAL, Writer

SPAN = 64
"""Positions whose scores are computed at a time."""


def product_tile(rows: int, width: int) -> Any:
    """`rows` × `width` numbers of a product, a multiple of 16, as many at a time as there are registers for."""
    together = 16 if FEW else width

    @intrinsic
    def tile(typingctx, left, row_stride, step, right, right_stride, count, out, out_stride):
        """out[r, j] = Σ over i < count of left[r, i] · right[i, j].

        All arguments are int64: addresses of fp32 numbers, and strides in bytes; `step` is that of `left` from i to
        i + 1. Sums are taken in the order of i, with one rounding each.
        """

        def generate(context, build, signature, arguments):
            for first in range(0, width, together):
                _tile(build, rows, range(first, first + together, LANES), *arguments)
            return context.get_dummy_value()

        return types.void(*[types.int64] * 8), generate

    return tile


def _tile(build, rows: int, firsts: range, left, row_stride, step, right, right_stride, count, out, out_stride) -> None:
    """The numbers j from each of `firsts` on, as many as a vector has; see `product_tile`."""
    write = Writer(build)
    places = [(r, first) for r in range(rows) for first in firsts]
    entry, loop, done = build.block, build.append_basic_block("loop"), build.append_basic_block("done")
    build.branch(loop)
    build.position_at_end(loop)
    i, at_left, at_right = build.phi(I64), build.phi(I64), build.phi(I64)
    sums = [build.phi(REAL) for _ in places]
    columns = {first: write.load(at_right, 4 * first, REAL, 4) for first in firsts}
    factors = [
        write.spread(write.load(build.add(at_left, build.mul(row_stride, I64(r))), 0, F32, 4), REAL)
        for r in range(rows)
    ]
    new = [write.fma(factors[r], columns[first], so_far) for (r, first), so_far in zip(places, sums, strict=True)]
    following = build.add(i, I64(1))
    for phi, start, value in (
        (i, I64(0), following),
        (at_left, left, build.add(at_left, step)),
        (at_right, right, build.add(at_right, right_stride)),
        *((phi, write.real(0.0), value) for phi, value in zip(sums, new, strict=True)),
    ):
        phi.add_incoming(start, entry)
        phi.add_incoming(value, loop)
    build.cbranch(build.icmp_signed("<", following, count), loop, done)
    build.position_at_end(done)
    for (r, first), value in zip(places, new, strict=True):
        write.store(value, build.add(out, build.mul(out_stride, I64(r))), 4 * first)
