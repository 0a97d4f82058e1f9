"""Two small matrix products of attention, as fused multiply-adds on registers; see `int8_numba.attend`."""

# mypy: disable-error-code="no-untyped-def,misc,no-any-return"
# ruff: noqa: ARG001
from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

SPAN = 64
"""Positions whose scores are computed at a time: four vectors of 16."""
_I32, _I64, _F32 = ir.IntType(32), ir.IntType(64), ir.FloatType()
_VECTOR = ir.VectorType(_F32, 16)


def product_tile(rows: int, vectors: int) -> Any:
    """`rows` × 16 · `vectors` numbers of a product, kept in registers until they are done."""

    @intrinsic
    def tile(typingctx, left, row_stride, step, right, right_stride, count, out, out_stride):
        """out[r, j] = Σ over i < count of left[r, i] · right[i, j].

        All arguments are int64: addresses of fp32 numbers, and strides in bytes; `step` is that of `left` from i to
        i + 1. Sums are taken in the order of i, with one rounding each.
        """

        def generate(context, build, signature, arguments):
            left, row_stride, step, right, right_stride, count, out, out_stride = arguments
            name = "llvm.fma.v16f32"
            fma = build.module.globals.get(name)
            if fma is None:
                fma = ir.Function(build.module, ir.FunctionType(_VECTOR, [_VECTOR] * 3), name)

            def load(address, offset, kind):
                at = build.add(address, offset) if offset is not None else address
                value = build.load(build.inttoptr(at, kind.as_pointer()))
                value.align = 4
                return value

            entry, loop, done = build.block, build.append_basic_block("loop"), build.append_basic_block("done")
            build.branch(loop)
            build.position_at_end(loop)
            i, at_left, at_right = build.phi(_I64), build.phi(_I64), build.phi(_I64)
            sums = [build.phi(_VECTOR) for _ in range(rows * vectors)]
            columns = [load(at_right, _I64(64 * v) if v else None, _VECTOR) for v in range(vectors)]
            new = []
            for r in range(rows):
                one = load(at_left, build.mul(row_stride, _I64(r)) if r else None, _F32)
                nothing = ir.Constant(_VECTOR, ir.Undefined)
                factor = build.shuffle_vector(
                    build.insert_element(nothing, one, _I32(0)), nothing, ir.Constant(ir.VectorType(_I32, 16), [0] * 16)
                )
                new += [build.call(fma, [factor, columns[v], sums[r * vectors + v]]) for v in range(vectors)]
            following = build.add(i, _I64(1))
            for phi, start, value in (
                (i, _I64(0), following),
                (at_left, left, build.add(at_left, step)),
                (at_right, right, build.add(at_right, right_stride)),
                *((phi, ir.Constant(_VECTOR, [0.0] * 16), value) for phi, value in zip(sums, new, strict=True)),
            ):
                phi.add_incoming(start, entry)
                phi.add_incoming(value, loop)
            build.cbranch(build.icmp_signed("<", following, count), loop, done)
            build.position_at_end(done)
            for r in range(rows):
                for v in range(vectors):
                    to = build.add(out, build.add(build.mul(out_stride, _I64(r)), _I64(64 * v)))
                    build.store(new[r * vectors + v], build.inttoptr(to, _VECTOR.as_pointer())).align = 4
            return context.get_dummy_value()

        return types.void(*[types.int64] * 8), generate

    return tile
