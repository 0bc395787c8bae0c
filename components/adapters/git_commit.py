"""One file into a git commit of its own."""

from __future__ import annotations

import subprocess
from pathlib import Path

from components.core.errors import ConfigError


def commit_file(file: Path, message: str) -> bool:
    """Commit ``file``, and nothing else that is staged; False when it is as committed.

    Raises:
        ConfigError: there is no git repository around it, or it does not take the commit.
    """
    _git(file, "add", "--force", "--", file.name)
    if not _git(file, "status", "--porcelain", "--", file.name):
        return False
    _git(file, "commit", "--quiet", "--message", message, "--", file.name)
    return True


def _git(file: Path, *arguments: str) -> str:
    done = subprocess.run(  # noqa: S603 - fixed program, our own arguments
        ["git", "-C", str(file.parent), *arguments],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ConfigError(
            who=f"git {arguments[0]} {file.name}",
            expected=f"a git repository that takes a commit at {file.parent}",
            found=" ".join((done.stderr or done.stdout).split())[:300],
            action="mend git there, or set data.dvc.commit_pointer: false; the data itself is pushed",
        )
    return done.stdout
