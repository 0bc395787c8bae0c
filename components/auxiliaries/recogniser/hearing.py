"""Samples of any rate → normalised log-mel frames: what the network gets, in training and in judging."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from components.auxiliaries.recogniser.params import Hearing
from components.core.errors import DataError
from components.features.mel import MelAnalysis, log_mel, magnitudes
from components.features.pitch import PitchAnalysis, f0

Floats = NDArray[np.float32]
#: Height of the voice, and whether there is one.
PITCH_FEATURES = 2
#: Standard deviation of ln f0 below which a voice counts as monotonous: its ripple is no melody.
_STILL = 0.02


def listen(samples: Floats, sample_rate: int, analysis: MelAnalysis) -> Floats:
    """Log-mel frames of a clip.

    Args:
        samples: [N] mono in [-1, 1]; a clip below half an analysis window is filled up with silence.
        sample_rate: Hz, any.

    Returns:
        [T, n_mels] natural log, not normalised; silence is ``log(log_floor)`` throughout.
    """
    return log_mel(magnitudes(_signal(samples, sample_rate, analysis), analysis), analysis)


def _signal(samples: Floats, sample_rate: int, analysis: MelAnalysis) -> Floats:
    """At the analysis' rate, finite, and long enough for one window."""
    signal = np.nan_to_num(samples.astype(np.float32, copy=False))
    if sample_rate != analysis.sample_rate and len(signal):
        import soxr

        signal = soxr.resample(signal, sample_rate, analysis.sample_rate, quality="HQ")
    shortest = analysis.n_fft // 2 + 1
    if len(signal) < shortest:
        signal = np.pad(signal, (0, shortest - len(signal)))
    return signal


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


def pitch_track(samples: Floats, sample_rate: int, hearing: Hearing, analysis: MelAnalysis) -> Floats:
    """f0 on the frames of `listen` by Dio and StoneMask; all 0 where nothing is voiced.

    Returns:
        [T] Hz, 0 where unvoiced.
    """
    signal = _signal(samples, sample_rate, analysis)
    finder = PitchAnalysis(method="dio", floor=hearing.f0_floor_hz, ceil=hearing.f0_ceil_hz)
    try:
        return f0(signal, analysis.sample_rate, analysis.hop_length, finder)
    except DataError:  # silence, or nothing voiced in it
        return np.zeros(analysis.frames(len(signal)), dtype=np.float32)


def pitch_features(track: Floats) -> Floats:
    """What the network gets of a pitch track: neither the voice's height nor the liveliness of its melody.

    Args:
        track: [T] Hz, 0 where unvoiced.

    Returns:
        [T, 2]: ln f0 in standard deviations from its mean over voiced frames (0 where unvoiced), and 1 where
        voiced.
    """
    voiced = track > 0
    features = np.zeros((len(track), PITCH_FEATURES), dtype=np.float32)
    if voiced.any():
        height = np.log(track[voiced])
        features[voiced, 0] = (height - height.mean()) / max(float(height.std()), _STILL)
        features[voiced, 1] = 1.0
    return features


def is_silent(mel: Floats, log_floor: float) -> bool:
    """Whether nothing at all sounds in frames of `listen`."""
    return bool(mel.max() <= np.log(np.float32(log_floor)) + np.finfo(np.float32).eps)
