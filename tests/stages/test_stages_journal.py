"""The journal: killed attempts are told by the next one, and what an attempt took is added up."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.core.paths import Workspace
from components.core.spending import GPUS_VARIABLE, SUBMITTED_VARIABLE
from components.core.storage import append_line
from components.stages.journal import Attempt, attempts, close_abandoned, journalled
from components.stages.spent import latest_spending, run_spending

SINCE = "1970-01-01T00:00:00+00:00"
POD = """
import sys, time
from pathlib import Path
from components.core.paths import Workspace
from components.stages.journal import journalled

with journalled(Workspace.embedded(Path(sys.argv[1])), "train", "fastpitch", "a100", 0.05):
    print("running", flush=True)
    while True:
        time.sleep(0.01)
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.embedded(tmp_path / "작업 공간")


@contextmanager
def running(workspace: Workspace) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", POD, str(workspace.root)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout
        assert process.stdout.readline() == "running\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def files(workspace: Workspace) -> list[Path]:
    return list((workspace.locks / "attempts").iterdir())


def test_a_killed_attempt_is_told_once_up_to_its_last_sign_of_life(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(GPUS_VARIABLE, "2")
    monkeypatch.setenv(SUBMITTED_VARIABLE, "2026-11-02T03:00:00+09:00")
    with running(workspace) as process:
        (file,) = files(workspace)
        deadline = time.monotonic() + 30
        while len(file.read_text().splitlines()) < 4 and time.monotonic() < deadline:
            time.sleep(0.01)
        close_abandoned(workspace)
        assert attempts(workspace, SINCE) == []  # it lives
        process.send_signal(signal.SIGKILL)
        process.wait()
    close_abandoned(workspace)
    close_abandoned(workspace)
    (killed,) = attempts(workspace, SINCE)
    assert (killed.stage, killed.model, killed.state, killed.gpus) == ("train", "fastpitch", "killed", 2)
    assert killed.seconds > 0.1
    assert killed.queue_seconds
    assert killed.queue_seconds > 0
    assert "last sign of life" in killed.message
    assert files(workspace) == []


def test_a_kill_after_its_own_line_is_not_told_twice(workspace: Workspace) -> None:
    with journalled(workspace, "ingest", None):
        (file,) = files(workspace)
        kept = file.read_text(encoding="utf-8")
    file.write_text(kept, encoding="utf-8")
    close_abandoned(workspace)
    assert [one.state for one in attempts(workspace, SINCE)] == ["done"]


@pytest.mark.parametrize("content", ["", '{"sta', "[1]\n", '{"from": "another version"}\n'])
def test_a_file_that_tells_nothing_is_put_away(workspace: Workspace, content: str) -> None:
    folder = workspace.locks / "attempts"
    folder.mkdir(parents=True)
    (folder / "x.jsonl").write_text(content, encoding="utf-8")
    close_abandoned(workspace)
    assert (files(workspace), attempts(workspace, SINCE)) == ([], [])


def test_lines_of_older_versions_still_count_and_tell_no_gpus(workspace: Workspace) -> None:
    old = {
        "stage": "train",
        "model": "fastpitch",
        "state": "done",
        "seconds": 60.0,
        "started": SINCE,
        "message": "",
    }
    append_line(workspace.root / "journal.jsonl", json.dumps(old))
    (spent,) = latest_spending(attempts(workspace, SINCE), "a100")
    assert (spent.seconds, spent.gpu_hours, spent.cpu_hours, spent.queue_hours) == (60.0, None, None, None)


def test_an_interrupted_attempt_is_told(workspace: Workspace) -> None:
    with pytest.raises(KeyboardInterrupt), journalled(workspace, "train", "fastpitch"):
        raise KeyboardInterrupt
    assert [one.state for one in attempts(workspace, SINCE)] == ["failed"]


# ── adding up ────────────────────────────────────────────────────────────────────────────────────────


def _attempt(
    stage: str, state: str, minute: int, model: str | None = "fastpitch", **changes: object
) -> Attempt:
    values = {
        "stage": stage,
        "model": model,
        "state": state,
        "seconds": 60.0,
        "message": "",
        "id": f"{stage}{minute}",
        "started": f"2026-11-02T03:{minute:02d}:00+09:00",
        "profile": "a100",
        "gpus": 1,
        "cpu_seconds": 30.0,
        "queue_seconds": 10.0,
    }
    return Attempt(**{**values, **changes})  # type: ignore[arg-type]


def test_what_failed_on_the_way_was_paid_for() -> None:
    (spent,) = run_spending(
        [_attempt("train", "failed", 1), _attempt("train", "killed", 2), _attempt("train", "done", 3)], "a100"
    )
    assert (spent.attempts, spent.lost, spent.finished) == (3, 2, True)
    assert (spent.gpu_seconds, spent.cpu_seconds, spent.queue_seconds) == (180.0, 90.0, 30.0)


def test_what_failed_since_stands_apart() -> None:
    done, lost = run_spending([_attempt("train", "done", 1), _attempt("train", "failed", 2)], "a100")
    assert (done.finished, lost.finished, lost.lost) == (True, False, 1)


def test_a_retraining_begins_after_the_training_before_it() -> None:
    """Features of the first retraining were reused by the second; the adoption happened once."""
    first = [
        _attempt("ingest", "done", 0, None),
        *(_attempt(s, "done", 1) for s in ("features", "adopt", "train")),
    ]
    second = [
        _attempt("validate", "done", 5, None),
        _attempt("features", "skipped", 6),
        _attempt("train", "done", 7),
    ]
    assert [one.stage for one in run_spending(first, "a100")] == ["ingest", "features", "adopt", "train"]
    assert [one.stage for one in run_spending(first + second, "a100")] == ["validate", "train"]
    # a dry run asks what a stage may take, whenever it last ran
    assert "adopt" in [one.stage for one in latest_spending(first + second, "a100")]


def test_another_profile_is_another_bill() -> None:
    mixed = [_attempt("train", "failed", 1, profile="laptop"), _attempt("train", "done", 2)]
    (spent,) = run_spending(mixed, "a100")
    assert spent.attempts == 1


STATES = st.lists(st.sampled_from(["done", "failed", "killed", "skipped", "refused"]), max_size=12)


@given(STATES)
def test_unchanged_runs_change_no_bill(states: list[str]) -> None:
    history = [_attempt("promote", state, minute) for minute, state in enumerate(states)]
    later = [_attempt("promote", state, 30 + n) for n, state in enumerate(["skipped", "refused", "skipped"])]
    assert run_spending(history + later, "a100") == run_spending(history, "a100")


@given(STATES)
def test_every_lost_attempt_is_on_a_bill_exactly_once(states: list[str]) -> None:
    history = [_attempt("gate", state, minute) for minute, state in enumerate(states)]
    bills = [spent for upto in range(len(history) + 1) for spent in _closed_at(history, upto)]
    lost_before_last_success = len([s for s in states[: _last_done(states)] if s in {"failed", "killed"}])
    assert sum(spent.lost for spent in bills) == lost_before_last_success


def _closed_at(history: list[Attempt], upto: int) -> list:  # type: ignore[type-arg]
    closed = upto > 0 and history[upto - 1].state == "done"
    return [s for s in run_spending(history[:upto], "a100") if s.finished] if closed else []


def _last_done(states: list[str]) -> int:
    return max((n + 1 for n, state in enumerate(states) if state == "done"), default=0)


def test_the_entry_survives_its_file() -> None:
    entry = _attempt("train", "done", 1)
    assert Attempt(**json.loads(json.dumps(asdict(entry)))) == entry
