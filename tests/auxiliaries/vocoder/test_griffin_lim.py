"""Copy synthesis: the mel of a recording → audio → nearly the same mel."""

import numpy as np
import pytest
import torch

from components.auxiliaries.vocoder.griffin_lim import GriffinLim
from components.espeak.synthesis import Voice, synthesise
from components.features.mel import MelAnalysis, log_mel, magnitudes

ANALYSIS = MelAnalysis(22050, 1024, 256, 1024, 80, 0.0, 8000.0, 1e-5)
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def mel() -> torch.Tensor:
    """[T, 80] of espeak-ng speaking English."""
    said = synthesise("The quick brown fox jumps over the lazy dog near the river.", "en", Voice(), 165)
    return torch.from_numpy(mel_of(said.samples.astype(np.float32) / 32768))


def mel_of(samples: np.ndarray) -> np.ndarray:
    return log_mel(magnitudes(samples, ANALYSIS), ANALYSIS)


def distance(mel: torch.Tensor, iterations: int, momentum: float) -> float:
    """Mean absolute difference in log amplitude after copy synthesis."""
    samples = GriffinLim(ANALYSIS, iterations, momentum, CPU)(mel).numpy()
    return float(np.abs(mel_of(samples) - mel.numpy()[: 1 + len(samples) // 256]).mean())


def test_copy_synthesis_keeps_the_mel(mel: torch.Tensor) -> None:
    assert distance(mel, 32, 0.99) < 0.35


def test_momentum_and_iterations_bring_it_closer(mel: torch.Tensor) -> None:
    assert distance(mel, 32, 0.99) < distance(mel, 32, 0.0) < distance(mel, 4, 0.0)


def test_the_same_mel_gives_the_same_audio_whatever_was_drawn_before(mel: torch.Tensor) -> None:
    vocoder = GriffinLim(ANALYSIS, 4, 0.99, CPU)
    first = vocoder(mel)
    torch.rand(7)
    assert torch.equal(vocoder(mel), first)


@pytest.mark.parametrize("frames", [1, 2, 3, 40])
def test_length_and_finiteness_down_to_one_frame_of_silence(frames: int) -> None:
    samples = GriffinLim(ANALYSIS, 4, 0.99, CPU)(torch.full((frames, 80), np.log(1e-5)))
    assert samples.shape == ((frames - 1) * 256,)
    assert torch.isfinite(samples).all()
    assert frames == 1 or samples.abs().max() < 1e-2


@pytest.mark.parametrize(("n_fft", "hop", "win"), [(1024, 256, 800), (800, 200, 800), (1024, 320, 1024)])
def test_any_hop_rebuilds_a_tone(n_fft: int, hop: int, win: int) -> None:
    analysis = MelAnalysis(16000, n_fft, hop, win, 80, 0.0, 8000.0, 1e-5)
    tone = (0.3 * np.sin(2 * np.pi * 440 / 16000 * np.arange(8000))).astype(np.float32)
    mel = log_mel(magnitudes(tone, analysis), analysis)
    rebuilt = GriffinLim(analysis, 32, 0.99, CPU)(torch.from_numpy(mel)).numpy()
    spectrum = np.abs(np.fft.rfft(rebuilt[1000:7000]))
    assert abs(np.argmax(spectrum) * 16000 / 6000 - 440) < 25
    assert np.sqrt(np.mean(rebuilt[1000:7000] ** 2)) == pytest.approx(0.3 / np.sqrt(2), rel=0.3)
