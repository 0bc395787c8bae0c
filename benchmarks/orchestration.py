"""Row 8: what an embedded run spends outside its stages, from the records that it left.

The ratio is the stages' seconds over the whole run's, by the clock of that run: nothing is run again. Of an
unchanged or a resumed run it says nothing, because stages were skipped.

    python benchmarks/orchestration.py [--workspace artifacts/demo]

Where there is no such run yet, `make demo` (or ``python dags/embedded.py --profile ci --workspace DIR``,
about three minutes of CPU time) makes one.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ratio import Row, tell, unmeasured

from components.core.paths import project_root

GOAL = 0.9


def main() -> int:
    """Read and tell; 1 when the share of the rest is above its goal."""
    arguments = _arguments(None)
    return tell(_read(arguments.workspace))


def rows(short: bool) -> list[Row]:
    """Row 8; none in the short form, nor where nothing was run."""
    return [] if short else _read(_arguments([]).workspace)


def _read(workspace: Path) -> list[Row]:
    try:
        told = json.loads((workspace / "summary.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        print(f"row 8: no finished run in {workspace}; make demo makes one")
        return []
    if any(stage["state"] == "skipped" for stage in told["stages"]):
        print(
            f"row 8: the last run in {workspace} skipped stages; run with --force, or in an empty workspace"
        )
        return []
    baseline = f"the stages alone, of a run of {told['seconds']:.0f} s"
    empty = unmeasured("8", "stages' share of an embedded run", GOAL, baseline, "1: imports, tables, Airflow")
    return [replace(empty, ratio=1.0 - float(told["orchestration_share"]), n=1)]


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--workspace", type=Path, default=project_root() / "artifacts" / "demo")
    return parser.parse_args(words)


if __name__ == "__main__":
    sys.exit(main())
