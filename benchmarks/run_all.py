"""Every benchmark: a table, and ``artifacts/bench/results.json``; commit and device in ``about.json``.

    python benchmarks/run_all.py [--short] [--only kv_cache f0] [--out artifacts/bench/results.json]

``--short`` only finds out whether they run; its ratios mean nothing and say so. A benchmark that breaks does
not keep the others from running. Exit code 1 when one broke or, in the long form, missed its goal.
"""

from __future__ import annotations

import argparse
import sys
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from importlib import import_module
from pathlib import Path

from ratio import Row
from rich.console import Console
from rich.table import Table

from components.core.paths import project_root
from components.core.provenance import cpu_label, git_sha
from components.core.storage import write_json

BENCHMARKS = (
    "monotonic_alignment",
    "metric_logging",
    "f0",
    "memory",
    "vocoder",
    "kv_cache",
    "linear",
    "feature_extraction",
    "training_batches",
    "unchanged_rerun",
    "orchestration",
    "training_step",
    "simulator",
    "scaling",
    "lips",
)
_WIDTH = 140


def main(words: Sequence[str] | None = None) -> int:
    """Measure, print, write."""
    arguments = _arguments(words)
    rows, broken = [], []
    for name in arguments.only:
        try:
            rows += list(_rows(name, arguments.short))
        except (Exception, SystemExit):  # noqa: BLE001 - the others still run; SystemExit: two sides disagree
            traceback.print_exc()
            broken.append(name)
    about = {
        "short": arguments.short,
        "commit": git_sha(project_root()),
        "device": cpu_label(),
        "evidence": "none: only whether it runs" if arguments.short else "measured",
        "broken": broken,
    }
    write_json(arguments.out, [asdict(row) for row in rows])
    write_json(arguments.out.with_name("about.json"), about)
    console = Console()
    Console(width=None if console.is_terminal else _WIDTH).print(_table(rows, arguments.short))
    print(arguments.out, *(f"broken: {name}" for name in broken))
    missed = [] if arguments.short else [row for row in rows if not row.met]
    return 1 if broken or missed else 0


def _rows(name: str, short: bool) -> Iterator[Row]:
    yield from import_module(name).rows(short)


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--short", action="store_true", help="only whether they run")
    parser.add_argument("--only", nargs="*", default=list(BENCHMARKS), choices=BENCHMARKS)
    parser.add_argument("--out", type=Path, default=project_root() / "artifacts" / "bench" / "results.json")
    return parser.parse_args(words)


def _table(rows: Sequence[Row], short: bool) -> Table:
    table = Table(title="Benchmarks: only whether they run" if short else "Benchmarks, measured")
    for heading in ("id", "what", "ratio", "95 %", "goal", "n", "baseline", "limit"):
        table.add_column(heading, overflow="fold")
    for row in rows:
        between = "" if row.low is None else f"{row.low:.2f} – {row.high:.2f}"
        goal = f"≥ {row.goal:g}" if short else f"≥ {row.goal:g} {'✔' if row.met else '✘'}"
        table.add_row(
            row.id, row.name, f"{row.ratio:.2f}", between, goal, str(row.n), row.baseline, row.limit
        )
    return table


if __name__ == "__main__":
    sys.exit(main())
