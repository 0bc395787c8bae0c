"""The real command line in a process of its own, and how a test looks at what it said and left."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from source_folder import SourceFolder

from components.core.paths import project_root
from components.core.storage import sha256_path

ONE_LINE = re.compile(r"^.+?: expected .+, found .+\. To do: .+$")
#: What an attempt may leave behind: a journal line, the heartbeat that it lived, an empty lock.
TRACES = ("journal.jsonl", "heartbeats", "locks")
ROOT = project_root()
Done = subprocess.CompletedProcess[str]


def run(*command: str, project: Path = ROOT, **environment: str) -> Done:
    """Run Python with ``command`` as a person would, on the parameters in ``project``."""
    outside = {k: v for k, v in os.environ.items() if not k.startswith(("AIRFLOW", "IRIS"))}
    return subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**outside, "IRIS_PROJECT_ROOT": str(project), **environment},
        timeout=120,
    )


def ingest(source: Path, workspace: Path, **options: str) -> Done:
    """``python -m components ingest`` of a generic source into corpus ``own``, unless ``options`` differ."""
    named = {"format": "generic", "corpus": "own", "profile": "ci", **options}
    pairs = [part for name, value in named.items() for part in (f"--{name}", value)]
    return run("-m", "components", "ingest", "--source", str(source), "--workspace", str(workspace), *pairs)


def tree(folder: Path) -> dict[str, str]:
    """Relative path → sha256 of every file, and "" for every folder, an attempt's traces left out."""
    paths = (path for path in folder.rglob("*") if path.relative_to(folder).parts[0] not in TRACES)
    return {str(p.relative_to(folder)): sha256_path(p) if p.is_file() else "" for p in paths}


def assert_told(done: Done, exit_code: int, *words: str) -> None:
    """One line with who, expected, found and what to do, naming ``words``; its hint below; no traceback."""
    said = done.stdout + done.stderr
    assert done.returncode == exit_code, said
    assert "Traceback" not in said
    lines = [line for line in done.stderr.splitlines() if ONE_LINE.match(line)]
    assert len(lines) == 1, said
    assert not [word for word in words if word not in lines[0]], lines[0]


def a_good_source(folder: Path) -> SourceFolder:
    """A source of three recordings without fault, still to be written."""
    source = SourceFolder(folder)
    for number in range(3):
        source.add(f"good{number}")
    return source
