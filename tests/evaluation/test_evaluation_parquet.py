"""The table of sentences as Parquet: numbers come back as numbers, absent ones as null, the facts inside."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.evaluation.parquet import write_parquet

COLUMNS, NUMBERS = ("sentence_id", "text", "similarity"), {"similarity"}
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
SCORES = st.none() | st.floats(-1, 1)


@given(st.lists(st.tuples(TEXTS, TEXTS, SCORES), max_size=6))
def test_any_table_comes_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str, float | None]]
) -> None:
    path = tmp_path_factory.mktemp("table") / "문장.parquet"
    cells = [[name, text, "" if score is None else repr(score)] for name, text, score in rows]
    write_parquet(path, COLUMNS, cells, NUMBERS, {"run_id": "run"})
    found = pyarrow.parquet.read_table(path)
    assert found.column("similarity").to_pylist() == [score for _, _, score in rows]
    assert found.column("text").to_pylist() == [text or None for _, text, _ in rows]
    assert found.schema.metadata[b"run_id"] == b"run"


def test_the_same_rows_are_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_parquet(tmp_path / name, COLUMNS, [["ko_01", "안녕", "0.9"]], NUMBERS, {"b": "2", "a": "1"})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
