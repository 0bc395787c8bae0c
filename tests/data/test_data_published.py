"""Readers of published corpora, on folders that the test writes in their format; which format a folder is."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Callable
from pathlib import Path

import numpy as np
import published_corpora as published
import pytest
import soundfile as sf
from source_folder import SourceFolder

from components.core.errors import DataError
from components.data.corpus import Corpus
from components.data.flac import unpack
from components.data.ingest import Ingest, ingest_source
from components.data.readers import formats, read_source, recognise
from components.data.readers.aihub import spoken_form
from components.data.wav import BadWavError

WRITERS: dict[str, Callable[[Path], Path]] = {
    name: getattr(published, name) for name in formats() if name not in {"generic", "speaker"}
}
#: Format → accepted, reasons of the rejected in order of rows, voices, what is left out.
EXPECTED: dict[str, tuple[int, list[str], set[str], dict[str, int]]] = {
    "kss": (2, ["malformed_row"], {"kss"}, {}),
    "ljspeech": (2, ["malformed_row"], {"ljspeech"}, {}),
    "zeroth": (3, ["malformed_row"], {"zeroth_106", "zeroth_104"}, {}),
    "vctk": (3, ["missing_file", "malformed_row"], {"vctk_p225", "vctk_p226"}, {"the second microphone": 3}),
    "jvs": (3, ["malformed_row"], {"jvs001", "jvs002"}, {"whispered": 1}),
    "aishell3": (3, ["malformed_row"], {"aishell3_SSB0005", "aishell3_SSB0009"}, {}),
    "aihub": (
        4,
        ["malformed_row", "malformed_row", "malformed_row", "missing_file"],
        {"aihub_도레미", "aihub_6030_KJW"},
        {"recordings without a label": 1},
    ),
}
LANGUAGE = {"ljspeech": "en", "vctk": "en", "jvs": "ja", "aishell3": "zh"}


@pytest.mark.parametrize("name", sorted(WRITERS))
def test_every_row_is_taken_or_named(name: str, tmp_path: Path, tolerant: Ingest) -> None:
    folder = WRITERS[name](tmp_path / "given")
    accepted, reasons, speakers, left_out = EXPECTED[name]
    source = read_source(folder, name)
    assert dict(source.left_out) == left_out
    report = tolerant.take(source, name)
    assert (report.rows, report.accepted) == (accepted + len(reasons), accepted)
    assert [no.reason for no in report.rejected] == reasons
    corpus = Corpus(tolerant.data / name)
    assert {row.speaker_id for row in corpus.rows} == speakers
    assert {row.language for row in corpus.rows} == {LANGUAGE.get(name, "ko")}
    assert {corpus.consents[row.consent].basis for row in corpus.rows} == {"licence"}
    assert all(row.licence and row.role == "human" for row in corpus.rows)
    again = tolerant.take(read_source(folder, name), name)
    assert (again.accepted, again.added) == (accepted, 0)


@pytest.mark.parametrize(
    ("name", "utterance_id", "text"),
    [
        ("kss", "kss_1_0001", "세 마리"),
        ("ljspeech", "ljspeech_LJ001-0001", "In fourteen fifty-five, a book"),
        ("ljspeech", "ljspeech_LJ001-0002", "Plain text."),
        ("zeroth", "zeroth_106_003_0001", "네 요즘 공부 많이 해야 돼요"),
        ("vctk", "vctk_p226_001", "Please call Stella 2."),
        ("jvs", "jvs001_nonpara30_BASIC5000_0001", "また、東寺のように1。"),
        ("aishell3", "aishell3_SSB00050001", "广州女"),
        ("aihub", "aihub_일반남여_가_001", "안녕하세요. 십 분만 기다려요."),
        ("aihub", "aihub_일반남여_가_002", "네 알겠어요."),
        ("aihub", "aihub_6030_G1A1E7_KJW_000001", "몇 리터로 드릴까요?"),
    ],
)
def test_the_text_is_what_was_said(name: str, utterance_id: str, text: str, tmp_path: Path) -> None:
    rows = {row.utterance_id: row for row in read_source(WRITERS[name](tmp_path / "given"), name).rows}
    assert rows[utterance_id].text == text


@pytest.mark.parametrize("labels", ["NFC", "NFD"])
@pytest.mark.parametrize("audio", ["NFC", "NFD"])
def test_hangul_names_are_found_in_either_form(
    labels: str, audio: str, tmp_path: Path, tolerant: Ingest
) -> None:
    folder = published.aihub(tmp_path / unicodedata.normalize(audio, "받은 것"), labels, audio)
    report = ingest_source(folder, "aihub", "aihub", tolerant)
    assert (report.accepted, len(report.rejected)) == (4, 4)
    names = [row.utterance_id for row in Corpus(tolerant.data / "aihub").rows]
    assert names == [unicodedata.normalize("NFC", name) for name in names]


def test_two_recordings_of_one_name_are_told(tmp_path: Path) -> None:
    folder = published.aihub(tmp_path / "given")
    (folder / "원천데이터/다른").mkdir()
    first = folder / "원천데이터/묶음/일반남여_가_001.wav"
    (folder / "원천데이터/다른/일반남여_가_001.wav").write_bytes(first.read_bytes())
    rows = {row.utterance_id: row for row in read_source(folder, "aihub").rows}
    assert (
        rows["aihub_일반남여_가_001"].audio == "원천데이터/묶음/일반남여_가_001.wav"
    )  # beside its label by name
    first.rename(first.with_name("x.wav"))
    first.parent.rename(first.parent.with_name("셋째"))
    (folder / "원천데이터/셋째/x.wav").rename(folder / "원천데이터/셋째/일반남여_가_001.wav")
    problems = [row.problem for row in read_source(folder, "aihub").rows if row.problem]
    assert any(problem.startswith("2 recordings named 일반남여_가_001") for problem in problems)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("(십 분만)/(10분만) 투자", "십 분만 투자"),
        ("(10분만)/(십 분만) 투자", "십 분만 투자"),
        ("(이거)/(요거) 주세요", "요거 주세요"),
        ("o/ 아 n/ 그래서* 그+ 그게", "아 그래서 그 그게"),
        ("1+1 행사, a/b 시험", "1+1 행사, a/b 시험"),
    ],
)
def test_marks_of_transcripts_are_resolved(written: str, said: str) -> None:
    assert spoken_form(written) == said


@pytest.mark.parametrize("name", sorted(WRITERS))
def test_a_folder_is_recognised_as_one_format(name: str, tmp_path: Path) -> None:
    assert recognise(WRITERS[name](tmp_path / "given")) == name


def test_our_own_list_is_recognised(source: SourceFolder, tmp_path: Path) -> None:
    source.add("a")
    assert recognise(source.write()) == "generic"
    (tmp_path / "parquet").mkdir()
    (tmp_path / "parquet/metadata.parquet").touch()
    assert recognise(tmp_path / "parquet") == "generic"


def test_an_unknown_folder_tells_what_was_looked_for(tmp_path: Path) -> None:
    published.write(tmp_path / "music/a.txt", "x")
    with pytest.raises(DataError, match="no known sign") as told:
        recognise(tmp_path / "music")
    assert [line.partition(":")[0] for line in told.value.details] == [one for one in formats() if one != "speaker"]
    assert any("transcripts_utf8.txt" in line for line in told.value.details)
    with pytest.raises(DataError, match="no folder"):
        recognise(tmp_path / "nowhere")


def test_a_folder_above_and_an_ambiguous_one_are_told(tmp_path: Path) -> None:
    published.vctk(tmp_path / "above/VCTK-Corpus-0.92")
    with pytest.raises(DataError, match=r"VCTK-Corpus-0\.92 below it looks like vctk"):
        recognise(tmp_path / "above")
    published.ljspeech(tmp_path / "above/VCTK-Corpus-0.92")
    with pytest.raises(DataError, match="signs of ljspeech and of vctk"):
        recognise(tmp_path / "above/VCTK-Corpus-0.92")


@pytest.mark.parametrize("name", sorted(WRITERS))
def test_another_folder_is_refused_by_name(name: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=str(tmp_path)):
        read_source(tmp_path, name)


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24"])
def test_flac_is_unpacked_to_the_bit(subtype: str, tmp_path: Path) -> None:
    packed = published.flac(tmp_path / "a.flac", hz=300, subtype=subtype)
    unpacked = unpack(packed, tmp_path / "sub/a.wav")
    for path in (packed, unpacked):
        assert sf.info(path).subtype == subtype
    np.testing.assert_array_equal(sf.read(packed, dtype="int32")[0], sf.read(unpacked, dtype="int32")[0])


def test_damaged_flac_is_noticed(tmp_path: Path) -> None:
    packed = published.flac(tmp_path / "a.flac", hz=300)
    whole = packed.read_bytes()
    assert whole[26:42] == hashlib.md5(sf.read(packed, dtype="int16")[0].tobytes()).digest()  # noqa: S324
    damages = {
        "cut": whole[: len(whole) // 2],
        "header": whole[:20],
        "hash": whole[:26] + bytes(15) + b"\1" + whole[42:],
    }
    for name, content in damages.items():
        packed.write_bytes(content)
        with pytest.raises(BadWavError):
            unpack(packed, tmp_path / f"{name}.wav")


def test_a_damaged_flac_is_a_rejected_row(tmp_path: Path, tolerant: Ingest) -> None:
    folder = published.zeroth(tmp_path / "given")
    recording = folder / "train_data_01/003/106/106_003_0001.flac"
    recording.write_bytes(recording.read_bytes()[:2000])
    report = ingest_source(folder, "zeroth", "zeroth", tolerant)
    assert report.accepted == 2
    assert next(no.reason for no in report.rejected) in ("truncated", "not_audio")
