"""What stages take: GPU hours, CPU hours, waiting, money. What nobody measured is None and never 0."""

from __future__ import annotations

import datetime
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

#: When the launcher submitted this pod (ISO 8601 with offset).
SUBMITTED_VARIABLE = "IRIS_SUBMITTED_AT"
#: How many GPUs the pod holds, whether the stage uses them or not.
GPUS_VARIABLE = "IRIS_GPUS"
_SECONDS_PER_HOUR = 3600
_DEVICES = Path("/dev")


@dataclass(frozen=True)
class Spent:
    """What a stage took, over all attempts that it needed.

    Attributes:
        stage: whose.
        model: of a stage that runs per model.
        finished: False where the attempts have led to no success so far.
        started: of the last attempt, ISO 8601.
        attempts: how many, failed and killed ones included.
        lost: how many of them failed or were killed.
        seconds: wall time, all attempts together.
        gpu_seconds: GPUs held times wall time; None where an attempt did not tell its GPUs.
        cpu_seconds: CPU time used; None where an attempt did not tell.
        queue_seconds: from submission to the start of the process; None where no submission was told.
    """

    stage: str
    model: str | None
    finished: bool
    started: str
    attempts: int
    lost: int
    seconds: float
    gpu_seconds: float | None
    cpu_seconds: float | None
    queue_seconds: float | None

    @property
    def hours(self) -> float:
        """Wall hours."""
        return self.seconds / _SECONDS_PER_HOUR

    @property
    def gpu_hours(self) -> float | None:
        """GPUs times hours."""
        return hours(self.gpu_seconds)

    @property
    def cpu_hours(self) -> float | None:
        """CPU time used, in hours."""
        return hours(self.cpu_seconds)

    @property
    def queue_hours(self) -> float | None:
        """Waiting, in hours."""
        return hours(self.queue_seconds)


def money(gpu_hours: float | None, rate: float | None) -> float | None:
    """GPU hours times the price of one; unknown where either is."""
    return None if gpu_hours is None or rate is None else gpu_hours * rate


def total(parts: Iterable[float | None]) -> float | None:
    """The sum; None where one part is, and where there is none."""
    values = list(parts)
    known = [value for value in values if value is not None]
    return sum(known) if values and len(known) == len(values) else None


def hours(seconds: float | None) -> float | None:
    """Seconds in hours."""
    return None if seconds is None else seconds / _SECONDS_PER_HOUR


def queue_seconds(process_started: float) -> float | None:
    """How long this process waited for its start, None where the launcher told no time (or a later one).

    Args:
        process_started: seconds since the epoch.
    """
    try:
        submitted = datetime.datetime.fromisoformat(os.environ[SUBMITTED_VARIABLE])
        waited = process_started - submitted.timestamp() if submitted.tzinfo else -1.0
    except (KeyError, ValueError):
        return None
    return round(waited, 3) if waited >= 0 else None


def submission(now: datetime.datetime) -> tuple[str, str]:
    """The variable (name and value) that a launcher gives to what it submits at ``now`` (with offset)."""
    return SUBMITTED_VARIABLE, now.isoformat(timespec="milliseconds")


def held_gpus(uses_gpu: bool) -> int:
    """How many GPUs this process holds: what its pod was given; elsewhere one a process on a GPU machine.

    Of several ranks in one pod only the first counts, for all of them.

    Args:
        uses_gpu: whether the stage runs on a GPU where there is one.
    """
    if os.environ.get("LOCAL_RANK", "0") != "0":
        return 0
    told = os.environ.get(GPUS_VARIABLE, "")
    if told.isdigit():
        return int(told)
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    devices: Sequence[object] = [one for one in _DEVICES.glob("nvidia*") if one.name[6:].isdigit()]
    if visible is not None:
        devices = [one for one in visible.split(",") if one.strip() not in {"", "-1"}] if devices else []
    ranks = os.environ.get("LOCAL_WORLD_SIZE", "1")
    return min(len(devices), int(ranks) if ranks.isdigit() else 1) if uses_gpu else 0
