"""Which part of a piece of work took how long, also where parts hand each other items one by one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")


def _nothing_to_wait_for() -> None:
    """The CPU is done when Python goes on."""


class Stopwatch:
    """Seconds of named parts. A part within another one stops the other's clock: nothing counts twice.

    Args:
        wait: returns when the device has done what it was asked for.
        clock: seconds that only grow.
    """

    def __init__(
        self, wait: Callable[[], None] = _nothing_to_wait_for, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._wait, self._clock = wait, clock
        self._running: list[str] = []
        self._since = 0.0
        self.seconds: dict[str, float] = {}

    @contextmanager
    def of(self, part: str) -> Iterator[None]:
        """What happens within counts for ``part``."""
        self._charge()
        self._running.append(part)
        try:
            yield
        finally:
            self._charge()
            self._running.pop()

    def through(self, part: str, items: Iterable[T]) -> Iterator[T]:
        """The items; making each counts for ``part``, what is done with it does not."""
        source = iter(items)
        while True:
            with self.of(part):
                try:
                    item = next(source)
                except StopIteration:
                    return
            yield item

    def _charge(self) -> None:
        if self._running:
            self._wait()
            now = self._clock()
            part = self._running[-1]
            self.seconds[part] = self.seconds.get(part, 0.0) + now - self._since
        self._since = self._clock()
