"""A few rows times one panel of 4- to 8-bit blocks, in vectors of LLVM; see `formats.py` for the layout."""

# mypy: disable-error-code="no-untyped-def,misc,no-any-return"
# ruff: noqa: ARG001
from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from elm_app.engine.quantized.formats import BLOCK, PANEL, Format
from elm_app.engine.quantized.vectors import F16, F32, FEW, I8, I16, I32, I64, LANES, REAL, WHOLE, Sums, Writer

ROWS = 8
"""Rows of activations that lie together; a tile computes up to so many."""
_UNITS = 256 // BLOCK
"""Blocks in a unit of a K-quant."""


class _Outputs(Writer):
    """Reads what belongs to the outputs of a panel from `first` on, as many as a vector has."""

    def __init__(self, build: ir.IRBuilder, first: int) -> None:
        super().__init__(build)
        self.first = first

    def codes(self, address, offset: int):
        """Four bytes each."""
        return self.load(address, offset + 4 * self.first, WHOLE, 4 * LANES)

    def halves(self, address, offset: int):
        """An fp16 number each, as fp32."""
        return self.build.fpext(self.load(address, offset + 2 * self.first, ir.VectorType(F16, LANES)), REAL)

    def small(self, address, offset: int, signed: bool):
        """A byte each, as fp32."""
        found = self.load(address, offset + self.first, ir.VectorType(I8, LANES))
        if signed:
            return self.build.sitofp(self.build.sext(found, WHOLE), REAL)
        return self.build.uitofp(self.build.zext(found, WHOLE), REAL)


