"""``origins.csv``: which source a recording came from, so that a source replaces only its own rows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from components.data.csv_table import records, table_text

ORIGINS_NAME = "origins.csv"
_COLUMNS = ("utterance_id", "source")


def origins_text(origins: Mapping[str, str]) -> str:
    """Utterance id → source as CSV text, sorted by id."""
    return table_text(_COLUMNS, sorted(origins.items()))


def read_origins(path: Path) -> dict[str, str]:
    """Utterance id → source; empty where the file does not exist.

    Raises:
        DataError: unreadable.
    """
    if not path.exists():
        return {}
    return {cells["utterance_id"]: cells["source"] for _, cells in records(path, _COLUMNS)}
