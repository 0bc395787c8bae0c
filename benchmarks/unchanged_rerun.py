"""The whole DAG once, then again with nothing changed: seconds of both, in a workspace that is thrown away.

Seconds are what `summary.json` tells of a run: Airflow's tables, every task, the summary; without starting
Python. In this order only: the second run finds what the first one left.

    python benchmarks/unchanged_rerun.py [--profile ci] [--repeats 1]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from ratio import Row, row, tell, unmeasured

from components.core.paths import project_root

GOAL, REPEATS = 20.0, 1


def main() -> int:
    """Measure; 1 when the ratio misses the goal."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--profile", default="ci")
    parser.add_argument("--repeats", type=int, default=REPEATS)
    asked = parser.parse_args()
    return tell([_measured(asked.profile, asked.repeats)])


def rows(short: bool) -> list[Row]:
    """Row 11; none in the short form: even the smallest run takes minutes, and the e2e tests make one."""
    return [] if short else [_measured("ci", REPEATS)]


def _measured(profile: str, repeats: int) -> Row:
    first, again = [], []
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as workspace:
            first.append(_run(profile, Path(workspace)))
            again.append(_run(profile, Path(workspace)))
    baseline = f"the first run, profile {profile}"
    return row(unmeasured("11", "unchanged rerun of the DAG", GOAL, baseline, "hashing"), again, first)


def _run(profile: str, workspace: Path) -> float:
    """Seconds of a run, which must succeed."""
    command = [sys.executable, "dags/embedded.py", "--profile", profile, "--workspace", str(workspace)]
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "IRIS"))
    }
    done = subprocess.run(  # noqa: S603 - our own program
        command, cwd=project_root(), env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"the run failed: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    told = json.loads((workspace / "summary.json").read_text(encoding="utf-8"))
    return float(told["seconds"])


if __name__ == "__main__":
    sys.exit(main())