def _quads(write: _Outputs, format: Format, codes) -> Iterator[Any]:
    """The codes of 32 weights: 8 vectors of unsigned bytes, four weights an output."""
    build, low = write.build, write.whole(0x0F0F0F0F)
    if format.bits == 8:
        yield from (write.codes(codes, 64 * n) for n in range(8))
        return
    high = [write.codes(codes, 256 + 64 * n) for n in range(format.bits - 4)]
    for n in range(8):
        if n % 2 == 0:
            both = write.codes(codes, 32 * n)
            quad = build.and_(both, low)
        else:
            quad = build.and_(build.lshr(both, write.whole(4)), low)
        if high:
            width = len(high)  # bits of a code that stand apart
            lane, place = high[n * width // 8], n * width % 8
            up = 4 - place
            moved = build.shl(lane, write.whole(up)) if up > 0 else build.lshr(lane, write.whole(-up)) if up else lane
            quad = build.or_(quad, build.and_(moved, write.whole((0x10 if width == 1 else 0x30) * 0x01010101)))
        yield quad


def _group_values(write: _Outputs, format: Format, scales, block) -> list[tuple[Any, Any]]:
    """Scale and minimum, fp32 vectors, of every group in one block; `scales` is where those of its unit begin."""
    build = write.build
    scale = write.halves(scales, 0)
    minimum = write.halves(scales, 2 * PANEL) if format.minimums else None
    offset = write.real(float(format.offset))
    if not format.nested:
        return [(scale, build.fmul(scale, offset) if minimum is None else minimum)]
    groups, step = BLOCK // format.group, (2 if format.minimums else 1) * PANEL
    first = build.add(scales, I64((4 if format.minimums else 2) * PANEL))
    at = build.add(first, build.mul(block, I64(groups * step)))
    found = []
    for group in range(groups):
        own = build.fmul(scale, write.small(at, group * step, signed=not format.minimums))
        if minimum is None:
            found.append((own, build.fmul(own, offset)))
        else:
            found.append((own, build.fmul(minimum, write.small(at, group * step + PANEL, signed=False))))
    return found


def _tile(
    build, format: Format, rows: int, firsts: list[int], codes, factors, panel, scales, units, base, base_stride, out,
    out_stride, live, ahead,
) -> None:  # fmt: skip
    """The outputs that begin at `firsts`, as many each as a vector has; see `block_tile`."""
    write = Writer(build)
    places = [(first, r) for first in firsts for r in range(rows)]
    groups = BLOCK // format.group if format.group < BLOCK else 1
    entry = build.block
    unit_loop, block_loop, unit_end, done = (
        build.append_basic_block(name) for name in ("unit", "block", "unit_end", "done")
    )
    build.branch(unit_loop)
    build.position_at_end(unit_loop)
    unit = build.phi(I64)
    unit_sums = [build.phi(REAL) for _ in places]
    at_scales = build.add(scales, build.mul(unit, I64(format.scale_bytes)))
    build.branch(block_loop)
    build.position_at_end(block_loop)
    block = build.phi(I64)
    sums = [build.phi(REAL) for _ in places]
    place = build.add(build.mul(unit, I64(_UNITS)), block) if format.nested else unit
    at_codes = build.add(codes, build.mul(place, I64(ROWS * BLOCK)))
    at_factors = build.add(factors, build.mul(place, I64(ROWS * 16)))
    at_panel = build.add(panel, build.mul(place, I64(format.code_bytes)))
    if 0 in firsts:
        for line in range(format.code_bytes // 64):
            write.fetch(build.add(at_panel, build.add(ahead, I64(64 * line))))
    new: list[Any] = []
    for first in firsts:
        outputs = _Outputs(build, first)
        totals = _totals(outputs, format, rows, at_panel, at_codes, groups)
        weights_of = _group_values(outputs, format, at_scales, block)
        for r in range(rows):
            scaled = None
            for (scale, _), total in zip(weights_of, totals[r], strict=True):
                real = build.sitofp(total, REAL)
                scaled = build.fmul(real, scale) if scaled is None else write.fma(real, scale, scaled)
            factor = write.spread(write.load(at_factors, 16 * r, F32, 4), REAL)
            value = write.fma(scaled, factor, sums[len(new)])
            for group, (_, minimum) in enumerate(weights_of):
                which = 4 if groups == 1 else 8 + 4 * group
                surplus = write.spread(write.load(at_factors, 16 * r + which, F32, 4), REAL)
                value = write.fma(minimum, surplus, value)
            new.append(value)
    following = build.add(block, I64(1))
    block.add_incoming(I64(0), unit_loop)
    block.add_incoming(following, block_loop)
    for phi, start, value in zip(sums, unit_sums, new, strict=True):
        phi.add_incoming(start, unit_loop)
        phi.add_incoming(value, block_loop)
    blocks = I64(_UNITS if format.nested else 1)
    build.cbranch(build.icmp_signed("<", following, blocks), block_loop, unit_end)
    build.position_at_end(unit_end)
    after = build.add(unit, I64(1))
    unit.add_incoming(I64(0), entry)
    unit.add_incoming(after, unit_end)
    for phi, value in zip(unit_sums, new, strict=True):
        phi.add_incoming(write.real(0.0), entry)
        phi.add_incoming(value, unit_end)
    build.cbranch(build.icmp_signed("<", after, units), unit_loop, done)
    build.position_at_end(done)
    for (first, r), value in zip(places, new, strict=True):
        with build.if_then(build.icmp_signed("<", I64(r), live)):
            from_ = build.add(base, build.mul(base_stride, I64(r)))
            to = build.add(out, build.mul(out_stride, I64(r)))
            write.store(build.fadd(value, write.load(from_, 4 * first, REAL, 4)), to, 4 * first)


def _totals(outputs: _Outputs, format: Format, rows: int, at_panel, at_codes, groups: int) -> list[list[Any]]:
    """Σ codes · activations of a block, int32 vectors, of every row and group."""
    build, each = outputs.build, 8 // groups
    chains = 2 if rows <= 2 and each > 4 and not FEW else 1  # one alone waits for itself
    quads = enumerate(_quads(outputs, format, at_panel))
    found: list[list[Any]] = [[] for _ in range(rows)]
    for _ in range(groups):
        sums = Sums(outputs, [outputs.whole(0)] * (rows * chains), format.bits)
        mine = list(islice(quads, each)) if not FEW else islice(quads, each)
        # With few registers a vector of weights is used up before the next one is read.
        for n, quad, r in ((n, quad, r) for n, quad in mine for r in range(rows)):
            activations = outputs.load(at_codes, r * BLOCK + 4 * n, I32, 4)
            sums.add(r * chains + n % chains, quad, outputs.spread(activations, WHOLE))
        done = sums.done()
        for r in range(rows):
            found[r].append(done[r] if chains == 1 else build.add(done[2 * r], done[2 * r + 1]))
    return found


def block_tile(format: Format, rows: int) -> Any:
    """`rows` rows times one panel: int8 products summed block by block, then scaled in fp32."""
    # Whole cache lines for one row, which waits for memory; as much as registers hold for more.
    firsts = list(range(0, PANEL, LANES))
    parts = [firsts] if rows == 1 else [[first] for first in firsts]

    @intrinsic
    def tile(typingctx, codes, factors, panel, scales, units, base, base_stride, out, out_stride, live, ahead):
        """out[r] = Σ over blocks of scale · factor[r] · (codes · codes[r]) − minimum · sum[r], plus base[r].

        All arguments are int64. codes: address of int8 activations (blocks, 8, 32). factors: of fp32 (blocks, 8, 4),
        the block's scale, −scale · Σ codes, and the same for its first and second half. panel, scales: of the weights.
        units: of the format in a row. base, out: of fp32, with strides in bytes; only `live` rows are written. The
        codes of the weights `ahead` bytes further on are fetched meanwhile.
        """

        def generate(context, build, signature, arguments):
            for part in parts:
                _tile(build, format, rows, part, *arguments)
            return context.get_dummy_value()

        return types.void(*[types.int64] * 11), generate

    return tile


@intrinsic
def half(typingctx, bits):
    """The fp16 number whose bits these are, as fp32."""

    def generate(context, build, signature, arguments):
        return build.fpext(build.bitcast(build.trunc(arguments[0], I16), F16), F32)

    return types.float32(types.int32), generate


def transpose_tile(format: Format) -> Any:
    """32 weights of 16 outputs as int8 codes the other way round, for products with gradients."""

    @intrinsic
    def tile(typingctx, panel, scales, block, factors, to):
        """to[quad of outputs][32 weights][4 outputs] = round(weight · factor) + 128, unsigned bytes.

        All arguments are int64. panel: address of the block's codes. scales: of its unit's scales. block: which of the
        unit's blocks it is. factors: address of fp32 (32,), one for each weight. to: 512 bytes.
        """

        def generate(context, build, signature, arguments):
            panel, scales, block, factors, to = arguments
            for first in range(0, PANEL, LANES):
                write = _Outputs(build, first)
                groups = _group_values(write, format, scales, block)
                low, byte4 = write.whole(255), ir.VectorType(I32, LANES // 4)
                for n, quad in enumerate(_quads(write, format, panel)):
                    scale, minimum = groups[n * len(groups) // 8]
                    for k in range(4):
                        code = build.and_(build.lshr(quad, write.whole(8 * k)), low)
                        value = build.fsub(build.fmul(build.uitofp(code, REAL), scale), minimum)
                        at = 4 * n + k
                        factor = write.spread(write.load(factors, 4 * at, F32, 4), REAL)
                        shifted = write.fma(value, factor, write.real(128.5))
                        bytes_ = build.trunc(build.fptosi(shifted, WHOLE), ir.VectorType(I8, LANES))
                        fours = build.bitcast(bytes_, byte4)
                        for quarter in range(LANES // 4):
                            four = build.extract_element(fours, I32(quarter))
                            write.store(four, to, (first // 4 + quarter) * 128 + 4 * at)
            return context.get_dummy_value()

        return types.void(*[types.int64] * 5), generate

    return tile
