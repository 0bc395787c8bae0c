"""The mel must be librosa's, or a vocoder trained elsewhere would not fit."""

from __future__ import annotations

import numpy as np
import pytest
from tone_corpus import tone

from components.core.errors import DataError
from components.features.energy import frame_energy
from components.features.mel import MelAnalysis, filterbank, log_mel, magnitudes, window

FASTPITCH = MelAnalysis(22050, 1024, 256, 1024, 80, 0.0, 8000.0, 1e-5)
RVC = MelAnalysis(32000, 1024, 320, 1024, 80, 0.0, 16000.0, 1e-5)
WAV2LIP = MelAnalysis(16000, 800, 200, 800, 80, 55.0, 7600.0, 1e-5)
SHORT_WINDOW = MelAnalysis(22050, 1024, 128, 600, 40, 20.0, 9000.0, 1e-5)


@pytest.mark.parametrize("analysis", [FASTPITCH, RVC, WAV2LIP, SHORT_WINDOW])
@pytest.mark.parametrize("samples", [9000, 9001, 9216, 700])
def test_equals_librosa(analysis: MelAnalysis, samples: int) -> None:
    librosa = pytest.importorskip("librosa")
    signal = tone(1.0, rate=analysis.sample_rate)[:samples]
    expected = librosa.feature.melspectrogram(
        y=signal.astype(np.float64),
        sr=analysis.sample_rate,
        n_fft=analysis.n_fft,
        hop_length=analysis.hop_length,
        win_length=analysis.win_length,
        pad_mode="reflect",
        power=1.0,
        n_mels=analysis.n_mels,
        fmin=analysis.fmin,
        fmax=analysis.fmax,
    ).T
    ours = log_mel(magnitudes(signal, analysis), analysis)
    assert ours.dtype == np.float32
    assert ours.shape == (analysis.frames(samples), analysis.n_mels)
    np.testing.assert_allclose(ours, np.log(np.maximum(expected, analysis.log_floor)), atol=2e-3)


def test_silence_sits_on_the_floor() -> None:
    mel = log_mel(magnitudes(np.zeros(4000, np.float32), FASTPITCH), FASTPITCH)
    np.testing.assert_allclose(mel, np.log(1e-5), rtol=1e-6)


def test_a_tone_lands_in_its_band() -> None:
    signal = np.sin(2 * np.pi * 1000 * np.arange(22050) / 22050).astype(np.float32)
    mel = log_mel(magnitudes(signal, FASTPITCH), FASTPITCH)
    bins = np.linspace(0, 11025, 513)
    centres = (filterbank(FASTPITCH) * bins).sum(1) / filterbank(FASTPITCH).sum(1)
    assert abs(centres[np.argmax(mel[40])] - 1000) < 40


def test_window_is_periodic_and_centred() -> None:
    short = window(600, 1024)
    assert short[:212].max() == 0
    assert short[212 + 300] == pytest.approx(1.0)
    assert short[212 + 1] == pytest.approx(short[212 + 599])


def test_too_short_for_a_frame_is_named() -> None:
    with pytest.raises(DataError, match="more than 512 samples"):
        magnitudes(np.zeros(512, np.float32), FASTPITCH)


def test_energy_is_the_norm_of_the_frame() -> None:
    magnitude = magnitudes(tone(0.3), FASTPITCH)
    np.testing.assert_allclose(frame_energy(magnitude), np.linalg.norm(magnitude, axis=1), rtol=1e-5)
    louder = frame_energy(magnitudes(2 * tone(0.3), FASTPITCH))
    np.testing.assert_allclose(louder, 2 * frame_energy(magnitude), rtol=1e-4)
