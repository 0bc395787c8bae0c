"""Every way a row can be bad has a name, and every row is counted."""

from __future__ import annotations

import datetime
import io
import os
import struct
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from hypothesis import given, settings
from hypothesis import strategies as st
from source_folder import CONSENT, SourceFolder, tone

from components.core.params.data import DataParams
from components.core.progress import Progress
from components.core.utterance import PhonemeTiming
from components.data.acceptance import Acceptance, Standing, Verdict
from components.data.readers import read_source
from components.data.source import RawRow, Source

TODAY = datetime.date(2026, 6, 1)


def judged(source: Source, params: DataParams, **standing: object) -> Verdict:
    known = Standing(**{"rows": {}, "taken": {}, "consents": source.consents, **standing})  # type: ignore[arg-type]
    rules = Acceptance(params, seed=1, today=TODAY, scratch=source.folder.parent / "unpacked")
    return rules.judge(source, known, Progress("t", stream=io.StringIO()))


def reasons(folder: SourceFolder, params: DataParams, **standing: object) -> dict[int, str]:
    """Row number → reason of every rejected row, after checking that the counts add up."""
    source = read_source(folder.write(), "generic")
    verdict = judged(source, params, **standing)
    assert len(verdict.accepted) + len(verdict.rejected) == len(folder.rows)
    return {rejection.row: rejection.reason for rejection in verdict.rejected}


