"""Which kernels this CPU can run."""

from __future__ import annotations

from elm_app.engine.quantized.kernels import Kernels
from elm_app.weights.instructions import instructions


def choose(blocks: bool = False) -> Kernels | None:
    """Kernels for int8 or for blocks; None if this CPU cannot run them (they need AVX2, and use AVX512-VNNI)."""
    if instructions() is None:
        return None
    if blocks:
        from elm_app.engine.quantized.block_kernels.blocks import BlockKernels

        return BlockKernels()
    from elm_app.engine.quantized.int8_kernels.int8 import Int8Kernels

    return Int8Kernels()
