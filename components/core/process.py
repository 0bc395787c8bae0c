"""What every process of this project that computes does first."""

from __future__ import annotations

from components.core.heap import keep_freed_memory
from components.core.threads import numpy_on_one_thread, wait_politely


def settle() -> None:
    """Memory and threads as this project wants them; before torch, whatever the environment sets stays."""
    wait_politely()
    keep_freed_memory()
    numpy_on_one_thread()
