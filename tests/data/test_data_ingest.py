"""Ingest adds what is new, touches nothing else, and changes nothing when it fails."""

from __future__ import annotations

import datetime
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from source_folder import CONSENT, SourceFolder, tone

from components.core.errors import ConfigError, DataError, StorageError
from components.core.utterance import PhonemeTiming
from components.data.corpus import Corpus
from components.data.ingest import Ingest, ingest_source
from components.data.readers import read_source
from components.data.tree_md5 import tree_md5


def footprint(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """Path → (inode, time, bytes) of everything below ``folder``."""
    return {
        str(path.relative_to(folder)): (
            path.stat().st_ino,
            path.stat().st_mtime_ns,
            path.read_bytes() if path.is_file() else b"",
        )
        for path in [folder, *folder.rglob("*")]
    }


def three(source: SourceFolder) -> SourceFolder:
    for name in ("a", "b", "c"):
        source.add(name)
    return source


def test_twice_changes_no_byte_no_time_and_no_inode(source: SourceFolder, ingest: Ingest) -> None:
    folder = three(source).write()
    first = ingest_source(folder, "generic", "own", ingest)
    before = footprint(ingest.data)
    second = ingest_source(folder, "generic", "own", ingest)
    assert (first.added, second.added, second.accepted, second.total) == (3, 0, 3, 3)
    assert footprint(ingest.data) == before


def test_new_recordings_leave_the_old_files_alone(source: SourceFolder, ingest: Ingest) -> None:
    ingest_source(three(source).write(), "generic", "own", ingest)
    corpus = ingest.data / "own"
    before = footprint(corpus / "wav")
    splits = {row.utterance_id: row.split for row in Corpus(corpus).rows}
    source.add("d")
    report = ingest_source(source.write(), "generic", "own", ingest)
    assert (report.added, report.total) == (1, 4)
    after = footprint(corpus / "wav")
    files = [name for name in before if name.endswith(".wav")]
    assert len(files) == 3
    assert all(after[name] == before[name] for name in files)
    assert splits.items() <= {row.utterance_id: row.split for row in Corpus(corpus).rows}.items()


def test_a_second_source_adds_to_a_corpus(source: SourceFolder, ingest: Ingest, tmp_path: Path) -> None:
    ingest_source(three(source).write(), "generic", "own", ingest)
    other = SourceFolder(tmp_path / "other")
    other.consents = {"c9": CONSENT.model_copy(update={"consent_id": "c9", "speaker_id": "s9"})}
    tone(other.folder / "wavs" / "z.wav", hz=990.0)
    other.add("z", make_audio=False, speaker_id="s9", consent="c9")
    ingest_source(other.write(), "generic", "own", ingest)
    corpus = Corpus(ingest.data / "own")
    assert set(corpus.by_id) == {"a", "b", "c", "z"}
    assert set(corpus.consents) == {"c1", "c9"}
    assert all(corpus.audio(row).is_file() for row in corpus.rows)


def test_replacing_drops_only_rows_of_that_source(source: SourceFolder, ingest: Ingest) -> None:
    read = read_source(three(source).write(), "generic")
    ingest.take(replace(read, rows=read.rows[:2], name="made"), "own", replace=True)
    ingest.take(replace(read, rows=read.rows[2:], name="recorded"), "own")
    report = ingest.take(replace(read, rows=read.rows[:1], name="made"), "own", replace=True)
    assert report.removed == {"b": "no longer in source made"}
    assert set(Corpus(ingest.data / "own").by_id) == {"a", "c"}
    assert not (ingest.data / "own" / "wav" / "s1" / "b.wav").exists()


def test_an_id_keeps_its_recording(source: SourceFolder, ingest: Ingest) -> None:
    ingest_source(three(source).write(), "generic", "own", ingest)
    before = footprint(ingest.data)
    tone(source.folder / "wavs" / "a.wav", hz=777.0)
    report = ingest_source(source.folder, "generic", "own", ingest)
    assert [(no.utterance_id, no.reason) for no in report.rejected] == [("a", "id_taken")]
    assert footprint(ingest.data) == before


def test_an_id_of_another_corpus_is_refused(source: SourceFolder, tolerant: Ingest) -> None:
    ingest_source(three(source).write(), "generic", "one", tolerant)
    report = ingest_source(source.folder, "generic", "two", tolerant)
    assert {no.reason for no in report.rejected} == {"id_of_another_corpus"}
    assert report.total == 0


def test_a_mostly_bad_source_changes_nothing(source: SourceFolder, ingest: Ingest) -> None:
    ingest_source(three(source).write(), "generic", "own", ingest)
    before = footprint(ingest.data)
    for row in source.rows[:2]:
        (source.folder / row["audio"]).write_bytes(b"")
    with pytest.raises(DataError, match="2 of 3 rejected: empty_file 2") as caught:
        ingest_source(source.folder, "generic", "own", ingest)
    assert caught.value.details[0].startswith("row 2 a: empty_file")
    assert footprint(ingest.data) == before


def test_a_withdrawal_takes_the_recordings_out(
    source: SourceFolder, tolerant: Ingest, tmp_path: Path
) -> None:
    ingest_source(three(source).write(), "generic", "own", tolerant)
    source.consents = {"c1": CONSENT.model_copy(update={"withdrawn": tolerant.today})}
    report = ingest_source(source.write(), "generic", "own", tolerant)
    assert set(report.removed) == {"a", "b", "c"}
    assert {no.reason for no in report.rejected} == {"invalid_consent"}
    assert not list((tolerant.data / "own").rglob("*.wav"))
    source.consents = {"c1": CONSENT}
    with pytest.raises(DataError, match="withdrawn on"):
        ingest_source(source.write(), "generic", "own", tolerant)


def test_an_expired_consent_takes_the_recordings_out(source: SourceFolder, tolerant: Ingest) -> None:
    source.consents = {"c1": CONSENT.model_copy(update={"expires": tolerant.today})}
    ingest_source(three(source).write(), "generic", "own", tolerant)
    tomorrow = replace(tolerant, today=tolerant.today + datetime.timedelta(days=1))
    assert ingest_source(source.folder, "generic", "own", tomorrow).total == 0


def test_damage_is_healed_by_the_source_or_named(
    source: SourceFolder, ingest: Ingest, tmp_path: Path
) -> None:
    folder = three(source).write()
    ingest_source(folder, "generic", "own", ingest)
    stored = ingest.data / "own" / "wav" / "s1" / "a.wav"
    content = bytearray(stored.read_bytes())
    content[100] ^= 1
    stored.write_bytes(content)
    without = replace(read_source(folder, "generic"), rows=read_source(folder, "generic").rows[1:])
    with pytest.raises(DataError, match="1 missing or altered: a"):
        ingest.take(without, "own")
    assert ingest_source(folder, "generic", "own", ingest).added == 1
    assert stored.read_bytes() == (folder / "wavs" / "a.wav").read_bytes()


def test_timings_follow_their_recordings(source: SourceFolder, ingest: Ingest) -> None:
    read = read_source(three(source).write(), "generic")
    phones = {
        name: (PhonemeTiming(utterance_id=name, symbol="ㅏ", start_s=0.0, end_s=0.5),) for name in "abx"
    }
    ingest.take(replace(read, timings=phones), "own")
    assert set(Corpus(ingest.data / "own").timings) == {"a", "b"}
    ingest.take(replace(read, rows=read.rows[1:], timings=phones), "own", replace=True)
    assert set(Corpus(ingest.data / "own").timings) == {"b"}


def test_a_killed_swap_is_finished(source: SourceFolder, ingest: Ingest) -> None:
    folder = three(source).write()
    ingest_source(folder, "generic", "own", ingest)
    before = tree_md5(ingest.data, ["own"])
    (ingest.data / "own").rename(ingest.data / ".own.old")  # killed between the two renames
    shutil.copytree(ingest.data / ".own.old", ingest.data / ".own.abc.tmp")
    assert ingest_source(folder, "generic", "own", ingest).added == 0
    assert [path.name for path in ingest.data.iterdir()] == ["own"]
    assert tree_md5(ingest.data, ["own"]) == before


def test_a_full_disk_leaves_the_corpus_as_it_was(
    source: SourceFolder, ingest: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    ingest_source(three(source).write(), "generic", "own", ingest)
    before = footprint(ingest.data / "own")
    source.add("d")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="No space left"):
        ingest_source(source.write(), "generic", "own", ingest)
    monkeypatch.undo()
    assert footprint(ingest.data / "own") == before
    assert [path.name for path in ingest.data.iterdir()] == ["own"]


@pytest.mark.parametrize("corpus", ["../out", ".hidden", "a/b", ""])
def test_a_corpus_stays_below_data(corpus: str, source: SourceFolder, ingest: Ingest) -> None:
    with pytest.raises(DataError, match="--corpus"):
        ingest_source(three(source).write(), "generic", corpus, ingest)
    assert not ingest.data.exists()


def test_an_unknown_format_is_named(source: SourceFolder, ingest: Ingest) -> None:
    with pytest.raises(ConfigError, match="one of aihub, aishell3, generic, jvs, kss"):
        ingest_source(source.write(), "mp3s", "own", ingest)
