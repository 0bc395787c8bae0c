"""Loading through the catalogue, and audio that says what it is."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from components import catalogue, inference
from components.core.errors import ConfigError, DataError
from components.core.storage import sha256_path
from components.inference import MediaLabel, to_wav
from components.nn.contracts import Auxiliaries, Speech

LABEL = MediaLabel("fastpitch", "3", "ab" * 32, "espeak_한글", "synthetic-한글", "ko")
SPEECH = Speech(np.linspace(-0.5, 0.5, 2205, dtype=np.float32), 22050)


def test_the_wav_and_its_sidecar_carry_the_label(tmp_path: Path) -> None:
    path = tmp_path / "가나다 ko_0001.wav"
    sidecar = to_wav(path, SPEECH, LABEL)
    samples, rate = soundfile.read(path, dtype="float32")
    assert rate == 22050
    np.testing.assert_allclose(samples, SPEECH.samples, atol=1e-4)
    with soundfile.SoundFile(path) as file:
        inside = json.loads(file.comment)
    beside = json.loads(sidecar.read_text(encoding="utf-8"))
    assert inside["digital_source_type"].endswith("trainedAlgorithmicMedia")
    assert (inside["speaker"], inside["consent"]) == ("espeak_한글", "synthetic-한글")
    assert beside == {**inside, "file": path.name, "sha256": sha256_path(path)}
    assert b"LIST" in path.read_bytes()


def test_a_label_with_a_gap_is_refused() -> None:
    with pytest.raises(DataError, match="no consent"):
        MediaLabel("fastpitch", "3", "ab" * 32, "a", " ", "ko")


@pytest.mark.parametrize("samples", [[], [0.0, np.nan], [np.inf]])
def test_unusable_samples_leave_the_old_file(tmp_path: Path, samples: list[float]) -> None:
    path = tmp_path / "a.wav"
    to_wav(path, SPEECH, LABEL)
    before = path.read_bytes()
    with pytest.raises(DataError, match="nothing was written"):
        to_wav(path, Speech(np.array(samples, dtype=np.float32), 22050), LABEL)
    assert path.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.wav", "a.wav.json"]


def test_loading_refuses_what_is_not_delivered(tmp_path: Path) -> None:
    params = catalogue.load(Path(__file__).resolve().parents[2], "ci")
    section, serving = params.models["fastpitch"], Auxiliaries(tmp_path, params.auxiliaries)
    with pytest.raises(DataError, match="no weights"):
        inference.load("fastpitch", section, tmp_path, serving, torch.device("cpu"))
    with pytest.raises(ConfigError, match="rvc"):
        inference.load("rvc", section, tmp_path, serving, torch.device("cpu"))
