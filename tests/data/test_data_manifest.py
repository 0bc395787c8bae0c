"""The manifest round-trips, has one form, and names the row that is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.core.errors import DataError
from components.core.utterance import MANIFEST_COLUMNS, Utterance
from components.data.corpus import Corpus, corpora
from components.data.manifest import manifest_text, read_manifest, write_manifest

ROW = Utterance(
    utterance_id="ko_1",
    speaker_id="s1",
    language="ko",
    text='쉼표, "따옴표"\n줄',
    path="wav/s1/ko_1.wav",
    duration_s=1.25,
    sample_rate=16000,
    split="train",
    role="model",
    consent="c1",
    licence="CC0-1.0",
    sha256="0" * 64,
)
PRINTABLE = st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=20)
ROWS = st.lists(
    st.builds(
        lambda number, text, seconds: ROW.model_copy(
            update={"utterance_id": f"u{number}", "text": text, "duration_s": seconds}
        ),
        st.integers(0, 10**6),
        PRINTABLE,
        st.floats(0.001, 1e6),
    ),
    unique_by=lambda row: row.utterance_id,
    max_size=8,
)


@given(rows=ROWS)
def test_every_row_round_trips(rows: list[Utterance], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("m") / "manifest.csv"
    write_manifest(path, rows)
    assert read_manifest(path) == tuple(sorted(rows, key=lambda row: row.utterance_id))


def test_the_order_given_does_not_matter() -> None:
    other = ROW.model_copy(update={"utterance_id": "ko_0"})
    assert manifest_text([ROW, other]) == manifest_text([other, ROW])


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("duration_s", "nan", "row 3.*duration_s"),
        ("duration_s", "long", "row 3.*numbers"),
        ("sample_rate", "0", "row 3.*sample_rate"),
        ("split", "dev", "row 3.*split"),
        ("sha256", "abc", "row 3.*sha256"),
        ("utterance_id", "ko_1", "row 3.*ko_1 again"),
    ],
)
def test_a_wrong_cell_is_named_by_its_row(column: str, value: str, message: str, tmp_path: Path) -> None:
    cells = {name: str(getattr(ROW, name)) for name in MANIFEST_COLUMNS} | {"utterance_id": "b", "text": "x"}
    cells[column] = value
    path = tmp_path / "manifest.csv"
    path.write_text(manifest_text([ROW]) + ",".join(cells[name] for name in MANIFEST_COLUMNS) + "\n")
    with pytest.raises(DataError, match=message):
        read_manifest(path)


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b"\xff\xfe\x00", b'"unclosed'])
def test_another_file_is_no_manifest(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "manifest.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"manifest\.csv"):
        read_manifest(path)


def test_a_short_row_is_named(tmp_path: Path) -> None:
    path = tmp_path / "manifest.csv"
    path.write_text(manifest_text([ROW]) + "only,three,cells\n")
    with pytest.raises(DataError, match="row 3: expected 12 cells, found 3"):
        read_manifest(path)


def test_a_manifest_cannot_point_outside_its_corpus(tmp_path: Path) -> None:
    write_manifest(tmp_path / "own" / "manifest.csv", [ROW.model_copy(update={"path": "../../secret.wav"})])
    corpus = Corpus(tmp_path / "own")
    with pytest.raises(DataError, match="secret"):
        corpus.audio(corpus.rows[0])


def test_corpora_that_are_absent_are_left_out(tmp_path: Path) -> None:
    write_manifest(tmp_path / "own" / "manifest.csv", [ROW])
    assert [corpus.name for corpus in corpora(tmp_path, ["none", "own"])] == ["own"]
    with pytest.raises(DataError, match="ingest"):
        corpora(tmp_path, ["none"])
