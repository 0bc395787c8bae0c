"""Whatever recordings there are → a source folder: any format, cut at pauses, every refusal named."""

from __future__ import annotations

import datetime
import io
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray
from paused_speech import speech

from components import catalogue
from components.core.errors import DataError
from components.core.params.data import DataParams
from components.core.paths import project_root
from components.core.progress import Progress
from components.data.consent import ConsentRecord
from components.data.readers import read_source
from components.stages.speaker_source import Person, Prepared, prepare, recordings

CONSENT = ConsentRecord(
    consent_id="minji-1",
    speaker_id="minji",
    basis="document",
    document_sha256="a" * 64,
    scope=("train", "clone"),
    signed=datetime.date(2026, 1, 15),
    expires=None,
    withdrawn=None,
)
PERSON = Person("minji", "ko", "agreement", CONSENT)


@pytest.fixture(scope="module")
def params() -> DataParams:
    return catalogue.load(project_root(), "ci").data


@pytest.fixture
def made(params: DataParams, tmp_path: Path) -> Callable[..., Prepared]:
    def run(audio: Path, needed_hz: float = 16000.0) -> Prepared:
        target = tmp_path / f"source{len(list(tmp_path.glob('source*')))}"
        quiet = Progress("test", stream=io.StringIO())
        return prepare(recordings(audio), PERSON, params, needed_hz, target, quiet)

    return run


def encoded(path: Path, samples: NDArray[np.float32], rate: int) -> Path:
    """What a telephone records: AAC in an MP4 container."""
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=rate, layout="mono")
        frame = av.AudioFrame.from_ndarray(samples[None], format="fltp", layout="mono")
        frame.rate = rate
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(
    ("name", "rate", "channels"),
    [
        ("a.wav", 44100, 2),
        ("a.flac", 96000, 1),
        ("a.ogg", 48000, 1),
        ("a.mp3", 44100, 1),
        ("a.m4a", 48000, 1),
    ],
)
def test_any_format_rate_and_channels(
    made: Callable[..., Prepared], params: DataParams, tmp_path: Path, name: str, rate: int, channels: int
) -> None:
    folder = tmp_path / "녹음"
    folder.mkdir()
    samples = speech(13.0, rate)
    if name.endswith("m4a"):
        encoded(folder / name, samples, rate)
    else:
        soundfile.write(folder / name, np.tile(samples[:, None], (1, channels)), rate)
    found = made(folder)
    assert found.left_out == ()
    assert len(found.rows) == 5, "five stretches between pauses"
    assert found.seconds == pytest.approx(5 * 2.2, rel=0.1)
    assert found.given_s == pytest.approx(13.0, abs=0.1)
    source = read_source(tmp_path / "source0", "speaker")
    assert (source.name, source.transcribed, len(source.rows)) == ("speaker minji", False, 5)
    rates = {soundfile.info(source.folder / row.audio).samplerate for row in source.rows}
    assert rates == {min(rate, 48000)}, "its own rate, or the highest below it that the corpus may hold"


def test_the_same_sound_has_the_same_ids_and_stands_once(
    made: Callable[..., Prepared], tmp_path: Path
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    samples = (32767 * speech(8.0, 16000)).astype(np.int16)  # the two formats round floats differently
    soundfile.write(folder / "a.wav", samples, 16000)
    soundfile.write(folder / "b.flac", samples, 16000)
    (folder / "c.wav").write_bytes((folder / "a.wav").read_bytes())
    found = made(folder)
    assert len(found.rows) == len({row.utterance_id for row in found.rows}) == 3
    assert [reason.split(":")[0] for reason in found.left_out] == ["b.flac", "c.wav"]
    assert all("the same sound as a.wav" in reason for reason in found.left_out)
    assert len(list((tmp_path / "source0" / "wav").iterdir())) == 3
    assert made(folder / "b.flac").rows == found.rows


def test_what_cannot_be_used_is_named_and_the_rest_is_kept(
    made: Callable[..., Prepared], tmp_path: Path
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    rate = 16000
    soundfile.write(folder / "good.wav", speech(5.0, rate), rate)
    soundfile.write(folder / "loud.wav", np.clip(8 * speech(5.0, rate, 150.0), -1, 1), rate)
    soundfile.write(folder / "low.wav", speech(5.0, 8000), 8000)
    soundfile.write(folder / "nan.wav", np.full(rate, np.nan), rate, subtype="FLOAT")
    soundfile.write(folder / "quiet.wav", 0.001 * speech(5.0, rate, 140.0), rate)
    soundfile.write(folder / "short.wav", speech(0.5, rate), rate)
    soundfile.write(folder / "silent.wav", np.zeros(3 * rate), rate)
    (folder / "notes.txt").write_text("no audio")
    (folder / ".hidden.wav").write_text("not looked at")
    found = made(folder)
    assert {row.utterance_id.rpartition("_")[0] for row in found.rows} == {found.rows[0].utterance_id[:-5]}
    told = {reason.split(":")[0]: reason for reason in found.left_out}
    assert set(told) == {
        "loud.wav", "low.wav", "nan.wav", "notes.txt", "quiet.wav", "short.wav", "silent.wav",
    }  # fmt: skip
    assert "clipped" in told["loud.wav"]
    assert "at least 16000 Hz" in told["low.wav"]
    assert "NaN" in told["nan.wav"]
    assert "almost silent" in told["quiet.wav"]
    assert not list((tmp_path / "source0" / "wav").glob("*.part.wav"))


def test_part_of_a_recording_may_be_too_loud(made: Callable[..., Prepared], tmp_path: Path) -> None:
    samples = speech(13.0, 16000)
    samples[: 2 * 16000] = np.clip(9 * samples[: 2 * 16000], -1, 1)
    soundfile.write(tmp_path / "a.wav", samples, 16000)
    found = made(tmp_path / "a.wav")
    assert len(found.rows) == 4
    assert found.left_out[0].startswith("a.wav: 1 of 5 clips left out: recorded too loud")


def test_nothing_there_is_told(tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "missing"):
        with pytest.raises(DataError, match="expected a recording, or a folder of recordings"):
            recordings(place)
