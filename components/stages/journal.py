"""The workspace's journal: one line for every attempt at a stage, successful or not.

Records say what holds; the journal says what happened. Reports take failed attempts and costs from it. While
an attempt runs, a locked file below ``locks/attempts`` says so, with a sign of life now and then; if its
process is killed, the next one finds the file unlocked and writes the line for it.
"""

from __future__ import annotations

import datetime
import json
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from components.core import file_lock
from components.core.errors import IrisError, StorageError
from components.core.paths import Workspace
from components.core.process_tree import cpu_seconds, started_at
from components.core.spending import held_gpus, queue_seconds
from components.core.stage_graph import stage as stage_named
from components.core.stop import Stopped
from components.core.storage import append_line
from components.stages.contract import Record

KILLED, STOPPED = "killed", "stopped"


@dataclass(frozen=True)
class Attempt:
    """One attempt at a stage.

    Attributes:
        stage: which.
        model: of a stage that runs per model.
        state: done, skipped, refused, failed, stopped (SIGTERM) or killed.
        seconds: wall time; of a killed attempt up to its last sign of life.
        started: ISO 8601.
        message: why it failed.
        id: tells attempts apart; "" in journals of older versions, like what follows.
        profile: of the parameters.
        gpus: GPUs that it held; None where nobody wrote that down.
        cpu_seconds: CPU time of its processes.
        queue_seconds: from submission to start.
    """

    stage: str
    model: str | None
    state: str
    seconds: float
    started: str
    message: str
    id: str = ""
    profile: str = ""
    gpus: int | None = None
    cpu_seconds: float | None = None
    queue_seconds: float | None = None


class OpenAttempt:
    """The attempt being made; the runner tells it the record it ended with."""

    record: Record | None = None


@dataclass(frozen=True)
class _Meter:
    """Measures an attempt from where it began."""

    clock: float
    cpu: float

    @classmethod
    def started(cls) -> _Meter:
        return cls(time.monotonic(), cpu_seconds())

    def read(self) -> dict[str, Any]:
        """Seconds and CPU seconds so far."""
        return {
            "seconds": round(time.monotonic() - self.clock, 3),
            "cpu_seconds": round(max(0.0, cpu_seconds() - self.cpu), 3),
        }


@contextmanager
def journalled(
    workspace: Workspace, stage: str, model: str | None, profile: str = "", heartbeat_s: float | None = None
) -> Iterator[OpenAttempt]:
    """Write the attempt's line whatever happens inside; errors pass through.

    Args:
        workspace: whose journal.
        stage: which.
        model: of a stage that runs per model.
        profile: of the parameters.
        heartbeat_s: seconds between two signs of life; None for only one, at the start.
    """
    close_abandoned(workspace)
    attempt, meter, opened = OpenAttempt(), _Meter.started(), _opened(stage, model, profile)

    def line(state: str, message: str) -> None:
        _append(workspace, Attempt(**asdict(opened) | meter.read() | {"state": state, "message": message}))

    with _alive(_folder(workspace) / f"{opened.id}.jsonl", opened, meter, heartbeat_s):
        try:
            yield attempt
        except Stopped:
            line(STOPPED, "SIGTERM")
            raise
        except IrisError as error:
            line("failed", " ".join(str(error).split()))
            raise
        except BaseException as error:  # Ctrl-C as well: it has been paid for
            line("failed", f"{type(error).__name__}: {' '.join(str(error).split())}")
            raise
        line(attempt.record.state if attempt.record else "done", "")


def close_abandoned(workspace: Workspace) -> None:
    """Write the lines that killed attempts could not write."""
    for path in sorted(_folder(workspace).glob("*.jsonl")):
        with file_lock.alone_or_not(path) as dead:
            if not dead:
                continue
            words = _json_lines(path)
            if words:
                with suppress(TypeError):  # written by another version; nothing is known of it then
                    last = Attempt(**(words[0] | words[-1]))
                    told = f"killed from outside; last sign of life after {last.seconds:.0f} s"
                    _append(workspace, replace(last, state=KILLED, message=told))
            path.unlink(missing_ok=True)


def attempts(workspace: Workspace, since: str) -> list[Attempt]:
    """Attempts started at or after ``since`` (ISO 8601), oldest first; a torn last line is left out."""
    path = workspace.root / "journal.jsonl"
    if not path.is_file():
        return []
    threshold = datetime.datetime.fromisoformat(since)
    found: list[Attempt] = []
    known: set[str] = set()
    for values in _json_lines(path):
        try:
            entry = Attempt(**values)
        except TypeError:
            continue
        told_before = entry.id in known  # killed between its own line and the end of its file
        known |= {entry.id} if entry.id else set()
        if not told_before and datetime.datetime.fromisoformat(entry.started) >= threshold:
            found.append(entry)
    return found


def _opened(stage: str, model: str | None, profile: str) -> Attempt:
    return Attempt(
        stage=stage,
        model=model,
        state="running",
        seconds=0.0,
        started=datetime.datetime.now(datetime.UTC).astimezone().isoformat(timespec="milliseconds"),
        message="",
        id=uuid.uuid4().hex,
        profile=profile,
        gpus=held_gpus(stage_named(stage).gpu),
        cpu_seconds=0.0,
        queue_seconds=queue_seconds(started_at()),
    )


@contextmanager
def _alive(path: Path, opened: Attempt, meter: _Meter, heartbeat_s: float | None) -> Iterator[None]:
    """Hold the attempt's file, and say now and then how far it is; the file goes when the attempt ends."""
    being_made = path.with_suffix(".new")  # under its name it is locked and has its first line
    stop = threading.Event()

    def beat() -> None:
        while not stop.wait(heartbeat_s):
            with suppress(StorageError):  # a full disk costs a sign of life, not the attempt
                append_line(path, json.dumps(meter.read()))

    with file_lock.alone_or_not(being_made):
        append_line(being_made, json.dumps(asdict(opened), ensure_ascii=False))
        being_made.rename(path)
        beating = threading.Thread(target=beat, daemon=True)
        if heartbeat_s is not None:
            beating.start()
        try:
            yield
        finally:
            stop.set()
            if heartbeat_s is not None:
                beating.join()
            path.unlink(missing_ok=True)


def _append(workspace: Workspace, entry: Attempt) -> None:
    append_line(workspace.root / "journal.jsonl", json.dumps(asdict(entry), ensure_ascii=False))


def _folder(workspace: Workspace) -> Path:
    return workspace.locks / "attempts"


def _json_lines(path: Path) -> list[dict[str, Any]]:
    """The lines that are JSON objects: a kill in the middle of an append leaves half a line."""
    found = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        with suppress(ValueError):
            values = json.loads(line)
            if isinstance(values, dict):
                found.append(values)
    return found
