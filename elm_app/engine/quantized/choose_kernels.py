"""Which kernels this CPU can run."""

from __future__ import annotations

import torch

from elm_app.engine.quantized.kernels import Kernels


def choose(blocks: bool = False) -> Kernels | None:
    """The fastest kernels that this CPU can run, for int8 or for blocks; None if there are none (they need VNNI
    instructions, those for blocks AVX512-VNNI)."""
    able = torch.cpu.get_capabilities()
    if able.get("avx512_vnni") and able.get("avx512_vl"):
        if blocks:
            from elm_app.engine.quantized.block_kernels.blocks import BlockKernels

            return BlockKernels()
        from elm_app.engine.quantized.int8_kernels.vnni import VnniKernels

        return VnniKernels()
    if not blocks and torch.cpu._is_vnni_supported() and hasattr(torch.ops.onednn, "qlinear_prepack"):
        from elm_app.engine.quantized.int8_kernels.onednn import OneDnnKernels

        return OneDnnKernels()
    return None
