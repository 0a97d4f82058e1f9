"""How much memory there is, and how much is free for a model."""

from __future__ import annotations

from pathlib import Path

import psutil
import torch

CGROUP = Path("/sys/fs/cgroup")


def total_memory() -> int:
    """Bytes of the machine, or of the container if its limit is lower."""
    limit = _number(CGROUP / "memory.max")
    total = int(psutil.virtual_memory().total)
    return total if limit is None else min(total, limit)


def free_memory(device: str) -> int:
    """Bytes that can still be taken on `cpu` or `cuda`, within the limit of the container if it has one."""
    if device == "cuda":
        cached = torch.cuda.memory_reserved() - torch.cuda.memory_allocated()
        return int(torch.cuda.mem_get_info()[0]) + int(cached)
    free = int(psutil.virtual_memory().available)
    limit = _number(CGROUP / "memory.max")
    if limit is None:
        return free
    used = _number(CGROUP / "memory.current") or 0
    return max(0, min(free, limit - used + _file_cache(CGROUP / "memory.stat")))


def _number(path: Path) -> int | None:
    """The whole number in a file; None without the file, or if it says `max`."""
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None


def _file_cache(path: Path) -> int:
    """Bytes of cached files that the kernel gives back when they are needed."""
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("inactive_file ")), 0)
