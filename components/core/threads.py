"""How threads wait. Must be called before torch is first imported, which reads the setting once."""

from __future__ import annotations

import os
import sys

#: Rounds a thread spins at a barrier before it sleeps: long enough for the gaps within a training step.
_SPIN_ROUNDS = "2000"


def wait_politely() -> None:
    """Let OpenMP threads spin for a moment only; what the environment sets already stays.

    libgomp's default spins for so long that, as soon as anything else wants a core, the spinning thread
    holds the one that the other thread needs, and a CPU-second budget goes by without computing anything.
    FastPitch steps a second on two cores, idle / with one busy neighbour: spinning on 6.2 / 0.1, sleeping at
    once 3.8 / 4.3, a short spin 6.2 / 3.2 (docs/log.md).
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", _SPIN_ROUNDS)


def numpy_on_one_thread() -> None:
    """Let numpy's and scipy's OpenBLAS multiply on one thread; what the environment sets already stays.

    What this project gives them is small: 64 mel frames are 0.2 ms of work. Shared with a second thread that
    waits for a busy core, the same product takes 92 ms (docs/log.md). Torch keeps its own threads.
    """
    if "OPENBLAS_NUM_THREADS" in os.environ or "OMP_NUM_THREADS" in os.environ:
        return
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # read when the library is loaded; worker processes inherit it
    if "numpy" in sys.modules:
        from threadpoolctl import ThreadpoolController

        ThreadpoolController().select(internal_api="openblas").limit(limits=1)
