"""The benchmarks run; what they find is not asked here, since no test asserts a time."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from components.core.paths import project_root

ROOT = project_root()


#: Making MLflow's tables or a whole run takes longer than all others; growth has a test of its own.
DEAR = {"metric_logging", "unchanged_rerun", "scaling"}


def listed() -> list[str]:
    """What `run_all.py` runs."""
    program = "import sys; sys.path.insert(0, 'benchmarks'); import run_all; print(*run_all.BENCHMARKS)"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.split()


def test_the_benchmarks_run_in_their_short_form(tmp_path: Path) -> None:
    out = tmp_path / "results.json"
    cheap = [name for name in listed() if name not in DEAR]
    command = [sys.executable, "benchmarks/run_all.py", "--short", "--out", str(out), "--only", *cheap]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    told = json.loads(out.read_text(encoding="utf-8"))
    about = json.loads((tmp_path / "about.json").read_text(encoding="utf-8"))
    assert (about["short"], about["broken"]) == (True, [])
    assert [row["id"] for row in told] == [
        "10",
        "4",
        "memory",
        "1",
        "3",
        "lin",
        "lin-g",
        "6",
        "5",
        "9-a",
        "12",
        "lips1",
        "lips2",
        "lips3",
    ]
    names = {"id", "name", "ratio", "low", "high", "goal", "baseline", "limit", "n"}
    assert all(set(row) == names and row["ratio"] > 0 and row["n"] > 0 for row in told)


def test_every_benchmark_is_in_the_list() -> None:
    beside = {"run_all", "ratio", "real_paths", "scaling_steps", "latest"}
    assert sorted(listed()) == sorted({path.stem for path in (ROOT / "benchmarks").glob("*.py")} - beside)


def test_no_step_over_a_corpus_grows_faster_than_its_utterances() -> None:
    """Instructions of this project's own code are counted: a busy machine changes none of them."""
    command = [sys.executable, "benchmarks/scaling.py", "--count"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert done.stdout.count("met; baseline: linear") == 6


def test_the_tables_say_what_the_sheet_says() -> None:
    """README.md and docs/performance.md are written by `benchmarks/latest.py`, not by hand."""
    program = (
        "import sys; sys.path.insert(0, 'benchmarks'); import latest; rows = latest.read(); "
        "print([p.name for p, t in latest.tables(rows).items() "
        "if latest.with_table(p.read_text(encoding='utf-8'), t) != p.read_text(encoding='utf-8')])"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr[-2000:]
