"""A stage that hangs ends with 75 and its stacks; one that is slow does not."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from components.core.errors import EXIT_OK, EXIT_RETRYABLE
from components.core.heartbeat import Patience
from components.core.progress import Progress

PROGRAM = """
import pathlib, sys, threading
from components.core.heartbeat import Heartbeat, Patience
heart = Heartbeat(pathlib.Path(sys.argv[1]), {"stage": "train", "model": "fastpitch", "attempt": "a"})
with heart.watched(0.05, Patience(0.5, 0.5)), heart.only_beats():
    heart.beat("training", 41)
    if sys.argv[2] == "hangs":
        def waits_for_ever():
            threading.Event().wait()
        waits_for_ever()
"""


def _lost(silence: float, cpu: float, only_beats: bool) -> bool:
    """What becomes of ``silence`` seconds after the last beat with ``cpu`` seconds of work in them."""
    patience = Patience(seconds=60.0, cpu_share=0.01)
    assert not patience.lost(1000.0, 5.0, 1000.0, only_beats)
    return patience.lost(1000.0 + silence, 5.0 + cpu, 1000.0, only_beats)


@pytest.mark.parametrize(
    ("silence", "cpu", "only_beats", "lost"),
    [
        (59.0, 0.0, True, False),  # slow
        (61.0, 0.0, True, True),  # hangs
        (61.0, 61.0, True, True),  # spins in a collective
        (61.0, 0.0, False, True),  # hangs outside the loop
        (61.0, 6.0, False, False),  # a push that says nothing
        (61.0, 0.1, False, True),  # a thread that only looks at its queue
    ],
)
def test_silence_is_a_hang_unless_work_is_done(
    silence: float, cpu: float, only_beats: bool, lost: bool
) -> None:
    assert _lost(silence, cpu, only_beats) is lost


def test_a_beat_once_a_minute_is_enough_for_ever() -> None:
    patience = Patience(seconds=60.0, cpu_share=0.01)
    looks = [patience.lost(now, 0.0, now - now % 59, only_beats=True) for now in range(1000, 9000, 7)]
    assert not any(looks)


def test_a_process_that_hangs_ends_with_75_and_says_where(tmp_path: Path) -> None:
    done = _run(tmp_path, "hangs")
    assert done.returncode == EXIT_RETRYABLE, done.stderr
    assert "waits_for_ever" in done.stderr
    assert "'training', step 41" in done.stderr


def test_a_process_that_ends_leaves_its_last_beat(tmp_path: Path) -> None:
    assert _run(tmp_path, "ends").returncode == EXIT_OK
    told = json.loads((tmp_path / "heart.json").read_text())
    assert (told["stage"], told["phase"], told["step"]) == ("train", "training", 41)


def test_progress_beats() -> None:
    beats: list[str] = []

    class Pulse:
        def beat(self, phase: str, step: int | None = None) -> None:
            beats.append(phase)

    progress = Progress("x", pulse=Pulse())  # type: ignore[arg-type]
    progress.say("begins")
    assert list(progress.track("ab", 2, "letters")) == ["a", "b"]
    assert beats == ["begins", "1/2 letters", "2/2 letters"]


def _run(folder: Path, what: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", PROGRAM, str(folder / "heart.json"), what]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)
