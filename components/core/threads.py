"""How OpenMP waits. Must be called before torch is first imported, which reads the setting once."""

from __future__ import annotations

import os


def wait_politely() -> None:
    """Let OpenMP threads sleep at barriers instead of spinning; what the environment sets already stays.

    By default libgomp spins. As soon as anything else wants a core, the spinning thread holds the one that
    the other thread needs: a training step on two cores with one busy neighbour took 7.7 s, and 0.23 s when
    the threads sleep (docs/log.md). Spinning also eats a CPU-second budget without computing anything.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
