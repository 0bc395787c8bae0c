"""Formats, on small folders made in that format."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from source_folder import COLUMNS, SourceFolder, tone

from components.core.errors import DataError
from components.data.corpus import Corpus
from components.data.ingest import Ingest, ingest_source
from components.data.readers import formats, read_source

KSS_LINES = """\
1/1_0000.wav|그는 괜찮아 보였다.|그는 괜찮아 보였다.|그는|0.8|He seemed fine.
1/1_0001.wav|3마리가 있다.|세 마리가 있다.|세 마리|0.8|There are three.
2/2_0000.wav|too|few|fields
4/4_0000.wav|없는 파일|없는 파일|없는|0.8|Missing.
"""


@pytest.fixture
def kss(tmp_path: Path) -> Path:
    folder = tmp_path / "kss"
    for number, name in enumerate(("1/1_0000.wav", "1/1_0001.wav", "2/2_0000.wav")):
        tone(folder / name, hz=200.0 + 10 * number, seconds=0.8, rate=16000)
    (folder / "transcript.v.1.4.txt").write_text(KSS_LINES, encoding="utf-8")
    return folder


def test_kss_reads_the_expanded_text(kss: Path) -> None:
    rows = read_source(kss, "kss").rows
    assert [row.utterance_id for row in rows[:2]] == ["kss_1_0000", "kss_1_0001"]
    assert rows[1].text == "세 마리가 있다."
    assert rows[2].problem == "4 fields between | instead of 6"


def test_kss_goes_into_a_corpus(kss: Path, ingest: Ingest) -> None:
    report = ingest_source(kss, "kss", "kss", ingest)
    assert (report.rows, report.accepted) == (4, 2)
    assert [no.reason for no in report.rejected] == ["malformed_row", "missing_file"]
    corpus = Corpus(ingest.data / "kss")
    assert {row.licence for row in corpus.rows} == {"CC-BY-NC-SA-4.0"}
    assert corpus.consents["kss-licence"].basis == "licence"


@pytest.mark.parametrize("transcripts", [(), ("transcript.v.1.3.txt", "transcript.v.1.4.txt")])
def test_kss_needs_one_transcript(transcripts: tuple[str, ...], tmp_path: Path) -> None:
    for name in transcripts:
        (tmp_path / name).write_text(KSS_LINES)
    with pytest.raises(DataError, match="transcript"):
        read_source(tmp_path, "kss")


def test_csv_and_parquet_read_the_same(source: SourceFolder) -> None:
    source.add("a", text="쉼표, 있음")
    source.add("b", language="ko-KR")
    as_csv = read_source(source.write(), "generic")
    (source.folder / "metadata.csv").unlink()
    pd.DataFrame(source.rows, columns=list(COLUMNS)).to_parquet(source.folder / "metadata.parquet")
    assert read_source(source.folder, "generic").rows == as_csv.rows
    assert [row.language for row in as_csv.rows] == ["ko", "ko"]


def test_parquet_numbers_and_nothing_become_text(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {"id": [1, 2], "speaker": ["s", None], "lang": "ko", "text": "말", "file": "a.wav", "license": "x",
         "consent": "c"}
    )  # fmt: skip
    frame.to_parquet(tmp_path / "metadata.parquet")
    rows = read_source(tmp_path, "generic").rows
    assert [(row.utterance_id, row.speaker_id) for row in rows] == [("1", "s"), ("2", "")]


def test_columns_have_other_names(tmp_path: Path) -> None:
    (tmp_path / "metadata.csv").write_text(
        "\ufeffID, Speaker ,lang,Transcript,file_name,license,consent_id,mood\n"
        "x,s1,en_US,Hello,a.wav,MIT,c1,glad\n",
        encoding="utf-8",
    )
    (row,) = read_source(tmp_path, "generic").rows
    assert (row.utterance_id, row.speaker_id, row.language, row.audio) == ("x", "s1", "en", "a.wav")
    assert (row.role, row.licence, row.consent) == ("human", "MIT", "c1")


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("id,speaker,lang,text,file,license", "without consent"),
        ("id,utt_id,speaker,lang,text,file,license,consent", "utterance_id twice"),
        ("", "without"),
    ],
)
def test_columns_that_do_not_fit_are_named(header: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "metadata.csv").write_text(f"{header}\n")
    with pytest.raises(DataError, match=message):
        read_source(tmp_path, "generic")


def test_a_row_with_other_cells_is_malformed(source: SourceFolder) -> None:
    source.add("a")
    listing = source.write() / "metadata.csv"
    listing.write_text(listing.read_text() + "b,s1,ko\n")
    assert read_source(source.folder, "generic").rows[1].problem == "3 cells instead of 8"


def test_no_list_two_lists_an_empty_list_and_no_folder(source: SourceFolder, tmp_path: Path) -> None:
    source.write()
    with pytest.raises(DataError, match="an empty list"):
        read_source(source.folder, "generic")
    (source.folder / "metadata.parquet").write_bytes(b"")
    with pytest.raises(DataError, match=r"metadata\.csv and metadata\.parquet"):
        read_source(source.folder, "generic")
    (source.folder / "metadata.csv").unlink()
    with pytest.raises(DataError, match="readable Parquet"):
        read_source(source.folder, "generic")
    with pytest.raises(DataError, match="no folder"):
        read_source(tmp_path / "nowhere", "generic")


def test_each_file_here_is_a_format() -> None:
    assert formats() == ("aihub", "aishell3", "generic", "jvs", "kss", "ljspeech", "speaker", "vctk", "zeroth")
