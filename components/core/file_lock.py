"""Locks that die with their holder, shared or alone: what several processes on one node agree by.

`filelock` knows only "alone". ``flock`` belongs to the open file: a kill -9 frees it, and a child that was
forked keeps it, which is right, because it may still be reading.
"""

from __future__ import annotations

import fcntl
import math
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_SECONDS_BETWEEN_TRIES, _SECONDS_BETWEEN_WORDS = 0.2, 30.0


@contextmanager
def shared(path: Path) -> Iterator[None]:
    """Hold ``path`` together with other readers; waits while somebody has it alone."""
    with _opened(path) as descriptor:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield


@contextmanager
def alone(path: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold ``path`` alone; ``waiting`` is called now and then while somebody else has it.

    It looks again and again instead of blocking, so that who waits can show that it lives.
    """
    with _opened(path) as descriptor:
        told = -math.inf
        while not _taken(descriptor):
            if time.monotonic() - told > _SECONDS_BETWEEN_WORDS:
                told = time.monotonic()
                waiting()
            time.sleep(_SECONDS_BETWEEN_TRIES)
        yield


@contextmanager
def alone_or_not(path: Path) -> Iterator[bool]:
    """Whether ``path`` could be had alone without waiting; held until the end if so."""
    with _opened(path) as descriptor:
        yield _taken(descriptor)


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
