"""The curves of a run: on disk, whatever becomes of the tracking server, and passed on to it."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from components.core.ports import MetricPoint
from components.core.storage import write_text

Observe = Callable[[Sequence[MetricPoint]], None]


class History:
    """Points in a JSON-lines file, in the order they were logged.

    Args:
        path: of the file.
        observe: gets every point as it is logged.
        say: one line to the person watching.
    """

    def __init__(self, path: Path, observe: Observe, say: Callable[[str], None]) -> None:
        self.path, self._observe, self._say = path, observe, say

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Keep and pass on a point of each curve; one that is not finite is said aloud and left out."""
        for key in (key for key, value in values.items() if not math.isfinite(value)):
            self._say(f"warning: step {step}: {key} is not finite")
        points = points_now(step, {key: value for key, value in values.items() if math.isfinite(value)})
        with self.path.open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(asdict(point)) + "\n" for point in points)
        self._observe(points)

    def sync(self) -> None:
        """Make what was logged survive a power cut."""
        if self.path.exists():
            with self.path.open("rb") as file:
                os.fsync(file.fileno())

    def points(self) -> list[MetricPoint]:
        """All points; a line that a kill cut short is left out."""
        return read_points(self.path)

    def rewind(self, step: int) -> None:
        """Forget points after ``step``: a resumed run logs them again."""
        kept = [point for point in self.points() if point.step <= step]
        write_text(self.path, "".join(json.dumps(asdict(point)) + "\n" for point in kept))


class OthersHistory(History):
    """The same file, seen by a process that leaves the writing to its leader."""

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Nothing: the leader logs."""

    def sync(self) -> None:
        """Nothing."""

    def rewind(self, step: int) -> None:
        """Nothing."""


def points_now(step: int, values: Mapping[str, float]) -> list[MetricPoint]:
    """A point of each curve, stamped with this moment."""
    now = int(time.time() * 1000)
    return [MetricPoint(key, value, step, now) for key, value in values.items()]


def read_points(path: Path) -> list[MetricPoint]:
    """The points of a history file; none where there is no file."""
    if not path.exists():
        return []
    points = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            points.append(MetricPoint(**json.loads(line)))
        except (ValueError, TypeError):
            continue
    return points
