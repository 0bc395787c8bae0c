"""Time counts once, for the part that spends it, also where parts pull items out of each other."""

from collections.abc import Iterator
from itertools import count

import pytest

from components.core.stopwatch import Stopwatch


class Clock:
    """Seconds that pass when somebody works."""

    def __init__(self) -> None:
        self.now = 0.0

    def work(self, seconds: float) -> None:
        self.now += seconds


def test_a_part_within_another_stops_the_others_clock() -> None:
    clock = Clock()
    watch = Stopwatch(clock=lambda: clock.now)

    def read() -> Iterator[int]:
        for number in count():
            clock.work(1)
            yield number

    def render(items: Iterator[int]) -> Iterator[int]:
        for number in items:
            clock.work(10)
            yield number

    with watch.of("write"):
        rendered = watch.through("render", render(watch.through("read", read())))
        for _ in range(3):
            next(rendered)
            clock.work(100)
    clock.work(1000)
    assert watch.seconds == {"read": 3.0, "render": 30.0, "write": 300.0}


def test_an_error_within_a_part_leaves_the_watch_usable() -> None:
    clock = Clock()
    watch = Stopwatch(clock=lambda: clock.now)

    def broken() -> Iterator[int]:
        clock.work(2)
        yield 1 // 0

    with pytest.raises(ZeroDivisionError):
        list(watch.through("a", broken()))
    with watch.of("b"):
        clock.work(1)
    assert watch.seconds == {"a": 2.0, "b": 1.0}
    assert list(watch.through("c", [])) == []
