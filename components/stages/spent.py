"""The journal added up: what each stage took, with every attempt that it needed.

An attempt belongs to the next success of its stage: what failed or was killed on the way was paid for, too.
Attempts after the last success are told apart, as unfinished. A skip on its own, and a promotion that was
refused, are written anew by every unchanged run; they count only on the way to a success.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from components.core.spending import Spent, total
from components.core.stage_graph import STAGES
from components.stages.journal import KILLED, STOPPED, Attempt

_LOST = frozenset({"failed", STOPPED, KILLED})
_DONE = "done"
_EVER = datetime.datetime.min.replace(tzinfo=datetime.UTC)


@dataclass(frozen=True)
class _Line:
    """The attempts at a stage of a model: those that led to each success, and those after the last."""

    stage: str
    model: str | None
    successes: tuple[tuple[Attempt, ...], ...]
    open_end: tuple[Attempt, ...]


def latest_spending(attempts: Iterable[Attempt], profile: str) -> tuple[Spent, ...]:
    """The last success of every stage under ``profile``, whenever that was; what a next one may take."""
    return tuple(_spent(line, line.successes[-1]) for line in _lines(attempts, profile) if line.successes)


def run_spending(attempts: Iterable[Attempt], profile: str) -> tuple[Spent, ...]:
    """What the latest retraining took, in the order of the stage graph; the report itself is left out.

    A retraining of a model begins after its previous training: what was done before was paid for then. For
    stages over all models the oldest of these moments counts.
    """
    lines = [line for line in _lines(attempts, profile) if line.stage != "report"]
    begins = {line.model: _previous_training(line) for line in lines if line.stage == "train"}
    begins[None] = min(begins.values(), default=_EVER)
    found = []
    for line in lines:
        begin = begins.get(line.model, _EVER)
        if line.successes and _time(line.successes[-1][-1]) > begin:
            found.append(_spent(line, line.successes[-1]))
        lost = tuple(attempt for attempt in line.open_end if attempt.state in _LOST)
        if lost:
            found.append(_spent(line, lost))
    return tuple(found)


def _previous_training(line: _Line) -> datetime.datetime:
    return _time(line.successes[-2][-1]) if len(line.successes) > 1 else _EVER


def _time(attempt: Attempt) -> datetime.datetime:
    return datetime.datetime.fromisoformat(attempt.started)


def _lines(attempts: Iterable[Attempt], profile: str) -> list[_Line]:
    by_line: dict[tuple[str, str], list[Attempt]] = {}
    for attempt in attempts:
        if attempt.profile in {"", profile}:
            by_line.setdefault((attempt.stage, attempt.model or ""), []).append(attempt)
    order = {stage.name: index for index, stage in enumerate(STAGES)}
    known = [key for key in by_line if key[0] in order]
    return [_line(by_line[key]) for key in sorted(known, key=lambda key: (order[key[0]], key[1]))]


def _line(attempts: Sequence[Attempt]) -> _Line:
    successes: list[tuple[Attempt, ...]] = []
    window: list[Attempt] = []
    for attempt in attempts:
        window.append(attempt)
        if attempt.state == _DONE:
            successes.append(tuple(window))
            window = []
    return _Line(attempts[0].stage, attempts[0].model, tuple(successes), tuple(window))


def _spent(line: _Line, window: Sequence[Attempt]) -> Spent:
    gpu_seconds = (None if one.gpus is None else one.gpus * one.seconds for one in window)
    return Spent(
        stage=line.stage,
        model=line.model,
        finished=window[-1].state == _DONE,
        started=window[-1].started,
        attempts=len(window),
        lost=sum(one.state in _LOST for one in window),
        seconds=sum(one.seconds for one in window),
        gpu_seconds=total(gpu_seconds),
        cpu_seconds=total(one.cpu_seconds for one in window),
        queue_seconds=total(one.queue_seconds for one in window),
    )
