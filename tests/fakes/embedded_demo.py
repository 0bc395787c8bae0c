"""`make demo` of a small profile in a process of its own: the in-process launcher's run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.core.paths import Workspace, project_root

ROOT = project_root()


@dataclass(frozen=True)
class Demo:
    """A finished run: where it lies, what it told, and how the clone looked before."""

    workspace: Workspace
    summary: dict[str, Any]
    output: str
    tree_before: str


def run_embedded(workspace: Path, *arguments: str, profile: str = "ci") -> subprocess.CompletedProcess[str]:
    """`dags/embedded.py` with nothing of this process's Airflow or project settings."""
    command = [sys.executable, "dags/embedded.py", "--profile", profile, "--workspace", str(workspace)]
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("AIRFLOW", "IRIS"))}
    return subprocess.run(
        [*command, *arguments], cwd=ROOT, capture_output=True, text=True, env=environment, timeout=1800
    )


def git_status() -> str:
    """What differs from the commit in places that no run may touch."""
    command = ["git", "status", "--porcelain", "--", "data.dvc", "docs", "mlflow", "pretrained", "k8s"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def run_demo(root: Path, *arguments: str, profile: str = "ci") -> Demo:
    """The whole run, which must succeed."""
    tree_before = git_status()
    done = run_embedded(root, *arguments, profile=profile)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    summary = json.loads((root / "summary.json").read_text(encoding="utf-8"))
    return Demo(Workspace.embedded(root), summary, done.stdout + done.stderr, tree_before)
