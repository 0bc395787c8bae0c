"""CSV as this project writes it: UTF-8, ``\\n``, a fixed header, the same bytes for the same rows."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from components.core.errors import DataError

#: The header is row 1 of a spreadsheet, so the first data row is row 2; errors name rows this way.
FIRST_ROW = 2


def table_text(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """The CSV text of ``rows`` under the header ``columns``."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return buffer.getvalue()


def cell_rows(path: Path) -> Iterator[list[str]]:
    """Header, then rows, as cells; empty lines between rows are left out.

    Raises:
        DataError: the file is missing, not UTF-8, or not CSV.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield from (cells for cells in csv.reader(file, strict=True) if cells)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(
            who=str(path),
            expected="a readable CSV file in UTF-8",
            found=" ".join(str(error).split()),
            action="export it again as CSV (UTF-8)",
        ) from error


def records(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, Mapping[str, str]]]:
    """(row number, column → cell) of a table of ours, whose header must be exactly ``columns``.

    Raises:
        DataError: unreadable, another header, or a row with too few or too many cells.
    """
    rows = cell_rows(path)
    header = next(rows, [])
    if tuple(header) != tuple(columns):
        raise DataError(
            who=f"{path} row 1",
            expected=f"the header {','.join(columns)}",
            found=",".join(header) or "an empty file",
            action="ingest the corpus again, or restore it with `restore-data`",
        )
    for number, cells in enumerate(rows, start=FIRST_ROW):
        if len(cells) != len(columns):
            raise bad_row(path, number, f"{len(columns)} cells", f"{len(cells)}")
        yield number, dict(zip(columns, cells, strict=True))


def bad_row(path: Path, number: int, expected: str, found: str) -> DataError:
    """The error for one row that cannot be used."""
    return DataError(
        who=f"{path} row {number}",
        expected=expected,
        found=found,
        action="mend this row; nothing was changed",
    )
