"""What numba cannot say by itself: the vpdpbusd instruction, an array's address, the float of given bits."""

# mypy: disable-error-code="no-untyped-def,misc,no-any-return"
# ruff: noqa: ARG001
from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

PANEL = 32
"""Outputs per panel of weights: two vectors of 16."""


def dot_tile(rows: int) -> Any:
    """`rows` rows times one panel: K int8 products summed by vpdpbusd instructions, then scaled to fp32."""
    i32, i64, f32 = ir.IntType(32), ir.IntType(64), ir.FloatType()
    whole, real = ir.VectorType(i32, 16), ir.VectorType(f32, 16)
    columns = PANEL // 16

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
            codes, total, scale, panel, weight_scale, quads, base, base_stride, out, out_stride, ahead, pace = arguments
            name = "llvm.x86.avx512.vpdpbusd.512"
            dot = build.module.globals.get(name)
            if dot is None:
                dot = ir.Function(build.module, ir.FunctionType(whole, [whole] * 3), name)
            byte = ir.IntType(8).as_pointer()
            name = "llvm.prefetch.p0i8"
            fetch = build.module.globals.get(name)
            if fetch is None:
                fetch = ir.Function(build.module, ir.FunctionType(ir.VoidType(), [byte, i32, i32, i32]), name)
            entry, loop, done = build.block, build.append_basic_block("loop"), build.append_basic_block("done")
            zero, first = ir.Constant(whole, [0] * 16), i32(0)

            def at(address, offset, kind):
                return build.inttoptr(build.add(address, offset), kind.as_pointer())

            def load(address, offset, kind, align=4):
                value = build.load(at(address, offset, kind))
                value.align = align
                return value

            def spread(scalar, kind):
                nothing = ir.Constant(kind, ir.Undefined)
                return build.shuffle_vector(build.insert_element(nothing, scalar, first), nothing, zero)

            row_at = [at(codes, build.mul(build.mul(quads, i64(4)), i64(r)), i32) for r in range(rows)]
            panel_at = build.inttoptr(panel, whole.as_pointer())
            build.branch(loop)
            build.position_at_end(loop)
            step = build.phi(i64)
            step.add_incoming(i64(0), entry)
            sums = [build.phi(whole) for _ in range(rows * columns)]
            line = build.add(ahead, build.mul(step, pace))
            for offset in (0, 64):  # four products are two lines
                build.call(fetch, [build.inttoptr(build.add(line, i64(offset)), byte), i32(0), i32(2), i32(1)])
            weights = []
            for c in range(columns):
                weights.append(build.load(build.gep(panel_at, [build.add(build.mul(step, i64(columns)), i64(c))])))
                weights[-1].align = 64
            new = []
            for r in range(rows):
                quad = build.load(build.gep(row_at[r], [step]))
                quad.align = 1
                four = spread(quad, whole)
                new += [build.call(dot, [sums[r * columns + c], weights[c], four]) for c in range(columns)]
            following = build.add(step, i64(1))
            step.add_incoming(following, loop)
            for total_so_far, value in zip(sums, new, strict=True):
                total_so_far.add_incoming(zero, entry)
                total_so_far.add_incoming(value, loop)
            build.cbranch(build.icmp_signed("<", following, quads), loop, done)
            build.position_at_end(done)
            for r in range(rows):
                surplus = spread(build.mul(load(total, i64(4 * r), i32), i32(128)), whole)
                factor = spread(load(scale, i64(4 * r), f32), real)
                for c in range(columns):
                    value = build.sitofp(build.sub(new[r * columns + c], surplus), real)
                    value = build.fmul(build.fmul(value, load(weight_scale, i64(64 * c), real)), factor)
                    offset = build.add(build.mul(base_stride, i64(r)), i64(64 * c))
                    value = build.fadd(value, load(base, offset, real))
                    offset = build.add(build.mul(out_stride, i64(r)), i64(64 * c))
                    build.store(value, at(out, offset, real)).align = 4
            return context.get_dummy_value()

        return types.void(*[types.int64] * 12), generate

    return tile


@intrinsic
def float_of_bits(typingctx, bits):
    """The float whose bits these are."""

    def generate(context, build, signature, arguments):
        return build.bitcast(arguments[0], ir.FloatType())

    return types.float32(types.int32), generate


@intrinsic
def address(typingctx, array):
    """Where an array's first element lies."""

    def generate(context, build, signature, arguments):
        data = context.make_array(signature.args[0])(context, build, arguments[0]).data
        return build.ptrtoint(data, ir.IntType(64))

    return types.int64(array), generate
