"""A table of scores as Parquet: numbers as numbers, an empty cell as null, and what it belongs to inside."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import pyarrow
import pyarrow.parquet

from components.core.storage import atomic_file


def write_parquet(
    path: Path,
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    numbers: Collection[str],
    facts: Mapping[str, str],
) -> None:
    """Write a table; the same rows and facts give the same bytes.

    Args:
        path: replaced as a whole.
        columns: names, in order.
        rows: cells as text, as in the CSV beside it.
        numbers: columns that hold numbers.
        facts: run, data, evaluators: into the file's own metadata, so that it can be told apart from others.

    Raises:
        StorageError: no space, or not writable.
    """
    fields = [
        pyarrow.field(name, pyarrow.float64() if name in numbers else pyarrow.string()) for name in columns
    ]
    cells = list(zip(*rows, strict=True)) if rows else [()] * len(columns)
    values = [
        [(float(cell) if name in numbers else cell) if cell else None for cell in column]
        for name, column in zip(columns, cells, strict=True)
    ]
    metadata = {key.encode(): value.encode() for key, value in sorted(facts.items())}
    table = pyarrow.table(
        [pyarrow.array(one, type=field.type) for one, field in zip(values, fields, strict=True)],
        schema=pyarrow.schema(fields, metadata=metadata),
    )
    with atomic_file(path) as temporary:
        pyarrow.parquet.write_table(table, temporary)
