"""Conversion from file to labelled file: any rate and channels, in blocks, and nothing half-written."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from numpy.typing import NDArray

from components.core.errors import DataError
from components.inference import MediaLabel
from components.inference.convert import convert, convert_file, mean_log_f0
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
        self.longest = 0
        self._late = np.zeros(0, np.float32)

    def begin(self, speaker: str, semitones: float, live: bool) -> Echo:
        assert not live
        self.semitones = semitones
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
