"""A few rows times one panel of 4- to 8-bit blocks, as vpdpbusd instructions; see `formats.py` for the layout."""

# mypy: disable-error-code="no-untyped-def,misc,no-any-return"
# ruff: noqa: ARG001
from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from elm_app.engine.quantized.formats import BLOCK, PANEL, Format

ROWS = 8
"""Rows of activations that lie together; a tile computes up to so many."""
_I8, _I16, _I32, _I64, _F16, _F32 = (*map(ir.IntType, (8, 16, 32, 64)), ir.HalfType(), ir.FloatType())
_WHOLE, _REAL = ir.VectorType(_I32, PANEL), ir.VectorType(_F32, PANEL)
_UNITS = 256 // BLOCK
"""Blocks in a unit of a K-quant."""


class _Writer:
    """Loads, stores and constants of one function; addresses are int64."""

    def __init__(self, build: ir.IRBuilder) -> None:
        self.build = build

    def function(self, name: str, result: ir.Type, *arguments: ir.Type) -> ir.Function:
        found = self.build.module.globals.get(name)
        return found or ir.Function(self.build.module, ir.FunctionType(result, arguments), name)

    def load(self, address, offset: int, kind: ir.Type, align: int = 1):
        at = self.build.add(address, _I64(offset)) if offset else address
        value = self.build.load(self.build.inttoptr(at, kind.as_pointer()))
        value.align = align
        return value

    def spread(self, scalar, kind: ir.VectorType):
        """The same number in all 16 places."""
        nothing = ir.Constant(kind, ir.Undefined)
        one = self.build.insert_element(nothing, scalar, _I32(0))
        return self.build.shuffle_vector(one, nothing, ir.Constant(_WHOLE, [0] * PANEL))

    def whole(self, number: int):
        return ir.Constant(_WHOLE, [number] * PANEL)

    def fma(self, a, b, c):
        """a · b + c with one rounding: the same bits whatever is compiled around it."""
        return self.build.call(self.function("llvm.fma.v16f32", _REAL, _REAL, _REAL, _REAL), [a, b, c])

    def halves(self, address, offset: int):
        """16 fp16 numbers as fp32."""
        return self.build.fpext(self.load(address, offset, ir.VectorType(_F16, PANEL)), _REAL)

    def small(self, address, offset: int, signed: bool):
        """16 bytes as fp32."""
        found = self.load(address, offset, ir.VectorType(_I8, PANEL))
        if signed:
            return self.build.sitofp(self.build.sext(found, _WHOLE), _REAL)
        return self.build.uitofp(self.build.zext(found, _WHOLE), _REAL)

    def fetch(self, address) -> None:
        """Have a cache line brought near."""
        byte = _I8.as_pointer()
        prefetch = self.function("llvm.prefetch.p0i8", ir.VoidType(), byte, _I32, _I32, _I32)
        self.build.call(prefetch, [self.build.inttoptr(address, byte), _I32(0), _I32(2), _I32(1)])


