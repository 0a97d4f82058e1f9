"""What the kernels are written in: vectors of LLVM, and sums of products of bytes, in which instruction sets differ.

AVX512-VNNI has one instruction for such sums, `vpdpbusd`, and 32 registers of 16 numbers. AVX2 has 16 registers of 8
and two instructions: `vpmaddubsw` sums pairs of products into int16, where codes of few bits leave room for further
pairs, and `vpmaddwd` sums those into int32. Codes of eight bits would overflow int16; their upper and lower halves are
multiplied apart. All sums are exact, so both give the same integers.
"""

# mypy: disable-error-code="no-untyped-def,misc,no-any-return"
from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

from llvmlite import ir

from elm_app.weights.instructions import instructions

FEW = instructions() == "AVX2"
"""Whether there are few registers, and no instruction for sums of products."""
LANES = 8 if FEW else 16
"""Numbers of 32 bits in a vector."""
I8, I16, I32, I64, F16, F32 = (*map(ir.IntType, (8, 16, 32, 64)), ir.HalfType(), ir.FloatType())
WHOLE, REAL = ir.VectorType(I32, LANES), ir.VectorType(F32, LANES)
_BYTES, _PAIRS = ir.VectorType(I8, 4 * LANES), ir.VectorType(I16, 2 * LANES)
_LARGEST = 127
"""Of an activation's code, either sign."""


class Writer:
    """Loads, stores and constants of one function; addresses are int64."""

    def __init__(self, build: ir.IRBuilder) -> None:
        self.build = build

    def function(self, name: str, result: ir.Type, *arguments: ir.Type) -> ir.Function:
        found = self.build.module.globals.get(name)
        return found or ir.Function(self.build.module, ir.FunctionType(result, arguments), name)

    def load(self, address, offset: int, kind: ir.Type, align: int = 1):
        at = self.build.add(address, I64(offset)) if offset else address
        value = self.build.load(self.build.inttoptr(at, kind.as_pointer()))
        value.align = align
        return value

    def store(self, value, address, offset: int = 0) -> None:
        at = self.build.add(address, I64(offset)) if offset else address
        self.build.store(value, self.build.inttoptr(at, value.type.as_pointer())).align = 4

    def spread(self, scalar, kind: ir.VectorType):
        """The same number in all places."""
        nothing = ir.Constant(kind, ir.Undefined)
        one = self.build.insert_element(nothing, scalar, I32(0))
        return self.build.shuffle_vector(one, nothing, ir.Constant(WHOLE, [0] * LANES))

    def whole(self, number: int):
        return ir.Constant(WHOLE, [number] * LANES)

    def real(self, number: float):
        return ir.Constant(REAL, [number] * LANES)

    def fma(self, a, b, c):
        """a · b + c with one rounding: the same bits whatever is compiled around it."""
        return self.build.call(self.function(f"llvm.fma.v{LANES}f32", REAL, REAL, REAL, REAL), [a, b, c])

    def fetch(self, address) -> None:
        """Have a cache line brought near."""
        byte = I8.as_pointer()
        prefetch = self.function("llvm.prefetch.p0i8", ir.VoidType(), byte, I32, I32, I32)
        self.build.call(prefetch, [self.build.inttoptr(address, byte), I32(0), I32(2), I32(1)])


class Sums:
    """int32 sums of products: unsigned codes of `bits` bits times signed codes within ±127, four to an output."""

    def __init__(self, write: Writer, starts: Sequence[Any], bits: int) -> None:
        self.write, self._sums = write, list(starts)
        self._weights = (1, 16) if bits == 8 else (1,)  # of the parts of a code
        self._room = (2**15 - 1) // (2 * (2 ** (bits // len(self._weights)) - 1) * _LARGEST)  # products in an int16
        self._waiting: list[list[list[Any]]] = [[[] for _ in self._weights] for _ in starts]

    def add(self, place: int, codes, signed) -> None:
        """Four products an output, bytes in int32 (LANES,) each, to one of the sums."""
        write, build = self.write, self.write.build
        if not FEW:
            dot = write.function("llvm.x86.avx512.vpdpbusd.512", WHOLE, WHOLE, WHOLE, WHOLE)
            self._sums[place] = build.call(dot, [self._sums[place], codes, signed])
            return
        by_pairs = write.function("llvm.x86.avx2.pmadd.ub.sw", _PAIRS, _BYTES, _BYTES)
        for weight, waiting in zip(self._weights, self._waiting[place], strict=True):
            part = codes
            if len(self._weights) > 1:
                part = build.and_(build.lshr(codes, write.whole(4)) if weight > 1 else codes, write.whole(0x0F0F0F0F))
            waiting.append(build.call(by_pairs, [build.bitcast(part, _BYTES), build.bitcast(signed, _BYTES)]))
            if len(waiting) == self._room:
                self._empty(place)

    def done(self) -> list[Any]:
        """The sums, int32 (LANES,) each."""
        for place in range(len(self._sums)):
            self._empty(place)
        return self._sums

    def _empty(self, place: int) -> None:
        """Add up what waits, in int16, and then in int32."""
        build = self.write.build
        by_fours = self.write.function("llvm.x86.avx2.pmadd.wd", WHOLE, _PAIRS, _PAIRS)
        for weight, waiting in zip(self._weights, self._waiting[place], strict=True):
            if waiting:
                weights = ir.Constant(_PAIRS, [weight] * 2 * LANES)
                fours = build.call(by_fours, [reduce(build.add, waiting), weights])
                self._sums[place] = build.add(self._sums[place], fours)
                waiting.clear()
