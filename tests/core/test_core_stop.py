"""SIGTERM to a process of a stage: 143, at any moment, with whole files."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from components.core.errors import EXIT_STOPPED

HEAD = """
import os, pathlib, runpy, signal, sys
from components.core import stop, storage
folder = pathlib.Path(sys.argv[1])
die = lambda *_: os.kill(os.getpid(), signal.SIGTERM)
"""


def _run(program: str, folder: Path, *before: str) -> subprocess.CompletedProcess[str]:
    command = [*before, sys.executable, "-c", HEAD + program, str(folder)]
    environment = {**os.environ, "IRIS_WORKSPACE": str(folder), "IRIS_ENDING_FILE": str(folder / "ending")}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)


def test_a_signal_during_the_imports_is_heard(tmp_path: Path) -> None:
    program = """
class Deadly:
    def find_spec(self, name, path=None, target=None):
        if name == "typer":
            die()
sys.meta_path.insert(0, Deadly())
sys.argv = ["components", "ingest"]
runpy.run_module("components", run_name="__main__")
"""
    done = _run(program, tmp_path)
    assert (done.returncode, done.stderr) == (EXIT_STOPPED, "")


def test_a_stage_that_is_told_to_stop_says_so_in_every_place(tmp_path: Path) -> None:
    program = """
from components.stages import ingest
ingest.run = die
sys.argv = ["components", "ingest", "--profile", "ci"]
runpy.run_module("components", run_name="__main__")
"""
    done = _run(program, tmp_path)
    assert done.returncode == EXIT_STOPPED
    assert "found SIGTERM" in done.stderr
    assert "Traceback" not in done.stderr
    assert '"state": "stopped"' in (tmp_path / "journal.jsonl").read_text()
    assert '"StoppedError"' in (tmp_path / "ending").read_text()
    assert not list((tmp_path / "records").glob("*"))


@pytest.mark.parametrize("at", ["rename", "replace", "chmod", "fsync"])
def test_what_was_there_is_whole_wherever_the_signal_falls(tmp_path: Path, at: str) -> None:
    program = f"""
stop.install()
(folder / "set").mkdir()
(folder / "set" / "old").touch()
place, name = (storage, "_fsync") if "{at}" == "fsync" else (pathlib.Path, "{at}")
real = getattr(place, name)
def deadly(*given, **named):
    result = real(*given, **named)
    die()
    return result
setattr(place, name, deadly)
with storage.atomic_folder(folder / "set") as new:
    (new / "new").touch()
storage.write_text(folder / "file", "whole")
"""
    done = _run(program, tmp_path)
    assert done.returncode == EXIT_STOPPED, done.stderr
    left = {path.name for path in (tmp_path / "set").iterdir()}
    assert left in ({"old"}, {"new"})
    assert not [path for path in tmp_path.iterdir() if path.name.endswith(".tmp")]


def test_a_stop_that_somebody_swallowed_is_remembered(tmp_path: Path) -> None:
    program = """
stop.install()
try:
    die()
except BaseException:
    pass
stop.stop_if_asked()
"""
    assert _run(program, tmp_path).returncode == EXIT_STOPPED


@pytest.mark.skipif(shutil.which("unshare") is None, reason="needs unshare")
def test_process_one_of_a_container_hears_it_too(tmp_path: Path) -> None:
    """The kernel keeps signals without a handler from process 1; the control shows that it is one here."""
    inside = ("unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child")
    deaf = _run("die(); sys.exit(7)", tmp_path, *inside)
    if deaf.returncode not in {7, 143, -signal.SIGTERM}:
        pytest.skip(f"no namespaces here: {deaf.stderr.strip()}")
    assert deaf.returncode == 7, "SIGTERM killed process 1: the control shows nothing"
    assert _run("stop.install(); die(); sys.exit(7)", tmp_path, *inside).returncode == EXIT_STOPPED
