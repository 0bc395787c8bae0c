"""``manifest.csv``: one row a recording, sorted by id, the same bytes for the same rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from components.core.storage import write_text
from components.core.utterance import MANIFEST_COLUMNS, Utterance
from components.data.csv_table import bad_row, records, table_text

MANIFEST_NAME = "manifest.csv"


def manifest_text(rows: Iterable[Utterance]) -> str:
    """The manifest as CSV text; row order does not depend on the order given."""
    ordered = sorted(rows, key=lambda row: row.utterance_id)
    return table_text(
        MANIFEST_COLUMNS, ([str(getattr(row, name)) for name in MANIFEST_COLUMNS] for row in ordered)
    )


def write_manifest(path: Path, rows: Iterable[Utterance]) -> None:
    """Write ``manifest.csv`` atomically."""
    write_text(path, manifest_text(rows))


def read_manifest(path: Path) -> tuple[Utterance, ...]:
    """The rows of a manifest.

    Raises:
        DataError: unreadable, an invalid row (named by its number), or an id that stands twice.
    """
    rows: dict[str, Utterance] = {}
    for number, cells in records(path, MANIFEST_COLUMNS):
        row = _typed(path, number, cells)
        if row.utterance_id in rows:
            raise bad_row(path, number, "an utterance_id that stands once", f"{row.utterance_id} again")
        rows[row.utterance_id] = row
    return tuple(rows.values())


def _typed(path: Path, number: int, cells: Mapping[str, str]) -> Utterance:
    values: dict[str, Any] = dict(cells)
    try:
        values["duration_s"] = float(cells["duration_s"])
        values["sample_rate"] = int(cells["sample_rate"])
        return Utterance.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        column = ".".join(map(str, first["loc"]))
        raise bad_row(path, number, f"{column}: {first['msg']}", repr(first["input"])) from error
    except ValueError as error:
        raise bad_row(path, number, "numbers for duration_s and sample_rate", str(error)) from error