def truncate(audio: Path) -> None:
    os.truncate(audio, audio.stat().st_size // 2)


def claim(offset: int, layout: str, value: int) -> Callable[[Path], None]:
    """Overwrite a header field."""

    def write(audio: Path) -> None:
        content = bytearray(audio.read_bytes())
        struct.pack_into(layout, content, offset, value)
        audio.write_bytes(content)

    return write


def with_nan(audio: Path) -> None:
    samples = np.zeros(16000, dtype=np.float32)
    samples[12345] = np.nan
    sf.write(audio, samples, 16000, format="WAV", subtype="FLOAT")


def stereo(audio: Path) -> None:
    sf.write(audio, np.zeros((16000, 2)), 16000, format="WAV")


def linked_outside(audio: Path) -> None:
    outside = tone(audio.parents[2] / "outside.wav")
    audio.unlink()
    audio.symlink_to(outside)


def linked_to_itself(audio: Path) -> None:
    audio.unlink()
    audio.symlink_to(audio)


def half_a_frame(audio: Path) -> None:
    """A data chunk of an odd number of bytes, padded as RIFF wants it."""
    content = tone(audio).read_bytes()[:-1]
    header = bytearray(content[:44])
    struct.pack_into("<I", header, 40, len(content) - 44)
    audio.write_bytes(bytes(header) + content[44:] + b"\0")


BAD_AUDIO: dict[str, tuple[str, Callable[[Path], object]]] = {
    "gone": ("missing_file", Path.unlink),
    "a folder": ("missing_file", lambda audio: (audio.unlink(), audio.mkdir())),
    "0 bytes": ("empty_file", lambda audio: audio.write_bytes(b"")),
    "text": ("not_audio", lambda audio: audio.write_text("이것은 소리가 아닙니다")),
    "cut in half": ("truncated", truncate),
    "more data declared than there is": ("truncated", claim(40, "<I", 1 << 30)),
    "half a frame": ("truncated", half_a_frame),
    "less data declared than there is": ("lying_header", claim(40, "<I", 100)),
    "another RIFF size": ("lying_header", claim(4, "<I", 99)),
    "another byte rate": ("lying_header", claim(28, "<I", 1)),
    "another rate without its byte rate": ("lying_header", claim(24, "<I", 22050)),
    "0 channels": ("lying_header", claim(22, "<H", 0)),
    "NaN": ("not_finite", with_nan),
    "8 kHz": ("sample_rate", lambda audio: tone(audio, rate=8000)),
    "11 kHz": ("sample_rate", lambda audio: tone(audio, rate=11025)),
    "24 bits": ("unsupported_encoding", lambda audio: tone(audio, subtype="PCM_24")),
    "two channels": ("stereo", stereo),
    "no samples": ("too_short", lambda audio: tone(audio, seconds=0.0)),
    "0.2 s": ("too_short", lambda audio: tone(audio, seconds=0.2)),
    "21 s": ("too_long", lambda audio: tone(audio, seconds=21.0)),
    "a link out of the source": ("path_outside", linked_outside),
    "a link to itself": ("missing_file", linked_to_itself),
}


@pytest.mark.parametrize("fault", BAD_AUDIO)
def test_bad_audio_has_a_name(fault: str, source: SourceFolder, data_params: DataParams) -> None:
    reason, spoil = BAD_AUDIO[fault]
    source.add("good")
    spoil(source.add("bad"))
    assert reasons(source, data_params) == {3: reason}


BAD_CELLS = {
    "no text": ("empty_text", {"text": "  "}),
    "control characters": ("unreadable_text", {"text": "문\x07장"}),
    "unknown language": ("unknown_language", {"language": "kr"}),
    "unknown role": ("unknown_role", {"role": "narrator"}),
    "no licence": ("missing_licence", {"licence": ""}),
    "no id": ("bad_name", {"utterance_id": ""}),
    "id that climbs": ("bad_name", {"utterance_id": "../up"}),
    "hidden id": ("bad_name", {"utterance_id": ".id"}),
    "121 characters": ("bad_name", {"utterance_id": "a" * 121}),
    "Hangul of more than 255 bytes": ("bad_name", {"utterance_id": "가" * 84}),
    "speaker with a slash": ("bad_name", {"speaker_id": "a/b"}),
    "path that climbs": ("path_outside", {"audio": "wavs/../../bad.wav"}),
    "absolute path": ("path_outside", {"audio": "/etc/hostname"}),
    "path too long": ("unreadable_file", {"audio": "가" * 200 + ".wav"}),
    "no path": ("missing_file", {"audio": ""}),
    "no such consent": ("missing_consent", {"consent": "c2"}),
    "consent of another": ("invalid_consent", {"speaker_id": "s2"}),
    "id of another corpus": ("id_of_another_corpus", {"utterance_id": "elsewhere"}),
}


@pytest.mark.parametrize("fault", BAD_CELLS)
def test_bad_cells_have_a_name(fault: str, source: SourceFolder, data_params: DataParams) -> None:
    reason, cells = BAD_CELLS[fault]
    source.add("good")
    bad = {"utterance_id": "bad", "audio": "wavs/good.wav", **cells}
    source.add(make_audio=False, **bad)
    assert reasons(source, data_params, taken={"elsewhere": "other"}) == {3: reason}


@pytest.mark.parametrize(
    "change",
    [
        {"withdrawn": TODAY},
        {"expires": TODAY - datetime.timedelta(days=1)},
        {"signed": TODAY + datetime.timedelta(days=1)},
        {"basis": "document", "document_sha256": "0" * 64, "scope": ("publish",), "signed": TODAY},
    ],
)
def test_a_consent_that_does_not_hold_is_refused(
    change: dict[str, object], source: SourceFolder, data_params: DataParams
) -> None:
    source.add("a")
    source.consents = {"c1": CONSENT.model_copy(update=change)}
    assert reasons(source, data_params) == {2: "invalid_consent"}


def test_a_consent_holds_on_its_last_day(source: SourceFolder, data_params: DataParams) -> None:
    source.add("a")
    source.consents = {"c1": CONSENT.model_copy(update={"expires": TODAY, "signed": TODAY})}
    assert reasons(source, data_params) == {}


def test_doubles_are_named_with_the_other_row(source: SourceFolder, data_params: DataParams) -> None:
    source.add("a")
    source.add("a", audio="wavs/a2.wav")
    source.add("b", text="하나", audio="wavs/one.wav")
    source.add("c", text="둘", audio="wavs/one.wav", make_audio=False)
    source.add("d", text="같은 말")
    source.add("e", text="같은  말", audio="wavs/d.wav", make_audio=False)
    verdict = judged(read_source(source.write(), "generic"), data_params)
    assert [(no.row, no.reason) for no in verdict.rejected] == [
        (3, "duplicate_id"),
        (4, "audio_with_two_texts"),
        (5, "audio_with_two_texts"),
        (7, "duplicate_audio"),
    ]
    assert ["row 2" in verdict.rejected[0].found, "row 5" in verdict.rejected[1].found] == [True, True]


def test_nfc_and_nfd_of_one_id_are_one_id(source: SourceFolder, data_params: DataParams) -> None:
    source.add("한글")
    source.add(unicodedata.normalize("NFD", "한글"), audio="wavs/other.wav")
    assert reasons(source, data_params) == {3: "duplicate_id"}


@pytest.mark.parametrize("listed", ["NFC", "NFD"])
@pytest.mark.parametrize("on_disk", ["NFC", "NFD"])
def test_names_in_either_unicode_form_are_found(
    listed: str, on_disk: str, source: SourceFolder, data_params: DataParams
) -> None:
    name = "wavs/목소리 하나 🎤.wav"
    tone(source.folder / unicodedata.normalize(on_disk, name))
    source.add("가 나 🎤", audio=unicodedata.normalize(listed, name), make_audio=False)
    verdict = judged(read_source(source.write(), "generic"), data_params)
    assert [c.utterance.path for c in verdict.accepted] == ["wav/s1/가 나 🎤.wav"]


def test_untranscribed_recordings_may_lack_text(source: SourceFolder, data_params: DataParams) -> None:
    source.add("it1", language="it", text="")
    source.add("en1", language="en", text="")
    read = read_source(source.write(), "generic")
    assert [no.reason for no in judged(read, data_params).rejected] == ["empty_text"]
    assert judged(replace(read, transcribed=False), data_params).rejected == ()


@pytest.mark.parametrize("times", [(0.3, 0.2), (0.9, 1.0)])
def test_timings_must_fit_the_recording(
    times: tuple[float, float], source: SourceFolder, data_params: DataParams
) -> None:
    source.add("a")
    read = read_source(source.write(), "generic")
    start, end = times
    phone = PhonemeTiming(utterance_id="a", symbol="ㅏ", start_s=start, end_s=end)
    verdict = judged(replace(read, timings={"a": (phone,)}), data_params)
    assert [no.reason for no in verdict.rejected] == ["broken_alignment"]


def test_wav_with_further_chunks_and_extensible_format_is_fine(
    source: SourceFolder, data_params: DataParams
) -> None:
    audio = source.add("a")
    content = bytearray(audio.read_bytes() + b"LIST" + struct.pack("<I", 5) + b"note\0\0")
    struct.pack_into("<I", content, 4, len(content) - 8)
    audio.write_bytes(content)
    extensible = source.add("b")
    sf.write(extensible, np.zeros(16000, dtype=np.int16), 16000, format="WAVEX", subtype="PCM_16")
    assert reasons(source, data_params) == {}


def test_three_hours_cost_no_memory(source: SourceFolder, data_params: DataParams) -> None:
    audio = source.add("long")
    content = bytearray(audio.read_bytes()[:44])
    size = 3 * 3600 * 16000 * 2
    struct.pack_into("<I", content, 4, size + 36)
    struct.pack_into("<I", content, 40, size)
    audio.write_bytes(content)
    os.truncate(audio, size + 44)  # sparse: reading it would show in the suite's time
    assert reasons(source, data_params) == {2: "too_long"}


ROWS = st.lists(
    st.builds(
        RawRow,
        number=st.integers(2, 9),
        utterance_id=st.sampled_from(["a", "b", "", "한", ".x"]) | st.text(max_size=5),
        speaker_id=st.sampled_from(["s1", "s2"]),
        language=st.sampled_from(["ko", "en", "it", "xx"]) | st.text(max_size=3),
        text=st.sampled_from(["말", "다른 말", ""]) | st.text(max_size=5),
        audio=st.sampled_from(["wavs/a.wav", "wavs/b.wav", "wavs/none.wav", "../a.wav"])
        | st.text(max_size=6),
        role=st.sampled_from(["model", "human", ""]),
        licence=st.sampled_from(["CC0-1.0", ""]),
        consent=st.sampled_from(["c1", "c2"]),
        problem=st.sampled_from(["", "", "", "cells"]),
    ),
    max_size=6,
)


@pytest.fixture(scope="module")
def two_tones(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("two")
    tone(folder / "wavs" / "a.wav", hz=200.0)
    tone(folder / "wavs" / "b.wav", hz=300.0)
    return folder


@given(rows=ROWS)
@settings(max_examples=150, deadline=None)
def test_accepted_and_rejected_make_all_rows(
    rows: list[RawRow], two_tones: Path, data_params: DataParams
) -> None:
    verdict = judged(Source("generic", two_tones, tuple(rows), {"c1": CONSENT}), data_params)
    assert len(verdict.accepted) + len(verdict.rejected) == len(rows)
    ids = [candidate.utterance.utterance_id for candidate in verdict.accepted]
    recordings = [candidate.utterance.sha256 for candidate in verdict.accepted]
    assert len(set(ids)) == len(ids)
    assert len(set(recordings)) == len(recordings)
    assert all(rejection.reason and rejection.expected and rejection.found for rejection in verdict.rejected)
