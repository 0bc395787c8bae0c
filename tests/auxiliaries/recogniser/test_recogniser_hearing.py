"""Gain, rate and silence around the speech are not heard; augmentation does what it says."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import resample_poly

from components.auxiliaries.recogniser.augmentation import Augmenter, blurred
from components.auxiliaries.recogniser.hearing import (
    is_silent,
    listen,
    normalise,
    pitch_features,
    pitch_track,
)
from components.auxiliaries.recogniser.params import Section
from components.espeak import Voice, synthesise
from components.features.mel import MelAnalysis, band_centres, filterbank

LOG_FLOOR = 1.0e-5


@pytest.fixture(scope="module")
def speech() -> np.ndarray:
    said = synthesise("this is a rather ordinary sentence", "en", Voice("f2"), 165)
    return said.samples.astype(np.float32) / 32768


@pytest.fixture
def analysis(section: Section) -> MelAnalysis:
    return MelAnalysis.of(section.architecture.hearing, LOG_FLOOR)


@pytest.mark.parametrize("gain", [0.05, 0.5, 3.0])
def test_gain_and_trailing_silence_are_not_heard(
    section: Section, analysis: MelAnalysis, speech: np.ndarray, gain: float
) -> None:
    hearing = section.architecture.hearing
    plain = normalise(listen(speech, 22050, analysis), hearing)
    tail = np.zeros(22050, np.float32)
    other = normalise(listen(np.concatenate([gain * speech, tail]), 22050, analysis), hearing)
    inner = plain.shape[0] - 3  # frames whose window does not reach into the tail
    loud = plain[:inner] > plain.max() - 4.0
    np.testing.assert_allclose(other[:inner][loud], plain[:inner][loud], atol=0.05)


@pytest.mark.parametrize(("up", "down", "rate"), [(320, 441, 16000), (2, 1, 44100), (160, 147, 24000)])
def test_any_rate_is_heard_alike(
    section: Section, analysis: MelAnalysis, speech: np.ndarray, up: int, down: int, rate: int
) -> None:
    hearing = section.architecture.hearing
    plain = normalise(listen(speech, 22050, analysis), hearing)
    other = normalise(listen(resample_poly(speech, up, down).astype(np.float32), rate, analysis), hearing)
    assert abs(len(plain) - len(other)) <= 1
    frames = min(len(plain), len(other))
    below = band_centres(analysis) < 7000  # above it a 16 kHz recording fades out
    difference = np.abs(plain[:frames, below] - other[:frames, below])
    assert np.mean(difference) < 0.15


@given(st.integers(0, 600), st.sampled_from([8000, 22050, 48000]))
@settings(max_examples=20, deadline=None)
def test_clips_of_any_length_are_frames(count: int, rate: int) -> None:
    analysis = MelAnalysis(22050, 1024, 220, 662, 80, 0.0, 8000.0, LOG_FLOOR)
    mel = listen(np.zeros(count, np.float32), rate, analysis)
    assert mel.shape[0] >= 1
    assert is_silent(mel, LOG_FLOOR)


def test_pitch_has_the_frames_of_the_mel_and_no_voice_has_none(
    section: Section, analysis: MelAnalysis, speech: np.ndarray
) -> None:
    hearing = section.architecture.hearing
    for rate in (22050, 16000):
        track = pitch_track(speech, rate, hearing, analysis)
        assert len(track) == len(listen(speech, rate, analysis))
        assert np.median(track[track > 0]) > 120
        assert (track > 0).mean() > 0.3
    for nothing in (np.zeros(9000, np.float32), np.zeros(0, np.float32), np.full(7, np.nan, np.float32)):
        assert not pitch_track(nothing, 22050, hearing, analysis).any()


@given(st.floats(60, 300), st.floats(0.05, 0.3))
@settings(max_examples=20, deadline=None)
def test_neither_height_nor_liveliness_of_a_voice_is_heard(height: float, range_nepers: float) -> None:
    melody = np.sin(np.arange(80) / 7.0)
    track = np.exp(np.log(height) + range_nepers * melody).astype(np.float32)
    track[::9] = 0.0
    plain = np.exp(np.log(120.0) + 0.1 * melody).astype(np.float32)
    plain[::9] = 0.0
    np.testing.assert_allclose(pitch_features(track), pitch_features(plain), atol=2e-3)
    assert not pitch_features(np.zeros(5, np.float32)).any()
    still = pitch_features(np.full(5, 100.0, np.float32))
    np.testing.assert_allclose(still, [[0.0, 1.0]] * 5, atol=1e-4)


def test_nan_is_silence_and_sound_is_not(analysis: MelAnalysis, speech: np.ndarray) -> None:
    assert is_silent(listen(np.full(4000, np.nan, np.float32), 22050, analysis), LOG_FLOOR)
    assert not is_silent(listen(speech, 22050, analysis), LOG_FLOOR)


def test_bands_have_their_peaks_at_their_centres(analysis: MelAnalysis) -> None:
    bins = np.linspace(0, analysis.sample_rate / 2, analysis.n_fft // 2 + 1)
    peaks = bins[filterbank(analysis).argmax(axis=1)]
    assert np.abs(peaks - band_centres(analysis)).max() <= bins[1]


def test_a_warp_moves_a_band_by_its_factor(section: Section, analysis: MelAnalysis) -> None:
    augmenter = Augmenter(section.training.augmentation, analysis)
    torch.testing.assert_close(augmenter.warp(1.0), torch.eye(analysis.n_mels))
    centres = band_centres(analysis)
    peak = 30
    mel = torch.zeros(1, analysis.n_mels)
    mel[0, peak] = 1.0
    for factor in (0.8, 1.25):
        moved = int((mel @ augmenter.warp(factor).T).argmax())
        assert centres[moved] == pytest.approx(factor * centres[peak], rel=0.06)


def test_augmentation_is_the_generators_and_leaves_its_input(section: Section, analysis: MelAnalysis) -> None:
    augmenter = Augmenter(section.training.augmentation, analysis)
    mel = torch.randn(120, analysis.n_mels)
    kept = mel.clone()
    results = []
    for seed in (5, 5, 6):
        torch.manual_seed(seed)
        results.append(augmenter.masked(augmenter(mel)))
    assert torch.equal(mel, kept)
    assert torch.equal(results[0], results[1])
    assert not torch.equal(results[0], results[2])
    assert all(bool(one.isfinite().all()) and one.shape == mel.shape for one in results)


def test_blur_of_nothing_is_nothing_and_keeps_a_constant() -> None:
    mel = torch.randn(9, 6)
    torch.testing.assert_close(blurred(mel, 0, 0), mel)
    torch.testing.assert_close(blurred(torch.full((9, 6), 2.5), 2, 1), torch.full((9, 6), 2.5))
