"""SIGTERM for a process that runs one stage: leave, with nothing half-written, and exit with 143.

A pod's command is process 1 of its container, and the kernel delivers no signal to process 1 that it has no
handler for: without one, an evicted stage would work on until it is killed. So `install` runs before anything
slow is imported. The training loop puts its own handler in this one's place while it steps, because it has a
checkpoint to write.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

#: 128 + SIGTERM; `components.core.errors.EXIT_STOPPED`, which is not imported here: this module is the first.
_EXIT_STOPPED = 143


class Stopped(SystemExit):
    """Raised in the main thread by SIGTERM. Not an Exception, so nothing that mends errors swallows it."""

    def __init__(self) -> None:
        super().__init__(_EXIT_STOPPED)


class _State(threading.local):
    """Of each thread; signals are handled in the main thread, so a shield of another one is of no account."""

    shields = 0


_state = _State()
_asked = threading.Event()


def install() -> None:
    """Let SIGTERM raise `Stopped` in the main thread, from here to the end of the process."""
    signal.signal(signal.SIGTERM, _handle)


def stop_if_asked() -> None:
    """Raise `Stopped` if SIGTERM came and somebody swallowed it."""
    if _asked.is_set():
        raise Stopped


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Keep `Stopped` out of a few lines that belong together; it comes right after them."""
    _state.shields += 1
    try:
        yield
    finally:
        _state.shields -= 1
        if _state.shields == 0 and _asked.is_set() and threading.current_thread() is threading.main_thread():
            raise Stopped


def _handle(number: int, frame: FrameType | None) -> None:
    if _asked.is_set():
        return  # it is already leaving
    _asked.set()
    if _state.shields == 0:
        raise Stopped
