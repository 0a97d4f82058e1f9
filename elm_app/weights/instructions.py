"""Which instructions the CPU multiplies bytes with. Importing this file is cheap: torch is imported when asked."""

from __future__ import annotations

from typing import Literal

from elm_app.core import environment

Instructions = Literal["AVX512-VNNI", "AVX2"]


def instructions() -> Instructions | None:
    """The fastest that 4-bit kernels are written for and this CPU has; None if it has none of them."""
    import torch

    able = torch.cpu.get_capabilities()
    if able.get("avx512_vnni") and able.get("avx512_vl") and not environment.plain_avx2():
        return "AVX512-VNNI"
    return "AVX2" if able.get("avx2") and able.get("fma3") and able.get("f16c") else None
