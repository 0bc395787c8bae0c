"""The workspace's journal: one line for every attempt at a stage, successful or not.

Records say what holds; the journal says what happened. Reports take failed attempts from it.
"""

from __future__ import annotations

import datetime
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass

from components.core.errors import IrisError
from components.core.paths import Workspace
from components.core.stop import Stopped
from components.core.storage import append_line
from components.stages.contract import Record


@dataclass(frozen=True)
class Attempt:
    """One attempt at a stage."""

    stage: str
    model: str | None
    state: str
    seconds: float
    started: str
    message: str


class OpenAttempt:
    """The attempt being made; the runner tells it the record it ended with."""

    record: Record | None = None


@contextmanager
def journalled(workspace: Workspace, stage: str, model: str | None) -> Iterator[OpenAttempt]:
    """Write the attempt's line whatever happens inside; errors pass through."""
    attempt, clock = OpenAttempt(), time.monotonic()
    started = datetime.datetime.now(datetime.UTC).astimezone().isoformat(timespec="milliseconds")

    def line(state: str, message: str) -> None:
        seconds = round(time.monotonic() - clock, 3)
        entry = Attempt(stage, model, state, seconds, started, message)
        append_line(workspace.root / "journal.jsonl", json.dumps(asdict(entry), ensure_ascii=False))

    try:
        yield attempt
    except Stopped:
        line("stopped", "SIGTERM")
        raise
    except IrisError as error:
        line("failed", " ".join(str(error).split()))
        raise
    except Exception as error:
        line("failed", f"{type(error).__name__}: {' '.join(str(error).split())}")
        raise
    line(attempt.record.state if attempt.record else "done", "")


def attempts(workspace: Workspace, since: str) -> list[Attempt]:
    """Attempts started at or after ``since`` (ISO 8601), oldest first; a torn last line is left out."""
    path = workspace.root / "journal.jsonl"
    if not path.is_file():
        return []
    threshold = datetime.datetime.fromisoformat(since)
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            entry = Attempt(**json.loads(line))
        except (ValueError, TypeError):
            continue  # a kill in the middle of the append; the attempt it told of has no record either
        if datetime.datetime.fromisoformat(entry.started) >= threshold:
            found.append(entry)
    return found
