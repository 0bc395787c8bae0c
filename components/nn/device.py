"""Where a process computes, and with how many threads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from components.core import ranks


def best_device() -> torch.device:
    """This process's GPU (the first, without torchrun), else the CPU."""
    return torch.device("cuda", ranks.local_rank()) if torch.cuda.is_available() else torch.device("cpu")


@contextmanager
def cpu_threads(count: int) -> Iterator[None]:
    """Within, networks on the CPU compute on so many threads; 0: on as many as before."""
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def one_thread() -> Iterator[None]:
    """Within, networks on the CPU compute on one thread: the same last bits in a worker process and here."""
    with cpu_threads(1):
        yield
