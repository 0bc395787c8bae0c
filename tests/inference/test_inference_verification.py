"""What `verify-media` says of media that were kept, relabelled, edited, or never labelled."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from components.core.errors import DataError
from components.data.video.mp4 import writing
from components.inference import MediaLabel, to_wav
from components.inference.label import write_sidecar
from components.inference.media_content import content_sha256, packets_sha256
from components.inference.verification import verify
from components.nn.contracts import Speech

LABEL = MediaLabel(
    "fastpitch", "3", "ab" * 32, "espeak_한글", "synthetic-한글", "ko", "2026-11-28T09:00:00+00:00"
)


@pytest.fixture
def wav(tmp_path: Path) -> Path:
    path = tmp_path / "가 a.wav"
    to_wav(path, Speech(np.linspace(-0.5, 0.5, 2205, dtype=np.float32), 22050), LABEL)
    return path


def rewritten(path: Path, *, louder: int = 0, comment: bool = True) -> None:
    """As an editor saves it: samples decoded and coded again, the comment kept or not."""
    samples, rate = soundfile.read(path, dtype="int16")
    with soundfile.SoundFile(path) as file:
        said = file.comment
    samples[100] += louder
    with soundfile.SoundFile(path, "w", samplerate=rate, channels=1, subtype="PCM_16", format="WAV") as file:
        if comment:
            file.comment = said
        file.write(samples)


def test_a_wav_is_unchanged_with_and_without_its_sidecar(wav: Path, tmp_path: Path) -> None:
    found = verify(wav)
    assert (found.finding, found.holds) == ("unchanged", True)
    assert found.label["synthetic"] is True
    assert found.label["created"].startswith("2026-11-28")
    assert "합성 매체" in "\n".join(found.lines())
    alone = shutil.copy(wav, tmp_path / "sent.wav")
    assert verify(Path(alone)).finding == "unchanged"


def test_one_changed_sample_is_told_also_without_the_sidecar(wav: Path, tmp_path: Path) -> None:
    rewritten(wav, louder=1)
    assert verify(wav).finding == "edited"
    alone = Path(shutil.copy(wav, tmp_path / "sent.wav"))
    found = verify(alone)
    assert (found.finding, found.holds) == ("edited", False)
    assert "편집" in "\n".join(found.lines())


def test_metadata_alone_is_no_edit(wav: Path) -> None:
    rewritten(wav)
    assert verify(wav).finding == "relabelled"
    rewritten(wav, comment=False)
    found = verify(wav)
    assert (found.finding, found.holds) == ("relabelled", True)
    assert "the label in the file is gone" in found.details[0]


def test_two_stories_are_told_apart(wav: Path) -> None:
    sidecar = wav.with_name(wav.name + ".json")
    told = json.loads(sidecar.read_text("utf-8"))
    sidecar.write_text(json.dumps({**told, "speaker": "somebody"}), encoding="utf-8")
    found = verify(wav)
    assert found.finding == "contradictory"
    assert found.details == ("speaker: 'espeak_한글' in the file, 'somebody' beside it",)


def test_what_nobody_labelled_and_what_is_no_media(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(100), 8000)
    found = verify(tmp_path / "a.wav")
    assert (found.finding, found.holds, found.label) == ("unlabelled", False, {})
    (tmp_path / "b.wav").write_text("no sound", encoding="utf-8")
    for name in ("b.wav", "none.wav"):
        with pytest.raises(DataError, match="media file"):
            verify(tmp_path / name)


def test_an_mp4_needs_its_sidecar_and_survives_a_new_container(tmp_path: Path) -> None:
    path = tmp_path / "v.mp4"
    with writing(path, 25, 16000, LABEL.container(), 30) as writer:
        for shade in range(4):
            writer.write(np.full((32, 32, 3), 40 * shade, np.uint8), np.full(640, 0.1, np.float32))
    assert verify(path).finding == "unverifiable"
    write_sidecar(path, LABEL, packets_sha256(path))
    assert verify(path).finding == "unchanged"
    with av.open(str(path)) as read, av.open(str(tmp_path / "w.mp4"), "w") as written:
        streams = {one.index: written.add_stream_from_template(one) for one in read.streams}
        for packet in read.demux():
            if packet.dts is not None:
                packet.stream = streams[packet.stream.index]
                written.mux(packet)
    shutil.move(tmp_path / "w.mp4", path)
    assert verify(path).finding == "relabelled"
    with writing(path, 25, 16000, LABEL.container(), 30) as writer:
        writer.write(np.full((32, 32, 3), 200, np.uint8), np.zeros(640, np.float32))
    assert verify(path).finding == "edited"


@given(place=st.integers(0, 2204), by=st.integers(1, 200))
def test_the_content_hash_hears_every_sample(
    tmp_path_factory: pytest.TempPathFactory, place: int, by: int
) -> None:
    path = tmp_path_factory.mktemp("h") / "a.wav"
    samples = np.arange(2205, dtype=np.int16)
    soundfile.write(path, samples, 22050, subtype="PCM_16")
    before = content_sha256(path)
    samples[place] += by
    soundfile.write(path, samples, 22050, subtype="PCM_16")
    assert content_sha256(path) != before
