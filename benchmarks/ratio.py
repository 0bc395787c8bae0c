"""What every benchmark here has in common: two works timed in turns, their ratio, its interval, its row."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from components.core.statistics import bootstrap

SEED = 0


@dataclass(frozen=True)
class Row:
    """A line of the table.

    Attributes:
        id: number in docs/performance.md, or a name where it has none.
        name: what is faster.
        ratio: baseline's time over ours; the median of the repetitions.
        low, high: 95 % of the medians of resampled repetitions; None of a single one.
        goal: least ratio.
        baseline: what it is compared with, and its time.
        limit: why it cannot be much more.
        n: repetitions.
    """

    id: str
    name: str
    ratio: float
    low: float | None
    high: float | None
    goal: float
    baseline: str
    limit: str
    n: int

    @property
    def met(self) -> bool:
        """Whether the goal is reached."""
        return self.ratio >= self.goal

    def line(self) -> str:
        """For the terminal."""
        between = "" if self.low is None else f" ({self.low:.2f} - {self.high:.2f})"
        return (
            f"{self.id:>6}  {self.name}: {self.ratio:.2f}x{between}, n = {self.n}, goal >= {self.goal:g}x "
            f"{'met' if self.met else 'MISSED'}; baseline: {self.baseline}; limit: {self.limit}"
        )


def seconds(work: Callable[[], object], clock: Callable[[], float] = time.process_time) -> float:
    """Of one call, on a clock: CPU time unless told otherwise."""
    started = clock()
    work()
    return clock() - started


def in_turns(
    ours: Callable[[], float], baseline: Callable[[], float], repeats: int
) -> tuple[list[float], list[float]]:
    """Seconds of both, one after the other and each first in turn, so that both meet the same machine."""
    mine: list[float] = []
    theirs: list[float] = []
    for number in range(repeats):
        pair = [(mine, ours), (theirs, baseline)]
        for times, timed in pair if number % 2 == 0 else pair[::-1]:
            times.append(timed())
    return mine, theirs


def row(empty: Row, mine: Sequence[float], theirs: Sequence[float]) -> Row:
    """The row with ratio and interval of pairs; baseline's and our median times are added to ``baseline``."""
    ratios = np.array(theirs) / np.array(mine)
    told = f"{empty.baseline}, {np.median(theirs):.4g} s, here {np.median(mine):.4g} s"
    if len(ratios) == 1:
        return replace(empty, ratio=float(ratios[0]), baseline=told, n=1)
    middle, low, high = bootstrap(ratios, lambda drawn: np.median(drawn, axis=-1), SEED)
    return replace(empty, ratio=middle, low=low, high=high, baseline=told, n=len(ratios))


def unmeasured(name_id: str, name: str, goal: float, baseline: str, limit: str) -> Row:
    """A row to be filled by `row`."""
    return Row(name_id, name, float("nan"), None, None, goal, baseline, limit, 0)


def tell(rows: Iterable[Row]) -> int:
    """Print each; the exit code: 1 when one misses its goal."""
    missed = False
    for one in rows:
        print(one.line(), flush=True)
        missed |= not one.met
    return 1 if missed else 0
