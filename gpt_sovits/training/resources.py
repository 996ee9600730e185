"""Is there room for a training: memory on its device and space on the disk, before anything starts."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from gpt_sovits.errors import ResourceError
from gpt_sovits.memory import free_bytes
from gpt_sovits.versions import EMBEDDED

if TYPE_CHECKING:
    from gpt_sovits.training.plan import TrainingPlan

GIB = 2**30


def free_memory(device: str = "cpu") -> float | None:
    """GiB that a program can still have on ``device``; None where this system does not say."""
    if device.startswith("cuda"):
        import torch

        return torch.cuda.mem_get_info(torch.device(device))[0] / GIB
    free = free_bytes()
    return None if free is None else free / GIB


def require_room(plan: TrainingPlan, folder: Path, device: str = "cpu") -> None:
    """Raise ``ResourceError`` where the plan would not fit into memory, or its files onto the disk of ``folder``."""
    free = free_memory(device)
    if free is not None and plan.memory_gib > free:
        raise ResourceError(
            f"This training needs {plan.memory_gib:.1f} GB of memory, and only {free:.1f} GB are free.",
            f"Close other programs, or train on the model {EMBEDDED}.",
        )
    space = shutil.disk_usage(folder).free / GIB
    if plan.disk_gib > space:
        raise ResourceError(
            f"This training needs {plan.disk_gib:.1f} GB on the disk, and only {space:.1f} GB are free.",
            "Make room on the disk and start again.",
        )
