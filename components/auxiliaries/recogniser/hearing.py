"""Samples of any rate → normalised log-mel frames: what the network gets, in training and in judging."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from components.auxiliaries.recogniser.params import Hearing
from components.features.mel import MelAnalysis, log_mel, magnitudes

Floats = NDArray[np.float32]


def mel_analysis(hearing: Hearing, log_floor: float) -> MelAnalysis:
    """The recogniser's own analysis, whatever a judged model's is."""
    return MelAnalysis(
        sample_rate=hearing.sample_rate_hz,
        n_fft=hearing.n_fft,
        hop_length=hearing.hop_length,
        win_length=hearing.win_length,
        n_mels=hearing.n_mels,
        fmin=hearing.fmin_hz,
        fmax=hearing.fmax_hz,
        log_floor=log_floor,
    )


def listen(samples: Floats, sample_rate: int, analysis: MelAnalysis) -> Floats:
    """Log-mel frames of a clip.

    Args:
        samples: [N] mono in [-1, 1]; a clip below half an analysis window is filled up with silence.
        sample_rate: Hz, any.

    Returns:
        [T, n_mels] natural log, not normalised; silence is ``log(log_floor)`` throughout.
    """
    signal = np.nan_to_num(samples.astype(np.float32, copy=False))
    if sample_rate != analysis.sample_rate and len(signal):
        import soxr

        signal = soxr.resample(signal, sample_rate, analysis.sample_rate, quality="HQ")
    shortest = analysis.n_fft // 2 + 1
    if len(signal) < shortest:
        signal = np.pad(signal, (0, shortest - len(signal)))
    return log_mel(magnitudes(signal, analysis), analysis)


def normalise(mel: Floats, hearing: Hearing) -> Floats:
    """Loudness and channel taken out, so that neither gain nor a steady equaliser is heard.

    Values far below the loudest one are lifted to a common floor, and each band loses its mean over the
    frames that hold speech (not over all: trailing silence would shift it).

    Args:
        mel: [T, n_mels] natural log.

    Returns:
        [T, n_mels].
    """
    loudest = mel.max()
    lifted = np.maximum(mel, loudest - hearing.range_nepers)
    speech = lifted.max(axis=1) >= loudest - hearing.speech_nepers
    normal: Floats = (lifted - lifted[speech].mean(axis=0)).astype(np.float32)
    return normal


def is_silent(mel: Floats, log_floor: float) -> bool:
    """Whether nothing at all sounds in frames of `listen`."""
    return bool(mel.max() <= np.log(np.float32(log_floor)) + np.finfo(np.float32).eps)
