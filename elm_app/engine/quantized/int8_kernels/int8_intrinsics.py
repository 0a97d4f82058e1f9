"""What numba cannot say by itself: rows of bytes times a panel of bytes, where an array lies, a float of given bits."""

# mypy: disable-error-code="no-untyped-def,misc,no-any-return"
# ruff: noqa: ARG001
from __future__ import annotations

from typing import Any

from numba import types
from numba.extending import intrinsic

from elm_app.engine.quantized.vectors import F32, FEW, I32, I64, LANES, REAL, WHOLE, Sums, Writer

PANEL = 32
"""Outputs per panel of weights."""
QUADS = 4
"""Four products each that are summed together: rows have a multiple of 4 · QUADS numbers."""


def dot_tile(rows: int) -> Any:
    """`rows` rows times one panel: K int8 products, summed exactly, then scaled to fp32."""
    firsts = range(0, PANEL, LANES)
    parts = [[(r, first) for r in range(rows) for first in firsts]]
    if FEW:  # four sums, in two parts each, fill the registers
        parts = [[(r, first) for r in range(rows)[at : at + 4]] for first in firsts for at in range(0, rows, 4)]

    @intrinsic
    def tile(
        typingctx, codes, total, scale, panel, weight_scale, quads, base, base_stride, out, out_stride, ahead, pace
    ):
        """out[r] = (Σ panel · codes[r] − 128 · total[r]) · weight_scale · scale[r] + base[r], for 32 outputs.

        All arguments are int64: addresses of int8 codes (rows `4 · quads` bytes apart), of int32 totals and fp32 scales
        of the rows, of the panel and its 32 fp32 scales, and of fp32 `base` and `out`, with strides in bytes. On the
        way the two cache lines at `ahead` are fetched, which goes on by `pace` bytes for each four products.
        """

        def generate(context, build, signature, arguments):
            for part in parts:
                _tile(build, part, part is parts[0], *arguments)
            return context.get_dummy_value()

        return types.void(*[types.int64] * 12), generate

    return tile


def _tile(
    build, places: list[tuple[int, int]], fetch: bool, codes, total, scale, panel, weight_scale, quads, base,
    base_stride, out, out_stride, ahead, pace,
) -> None:  # fmt: skip
    """Some rows, each with the outputs from `first` on, as many as a vector has; see `dot_tile`."""
    write = Writer(build)
    row_at = {r: build.add(codes, build.mul(quads, I64(4 * r))) for r, _ in places}
    entry, loop, done = build.block, build.append_basic_block("loop"), build.append_basic_block("done")
    build.branch(loop)
    build.position_at_end(loop)
    step = build.phi(I64)
    so_far = [build.phi(WHOLE) for _ in places]
    sums = Sums(write, so_far, 8)
    for n in range(QUADS):
        quad = build.add(step, I64(n))
        if fetch:
            line = build.add(ahead, build.mul(quad, pace))
            for offset in (0, 64):  # four products are two lines
                write.fetch(build.add(line, I64(offset)))
        at_panel, at_row = build.add(panel, build.mul(quad, I64(4 * PANEL))), build.mul(quad, I64(4))
        weights = {first: write.load(at_panel, 4 * first, WHOLE, 4 * LANES) for _, first in places}
        fours = {r: write.spread(write.load(build.add(at, at_row), 0, I32), WHOLE) for r, at in row_at.items()}
        for number, (r, first) in enumerate(places):
            sums.add(number, weights[first], fours[r])
    following, new = build.add(step, I64(QUADS)), sums.done()
    step.add_incoming(I64(0), entry)
    step.add_incoming(following, loop)
    for phi, value in zip(so_far, new, strict=True):
        phi.add_incoming(write.whole(0), entry)
        phi.add_incoming(value, loop)
    build.cbranch(build.icmp_signed("<", following, quads), loop, done)
    build.position_at_end(done)
    for (r, first), value in zip(places, new, strict=True):
        surplus = write.spread(build.mul(write.load(total, 4 * r, I32, 4), I32(128)), WHOLE)
        factor = write.spread(write.load(scale, 4 * r, F32, 4), REAL)
        real = build.sitofp(build.sub(value, surplus), REAL)
        real = build.fmul(build.fmul(real, write.load(weight_scale, 4 * first, REAL, 4)), factor)
        from_ = build.add(base, build.mul(base_stride, I64(r)))
        to = build.add(out, build.mul(out_stride, I64(r)))
        write.store(build.fadd(real, write.load(from_, 4 * first, REAL, 4)), to, 4 * first)


@intrinsic
def float_of_bits(typingctx, bits):
    """The float whose bits these are."""

    def generate(context, build, signature, arguments):
        return build.bitcast(arguments[0], F32)

    return types.float32(types.int32), generate


@intrinsic
def address(typingctx, array):
    """Where an array's first element lies."""

    def generate(context, build, signature, arguments):
        data = context.make_array(signature.args[0])(context, build, arguments[0]).data
        return build.ptrtoint(data, I64)

    return types.int64(array), generate
