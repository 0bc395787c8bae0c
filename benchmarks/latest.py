"""The latest figure of every benchmark: kept in docs/performance.csv, shown in README.md and the docs.

    python benchmarks/latest.py                     # writes both tables again
    python benchmarks/latest.py --take artifacts/bench/results.json   # takes a run's rows first

A run of `run_all.py --short`, or one without a commit, is refused. A row that was measured outside of
`run_all.py` is written into the sheet by hand.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from components.core.paths import project_root
from components.core.storage import write_text

SHEET = project_root() / "docs" / "performance.csv"
COLUMNS = ("id", "name", "goal", "ratio", "low", "high", "n", "baseline", "limit", "commit", "date")
_NUMBERS = ("goal", "ratio", "low", "high")
BEGIN, END = "<!-- benchmarks: made by benchmarks/latest.py -->", "<!-- /benchmarks -->"
Sheet = Sequence[Mapping[str, str]]


def main() -> int:
    """Take and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--take", type=Path, help="results.json of a run; its about.json lies beside it")
    arguments = parser.parse_args()
    rows = read()
    if arguments.take:
        rows = taken(rows, arguments.take)
        write_text(SHEET, _sheet_text(rows))
    for path, table in tables(rows).items():
        write_text(path, with_table(path.read_text(encoding="utf-8"), table))
        print(path)
    return 0


def read() -> Sheet:
    """The rows of the sheet."""
    with SHEET.open(encoding="utf-8", newline="") as sheet:
        return list(csv.DictReader(sheet))


def taken(rows: Sheet, results: Path) -> Sheet:
    """The sheet with a run's rows in place of theirs, new ones at the end."""
    about = json.loads(results.with_name("about.json").read_text(encoding="utf-8"))
    if about["short"] or not about["commit"]:
        raise SystemExit(f"{results}: expected a whole run at a commit, found {about}")
    date = datetime.fromtimestamp(results.stat().st_mtime, UTC).date().isoformat()
    fresh = {
        row["id"]: {
            **{name: "" if row[name] is None else str(row[name]) for name in COLUMNS[:-2]},
            **{name: f"{row[name]:.4g}" for name in _NUMBERS if row[name] is not None},
            "commit": about["commit"][:7],
            "date": date,
        }
        for row in json.loads(results.read_text(encoding="utf-8"))
    }
    kept = [fresh.pop(row["id"], row) for row in rows]
    return [*kept, *fresh.values()]


def tables(rows: Sheet) -> dict[Path, str]:
    """Where the tables stand → what they are."""
    docs = ["| # | what | goal | latest figure | n | baseline | commit, date | why not more |"]
    docs.append("|" + "---|" * 8)
    readme = ["| # | what | goal | latest figure | n | commit, date |", "|" + "---|" * 6]
    for row in rows:
        goal, when = f"≥ {float(row['goal']):g}", f"`{row['commit']}`, {row['date']}" if row["ratio"] else "–"
        found = figure(row)
        docs.append(
            f"| {row['id']} | {row['name']} | {goal} | {found} | {row['n']} | {row['baseline']} | {when} | "
            f"{row['limit']} |"
        )
        readme.append(f"| {row['id']} | {row['name']} | {goal} | {found} | {row['n']} | {when} |")
    root = project_root()
    return {root / "docs" / "performance.md": "\n".join(docs), root / "README.md": "\n".join(readme)}


def figure(row: Mapping[str, str]) -> str:
    """A ratio with its interval; bold where it misses its goal."""
    if not row["ratio"]:
        return "not measured"
    told = row["ratio"] + (f" ({row['low']} – {row['high']})" if row["low"] else "")
    return told if float(row["ratio"]) >= float(row["goal"]) else f"**{told}**: missed"


def with_table(text: str, table: str) -> str:
    """The text with that table between its marks."""
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    return f"{before}{BEGIN}\n{table}\n{END}{after}"


def _sheet_text(rows: Sheet) -> str:
    made = io.StringIO()
    writer = csv.DictWriter(made, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return made.getvalue()


if __name__ == "__main__":
    sys.exit(main())
