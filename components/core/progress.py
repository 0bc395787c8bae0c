"""Telling a person how far a stage is, in lines that also read well in a log file."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Protocol, TextIO, TypeVar

T = TypeVar("T")
_SECONDS_BETWEEN_LINES = 5.0
_BAR_CELLS = 20


def duration(seconds: float) -> str:
    """``95`` → ``1:35``."""
    whole = max(0, round(seconds))
    return f"{whole // 60}:{whole % 60:02d}"


class Pulse(Protocol):
    """Who wants to know that the work goes on; `components.core.heartbeat` implements it."""

    def beat(self, phase: str, step: int | None = None) -> None:
        """Something was done."""

    def only_beats(self) -> AbstractContextManager[None]:
        """Within, nothing but beats shows life."""


class NoPulse:
    """Nobody wants to know."""

    def beat(self, phase: str, step: int | None = None) -> None:
        """Nothing."""

    def only_beats(self) -> AbstractContextManager[None]:
        """Nothing."""
        return nullcontext()


@dataclass
class Progress:
    """One stage's voice: a bar with the time left on a terminal, a line every few seconds elsewhere."""

    label: str
    stream: TextIO = field(default_factory=lambda: sys.__stderr__ or sys.stderr)
    pulse: Pulse = field(default_factory=NoPulse)
    _last: float = 0.0

    def say(self, message: str) -> None:
        """One line of text."""
        self.pulse.beat(message)
        self._clear()
        print(f"{self.label:<22} {message}", file=self.stream, flush=True)

    def update(self, done: float, total: float, started: float, note: str = "") -> None:
        """Show ``done`` of ``total``; ``started`` is a ``time.monotonic()`` reading."""
        self.pulse.beat(note)
        now = time.monotonic()
        terminal = self.stream.isatty()
        pause = 0.2 if terminal else _SECONDS_BETWEEN_LINES
        if now - self._last < pause and done < total:
            return
        self._last = now
        share = min(1.0, done / total) if total else 1.0
        left = (now - started) * (1 - share) / share if share > 0 else 0.0
        bar = "█" * int(share * _BAR_CELLS) + "░" * (_BAR_CELLS - int(share * _BAR_CELLS))
        line = f"{self.label:<22} {bar} {share:4.0%}  {duration(left)} left  {note}"
        end = "" if terminal and done < total else "\n"
        print(f"\r\033[K{line}" if terminal else line, file=self.stream, end=end, flush=True)

    def track(self, items: Iterable[T], total: int, note: str = "") -> Iterator[T]:
        """Iterate with a bar."""
        started = time.monotonic()
        for count, item in enumerate(items, start=1):
            yield item
            self.update(count, total, started, f"{count}/{total} {note}".strip())

    def _clear(self) -> None:
        if self.stream.isatty():
            print("\r\033[K", file=self.stream, end="")
