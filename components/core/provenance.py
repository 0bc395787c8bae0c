"""Where a figure comes from: the commit, the code, the machine."""

from __future__ import annotations

import os
import platform
import subprocess
from functools import cache
from pathlib import Path

from components.core.storage import sha256_bytes, sha256_json, sha256_path

_PACKAGE = Path(__file__).resolve().parents[1]
GIT_SHA_VARIABLE = "IRIS_GIT_SHA"


@cache
def git_sha(project: Path) -> str:
    """HEAD, ``+changes`` when the tree differs; ``$IRIS_GIT_SHA`` in images without git; else "unknown"."""
    named = os.environ.get(GIT_SHA_VARIABLE)
    if named:
        return named
    head = _git(project, "rev-parse", "HEAD")
    if not head:
        return "unknown"
    return head + ("+changes" if _git(project, "status", "--porcelain") else "")


@cache
def code_sha(rooms: tuple[str, ...], stage: str) -> str:
    """sha256 over the source of the named rooms (or single files) and of the stage's own file."""
    files = [_PACKAGE / "stages" / f"{stage}.py", _PACKAGE / "catalogue.py"]
    for room in rooms:
        named = _PACKAGE / room
        files += [
            path
            for path in ([named] if named.is_file() else named.rglob("*"))
            if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc"
        ]
    return sha256_json({str(p.relative_to(_PACKAGE)): sha256_path(p) for p in sorted(files)})


@cache
def lock_sha(project: Path) -> str:
    """sha256 of requirements.lock, '' where it is not shipped."""
    lock = project / "requirements.lock"
    return sha256_bytes(lock.read_bytes()) if lock.is_file() else ""


@cache
def cpu_label() -> str:
    """``cpu: <model> × <cores>``; evidence measured here carries it."""
    name = platform.processor() or platform.machine()
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                name = line.split(":", 1)[1].strip()
                break
    except OSError:
        pass
    return f"cpu: {name} × {os.cpu_count()}"


def _git(project: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - fixed program, our own arguments
            ["git", "-C", str(project), *arguments],  # noqa: S607
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
