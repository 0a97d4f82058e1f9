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
    """The inner loop: `rows` × 32 int32 sums over K, as vpdpbusd instructions."""
    i32, i64 = ir.IntType(32), ir.IntType(64)
    vector = ir.VectorType(i32, 16)
    columns = PANEL // 16

    @intrinsic
    def tile(typingctx, codes, panel, sums, quads, stride):
        """Addresses of int8 codes (rows `stride` bytes apart), of a panel, of int32 sums [rows][32]; quads = K / 4."""

        def generate(context, build, signature, arguments):
            codes, panel, sums, quads, stride = arguments
            name = "llvm.x86.avx512.vpdpbusd.512"
            dot = build.module.globals.get(name)
            if dot is None:
                dot = ir.Function(build.module, ir.FunctionType(vector, [vector] * 3), name)
            entry, loop, done = build.block, build.append_basic_block("loop"), build.append_basic_block("done")
            row_at = [
                build.inttoptr(build.add(codes, build.mul(stride, i64(r))), i32.as_pointer()) for r in range(rows)
            ]
            panel_at = build.inttoptr(panel, vector.as_pointer())
            sums_at = build.inttoptr(sums, vector.as_pointer())
            zero, nothing = ir.Constant(vector, [0] * 16), ir.Constant(vector, ir.Undefined)
            build.branch(loop)
            build.position_at_end(loop)
            step = build.phi(i64)
            step.add_incoming(i64(0), entry)
            totals = [build.phi(vector) for _ in range(rows * columns)]
            weights = []
            for c in range(columns):
                weight = build.load(build.gep(panel_at, [build.add(build.mul(step, i64(columns)), i64(c))]))
                weight.align = 64
                weights.append(weight)
            new = []
            for r in range(rows):
                quad = build.load(build.gep(row_at[r], [step]))
                quad.align = 1
                first = build.insert_element(nothing, quad, i32(0))
                spread = build.shuffle_vector(first, nothing, zero)
                for c in range(columns):
                    new.append(build.call(dot, [totals[r * columns + c], weights[c], spread]))
            following = build.add(step, i64(1))
            step.add_incoming(following, loop)
            for total, value in zip(totals, new, strict=True):
                total.add_incoming(zero, entry)
                total.add_incoming(value, loop)
            build.cbranch(build.icmp_signed("<", following, quads), loop, done)
            build.position_at_end(done)
            for place, value in enumerate(new):
                build.store(value, build.gep(sums_at, [i64(place)])).align = 4
            return context.get_dummy_value()

        return types.void(*[types.int64] * 5), generate

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