def _quads(write: _Writer, format: Format, codes) -> list[Any]:
    """The codes of 32 weights of 16 outputs: 8 vectors of unsigned bytes, four weights an output."""
    build, low = write.build, write.whole(0x0F0F0F0F)
    if format.bits == 8:
        return [write.load(codes, 64 * n, _WHOLE, 64) for n in range(8)]
    high = [write.load(codes, 256 + 64 * n, _WHOLE, 64) for n in range(format.bits - 4)]
    quads = []
    for n in range(8):
        if n % 2 == 0:
            both = write.load(codes, 32 * n, _WHOLE, 64)
            quad = build.and_(both, low)
        else:
            quad = build.and_(build.lshr(both, write.whole(4)), low)
        if high:
            width = len(high)  # bits of a code that stand apart
            lane, place = high[n * width // 8], n * width % 8
            up = 4 - place
            moved = build.shl(lane, write.whole(up)) if up > 0 else build.lshr(lane, write.whole(-up)) if up else lane
            quad = build.or_(quad, build.and_(moved, write.whole((0x10 if width == 1 else 0x30) * 0x01010101)))
        quads.append(quad)
    return quads


def _group_values(write: _Writer, format: Format, scales, block) -> list[tuple[Any, Any]]:
    """Scale and minimum, fp32 (16,) each, of every group in one block; `scales` is where those of its unit begin."""
    build = write.build
    scale = write.halves(scales, 0)
    minimum = write.halves(scales, 2 * PANEL) if format.minimums else None
    offset = ir.Constant(_REAL, [float(format.offset)] * PANEL)
    if not format.nested:
        return [(scale, build.fmul(scale, offset) if minimum is None else minimum)]
    groups, step = BLOCK // format.group, (2 if format.minimums else 1) * PANEL
    first = build.add(scales, _I64((4 if format.minimums else 2) * PANEL))
    at = build.add(first, build.mul(block, _I64(groups * step)))
    found = []
    for group in range(groups):
        own = build.fmul(scale, write.small(at, group * step, signed=not format.minimums))
        if minimum is None:
            found.append((own, build.fmul(own, offset)))
        else:
            found.append((own, build.fmul(minimum, write.small(at, group * step + PANEL, signed=False))))
    return found


def block_tile(format: Format, rows: int) -> Any:
    """`rows` rows times one panel: int8 products summed by vpdpbusd, block by block, then scaled in fp32."""
    groups = BLOCK // format.group if format.group < BLOCK else 1
    each = 8 // groups  # quads in a group

    @intrinsic
    def tile(typingctx, codes, factors, panel, scales, units, base, base_stride, out, out_stride, live, ahead):
        """out[r] = Σ over blocks of scale · factor[r] · (codes · codes[r]) − minimum · sum[r], plus base[r].

        All arguments are int64. codes: address of int8 activations (blocks, 8, 32). factors: of fp32 (blocks, 8, 4),
        the block's scale, −scale · Σ codes, and the same for its first and second half. panel, scales: of the weights.
        units: of the format in a row. base, out: of fp32, with strides in bytes; only `live` rows are written. The
        codes of the weights `ahead` bytes further on are fetched meanwhile.
        """

        def generate(context, build, signature, arguments):
            codes, factors, panel, scales, units, base, base_stride, out, out_stride, live, ahead = arguments
            write = _Writer(build)
            dot = write.function("llvm.x86.avx512.vpdpbusd.512", _WHOLE, _WHOLE, _WHOLE, _WHOLE)
            nothing, blank = ir.Constant(_REAL, [0.0] * PANEL), write.whole(0)
            entry = build.block
            unit_loop, block_loop, unit_end, done = (
                build.append_basic_block(name) for name in ("unit", "block", "unit_end", "done")
            )
            build.branch(unit_loop)
            build.position_at_end(unit_loop)
            unit = build.phi(_I64)
            unit_sums = [build.phi(_REAL) for _ in range(rows)]
            at_scales = build.add(scales, build.mul(unit, _I64(format.scale_bytes)))
            build.branch(block_loop)
            build.position_at_end(block_loop)
            block = build.phi(_I64)
            sums = [build.phi(_REAL) for _ in range(rows)]
            place = build.add(build.mul(unit, _I64(_UNITS)), block) if format.nested else unit
            at_codes = build.add(codes, build.mul(place, _I64(ROWS * BLOCK)))
            at_factors = build.add(factors, build.mul(place, _I64(ROWS * 16)))
            at_panel = build.add(panel, build.mul(place, _I64(format.code_bytes)))
            for line in range(format.code_bytes // 64):
                write.fetch(build.add(at_panel, build.add(ahead, _I64(64 * line))))
            quads = _quads(write, format, at_panel)
            weights_of = _group_values(write, format, at_scales, block)
            new = []
            for r in range(rows):
                fours = [write.spread(write.load(at_codes, r * BLOCK + 4 * n, _I32, 4), _WHOLE) for n in range(8)]
                scaled = None
                for group in range(groups):
                    total = blank
                    if rows <= 2 and each > 4:  # two chains: one alone waits for itself
                        other = blank
                        for n in range(0, each, 2):
                            total = build.call(dot, [total, quads[n], fours[n]])
                            other = build.call(dot, [other, quads[n + 1], fours[n + 1]])
                        total = build.add(total, other)
                    else:
                        for n in range(group * each, (group + 1) * each):
                            total = build.call(dot, [total, quads[n], fours[n]])
                    real = build.sitofp(total, _REAL)
                    scale, _ = weights_of[group]
                    scaled = build.fmul(real, scale) if scaled is None else write.fma(real, scale, scaled)
                value = write.fma(scaled, write.spread(write.load(at_factors, 16 * r, _F32, 4), _REAL), sums[r])
                for group in range(groups):
                    which = 4 if groups == 1 else 8 + 4 * group
                    surplus = write.spread(write.load(at_factors, 16 * r + which, _F32, 4), _REAL)
                    value = write.fma(weights_of[group][1], surplus, value)
                new.append(value)
            following = build.add(block, _I64(1))
            block.add_incoming(_I64(0), unit_loop)
            block.add_incoming(following, block_loop)
            for phi, start, value in zip(sums, unit_sums, new, strict=True):
                phi.add_incoming(start, unit_loop)
                phi.add_incoming(value, block_loop)
            blocks = _I64(_UNITS if format.nested else 1)
            build.cbranch(build.icmp_signed("<", following, blocks), block_loop, unit_end)
            build.position_at_end(unit_end)
            after = build.add(unit, _I64(1))
            unit.add_incoming(_I64(0), entry)
            unit.add_incoming(after, unit_end)
            for phi, value in zip(unit_sums, new, strict=True):
                phi.add_incoming(nothing, entry)
                phi.add_incoming(value, unit_end)
            build.cbranch(build.icmp_signed("<", after, units), unit_loop, done)
            build.position_at_end(done)
            for r in range(rows):
                with build.if_then(build.icmp_signed("<", _I64(r), live)):
                    from_ = build.add(base, build.mul(base_stride, _I64(r)))
                    value = build.fadd(new[r], write.load(from_, 0, _REAL, 4))
                    to = build.inttoptr(build.add(out, build.mul(out_stride, _I64(r))), _REAL.as_pointer())
                    build.store(value, to).align = 4
            return context.get_dummy_value()

        return types.void(*[types.int64] * 11), generate

    return tile


@intrinsic
def half(typingctx, bits):
    """The fp16 number whose bits these are, as fp32."""

    def generate(context, build, signature, arguments):
        return build.fpext(build.bitcast(build.trunc(arguments[0], _I16), _F16), _F32)

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
            write = _Writer(build)
            groups = _group_values(write, format, scales, block)
            low, byte4 = write.whole(255), ir.VectorType(_I32, 4)
            for n, quad in enumerate(_quads(write, format, panel)):
                scale, minimum = groups[n * len(groups) // 8]
                for k in range(4):
                    code = build.and_(build.lshr(quad, write.whole(8 * k)), low)
                    value = build.fsub(build.fmul(build.uitofp(code, _REAL), scale), minimum)
                    at = 4 * n + k
                    factor = write.spread(write.load(factors, 4 * at, _F32, 4), _REAL)
                    shifted = write.fma(value, factor, ir.Constant(_REAL, [128.5] * PANEL))
                    bytes_ = build.trunc(build.fptosi(shifted, _WHOLE), ir.VectorType(_I8, PANEL))
                    fours = build.bitcast(bytes_, byte4)
                    for quarter in range(4):
                        place = build.add(to, _I64(quarter * 128 + 4 * at))
                        four = build.extract_element(fours, _I32(quarter))
                        build.store(four, build.inttoptr(place, _I32.as_pointer())).align = 4
            return context.get_dummy_value()

        return types.void(*[types.int64] * 5), generate

    return tile
