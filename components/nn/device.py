"""Where a process computes."""

from __future__ import annotations

import torch

from components.core import ranks


def best_device() -> torch.device:
    """This process's GPU (the first, without torchrun), else the CPU."""
    return torch.device("cuda", ranks.local_rank()) if torch.cuda.is_available() else torch.device("cpu")
