"""Conversion from file to labelled file: any rate and channels, in blocks, and nothing half-written."""

from __future__ import annotations

import io
import json
import math
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from numpy.typing import NDArray

from components.core.errors import BadInputError, DataError
from components.core.progress import Progress
from components.inference import MediaLabel
from components.inference.convert import Manner, convert, convert_file, mean_log_f0
from components.inference.live import BLOCK_S, Playback
from components.inference.recording import blocks
from components.nn.contracts import Speech

LABEL = MediaLabel("rvc", "7", "w" * 64, "low", "c1", "ko")


class Echo:
    """Gives back what it hears at the same rate, a block late; its pitch is the number of zero crossings."""

    source_rate = sample_rate = 16000
    block_s = 0.25
    speakers = ("low",)
    consents = {"low": "c1"}  # noqa: RUF012
    device, dtype, weights_sha256 = torch.device("cpu"), "float32", "w" * 64

    def __init__(self) -> None:
        self.semitones = math.nan
        self.live = False
        self.longest = 0
        self._late = np.zeros(0, np.float32)

    def begin(self, speaker: str, semitones: float, live: bool) -> Echo:
        self.semitones, self.live = semitones, live
        return self

    def push(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        self.longest = max(self.longest, len(samples))
        ready, self._late = self._late, samples
        return ready

    def finish(self) -> NDArray[np.float32]:
        return self._late

    def log_f0(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        crossings = np.sum(np.diff(np.signbit(samples).astype(int)) > 0)
        hertz = crossings * 16000 / len(samples)
        return np.full(len(samples) // 160, math.log(hertz), np.float32) if hertz else np.zeros(0, np.float32)

    def key(self, speaker: str, mean_log_f0: float | None) -> float:
        return 0.0 if mean_log_f0 is None else 12 * (math.log(100.0) - mean_log_f0) / math.log(2)


def sine(seconds: float, rate: int, hertz: float = 200.0) -> NDArray[np.float32]:
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


@pytest.mark.parametrize(("rate", "channels"), [(8000, 1), (16000, 2), (22050, 1), (48000, 2)])
def test_any_rate_and_channels(tmp_path: Path, rate: int, channels: int) -> None:
    path = tmp_path / "in.wav"
    soundfile.write(path, np.tile(sine(1.3, rate)[:, None], (1, channels)), rate, subtype="FLOAT")
    heard = np.concatenate(list(blocks(path, 16000, 0.2)))
    assert len(heard) == pytest.approx(1.3 * 16000, abs=2)
    expected = sine(1.3, 16000)[: len(heard)]
    middle = slice(1000, -1000)
    np.testing.assert_allclose(heard[: len(expected)][middle], expected[middle], atol=2e-3)


def test_a_file_is_converted_in_blocks_and_labelled(tmp_path: Path) -> None:
    source, out, converter = tmp_path / "in.flac", tmp_path / "out.wav", Echo()
    soundfile.write(source, sine(3.0, 16000), 16000)
    sidecar = convert_file(converter, source, "low", out, LABEL)
    made, rate = soundfile.read(out, dtype="float32")
    assert rate == 16000
    np.testing.assert_allclose(made, sine(3.0, 16000), atol=1e-4)
    assert converter.longest <= 4000, "a block at a time"
    assert converter.semitones == pytest.approx(-12.0, abs=0.3), "from 200 Hz to 100"
    told = json.loads(sidecar.read_text())
    assert told["consent"] == "c1"
    assert told["digital_source_type"].endswith("trainedAlgorithmicMedia")
    with soundfile.SoundFile(out) as file:
        assert json.loads(file.comment)["speaker"] == "low"


def test_in_memory_it_is_the_same(tmp_path: Path) -> None:
    made = convert(Echo(), Speech(sine(1.0, 48000), 48000), "low")
    assert made.duration_s == pytest.approx(1.0)
    assert convert(Echo(), Speech(np.zeros(0, np.float32), 48000), "low").duration_s == 0


def test_silence_has_no_key(tmp_path: Path) -> None:
    path = tmp_path / "in.wav"
    soundfile.write(path, np.zeros(9000), 16000)
    assert mean_log_f0(Echo(), path) is None


@pytest.mark.parametrize("kind", ["text", "missing", "empty", "nan"])
def test_a_source_that_cannot_be_used_leaves_nothing(tmp_path: Path, kind: str) -> None:
    source, out = tmp_path / "in.wav", tmp_path / "out.wav"
    if kind == "text":
        source.write_text("no audio")
    elif kind != "missing":
        samples = np.full(16000, np.nan) if kind == "nan" else np.zeros(0)
        soundfile.write(source, samples, 16000, subtype="FLOAT")
    with pytest.raises(DataError, match=r"in\.wav"):
        convert_file(Echo(), source, "low", out, LABEL)
    assert not out.exists()
    assert not list(tmp_path.glob(".out*"))


def test_a_stream_gets_its_key_from_its_caller(tmp_path: Path) -> None:
    source, converter = tmp_path / "in.wav", Echo()
    soundfile.write(source, sine(1.0, 16000), 16000)

    def semitones(manner: Manner) -> float:
        convert_file(converter, source, "low", tmp_path / "out.wav", LABEL, manner)
        return converter.semitones

    playback = Playback(16000, 16000)
    assert semitones(Manner(playback=playback)) == 0.0, "it cannot hear the end before the beginning"
    assert converter.live
    assert converter.longest <= BLOCK_S * 16000 + 1
    assert semitones(Manner(playback=playback, source_hz=200.0)) == pytest.approx(-12.0)
    assert semitones(Manner(source_hz=50.0)) == pytest.approx(12.0), "what is told is not looked for"
    assert not converter.live
    for hertz in (0.0, -1.0, math.nan, math.inf):
        with pytest.raises(BadInputError, match="source-hz"):
            semitones(Manner(source_hz=hertz))


class Slow:
    """Gives a chunk of 0.1 s back when the next 0.05 s are there; each takes a known time on a fake clock."""

    def __init__(self, clock: list[float], cost_s: float) -> None:
        self._clock, self._cost_s = clock, cost_s
        self._heard = self._made = 0

    def push(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        self._heard += len(samples)
        if self._heard < self._made + 2400:
            return np.zeros(0, np.float32)
        self._made += 1600
        self._clock[0] += self._cost_s
        return np.zeros(1600, np.float32)

    def finish(self) -> NDArray[np.float32]:
        return np.zeros(0, np.float32)


@pytest.mark.parametrize(("cost_s", "keeps_up"), [(0.03, True), (0.12, False)])
def test_the_delay_is_waiting_and_computing(
    monkeypatch: pytest.MonkeyPatch, cost_s: float, keeps_up: bool
) -> None:
    clock = [0.0]
    monkeypatch.setattr("components.inference.live.time.perf_counter", lambda: clock[0])
    conversion, playback = Slow(clock, cost_s), Playback(16000, 16000)
    assert playback.delays() is None
    for _ in range(200):
        playback.push(conversion, np.zeros(160, np.float32))
    found = playback.delays()
    assert found is not None
    assert found.chunks == 19
    assert found.real_time_factor == pytest.approx(19 * cost_s / 2.0)
    assert found.keeps_up is keeps_up
    if keeps_up:
        assert found.p50_ms == pytest.approx(150 + 30)
        assert found.max_ms == pytest.approx(150 + 30)
    else:
        assert found.max_ms == pytest.approx(150 + 120 + 18 * 20), "each chunk is 20 ms later than the last"


def test_progress_goes_over_the_seconds_of_the_recording_twice(tmp_path: Path) -> None:
    source, told = tmp_path / "in.wav", io.StringIO()
    soundfile.write(source, sine(2.0, 8000), 8000)
    progress = Progress("convert", stream=told)
    convert_file(Echo(), source, "low", tmp_path / "out.wav", LABEL, Manner(progress=progress))
    ends = [line for line in told.getvalue().splitlines() if "100%" in line]
    assert [line.rpartition("left")[2].strip() for line in ends] == [
        "finding the key, 0:02",
        "in the voice of low, 0:02",
    ]
