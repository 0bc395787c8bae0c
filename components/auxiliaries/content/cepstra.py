"""Mel-frequency cepstra with deltas, one vector for what each HuBERT feature hears."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.fft import dct, rfft

from components.auxiliaries.content.params import Cepstra
from components.core.errors import DataError
from components.features.mel import MelAnalysis, log_mel, window

Floats = NDArray[np.float32]
#: Cepstra are taken twice as often as features: deltas want the finer course.
_FRAMES_PER_FEATURE = 2
#: Standard deviation below which a coefficient stands still; it is not scaled up.
_STILL = 1e-3


def mel_analysis(cepstra: Cepstra, sample_rate: int, stride: int, log_floor: float) -> MelAnalysis:
    """The mel below the cepstra."""
    return MelAnalysis(
        sample_rate=sample_rate,
        n_fft=cepstra.n_fft,
        hop_length=stride // _FRAMES_PER_FEATURE,
        win_length=cepstra.win_length,
        n_mels=cepstra.n_mels,
        fmin=cepstra.fmin_hz,
        fmax=cepstra.fmax_hz,
        log_floor=log_floor,
    )


def cepstra_of(samples: Floats, cepstra: Cepstra, analysis: MelAnalysis) -> Floats:
    """MFCC, deltas and their deltas.

    Not centred, unlike the models' mel: vector t is of the very samples that feature t hears,
    ``320 t … 320 t + 399``. Differs from Kaldi's MFCC, which the paper uses: no pre-emphasis, dither or
    liftering, a Hann window and magnitudes; deltas by regression over 10 ms frames as there. Where
    recordings lose mean and scale, deltas follow after that and keep their small size: scaled up to the
    others' they take a seventh of the information about sounds from the clusters (docs/log.md).

    Args:
        samples: [N] mono, N at least a window.
        cepstra: how many, and whether each recording loses its mean and scale.
        analysis: see `mel_analysis`.

    Returns:
        [T, 3 · coefficients], T as HuBERT has it.

    Raises:
        DataError: shorter than one window, NaN, infinite, or digital silence.
    """
    if samples.ndim != 1 or len(samples) < analysis.win_length:
        raise _unusable(f"mono of at least {analysis.win_length} samples", f"shape {samples.shape}")
    if not np.all(np.isfinite(samples)) or not np.any(samples):
        raise _unusable("finite sound", "NaN, infinity or digital silence")
    still = dct(_mel(samples, analysis), type=2, norm="ortho", axis=1)[:, : cepstra.coefficients]
    if cepstra.normalise:
        still = (still - still.mean(axis=0)) / np.maximum(still.std(axis=0), _STILL)
    moving = delta(still, cepstra.delta_frames)
    whole = np.concatenate([still, moving, delta(moving, cepstra.delta_frames)], axis=1)
    return np.ascontiguousarray(whole[::_FRAMES_PER_FEATURE], dtype=np.float32)


def delta(values: Floats, reach: int) -> Floats:
    """Slope [T, C] of each course by regression over ``reach`` frames to either side; edges are repeated."""
    padded = np.pad(values, ((reach, reach), (0, 0)), mode="edge")
    offsets = np.arange(-reach, reach + 1)
    slope = sliding_window_view(padded, 2 * reach + 1, axis=0) @ offsets / np.sum(offsets**2)
    return slope.astype(np.float32)


def log_mel_frames(samples: Floats, analysis: MelAnalysis) -> Floats:
    """[T, n_mels] log-mel of what each feature hears; it tells the sound as well as who speaks."""
    return _mel(samples, analysis)[::_FRAMES_PER_FEATURE]


def _mel(samples: Floats, analysis: MelAnalysis) -> Floats:
    """[T, n_mels] natural log of windows that begin on multiples of the hop and lie inside the signal."""
    reach = analysis.win_length
    frames = sliding_window_view(samples.astype(np.float32, copy=False), reach)[:: analysis.hop_length]
    spectrum = rfft(frames * window(reach, reach), n=analysis.n_fft, axis=-1)
    return log_mel(np.abs(spectrum).astype(np.float32), analysis)


def _unusable(expected: str, found: str) -> DataError:
    return DataError(
        who="content", expected=expected, found=found, action="remove the recording or record it again"
    )
