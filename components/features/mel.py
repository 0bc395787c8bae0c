"""The log-mel spectrogram. The one definition of frames, window and filterbank: vocoders invert *this*.

Definition, for a signal of N samples:

- frames are centred: the signal is padded by ``n_fft // 2`` on both sides by reflection, frame t has its
  middle on sample ``t * hop_length``, and there are ``T = 1 + N // hop_length`` of them;
- the window is a periodic Hann window of ``win_length``, zero-padded to ``n_fft`` on both sides alike;
- magnitudes (power 1), not powers;
- the filterbank is Slaney's (Auditory Toolbox, 1998): linear below 1 kHz, logarithmic above, each triangle
  scaled to unit area (2 / bandwidth in Hz);
- ``log(max(mel, log_floor))``, natural logarithm, nothing added.

Equals ``librosa.feature.melspectrogram(power=1, htk=False, norm="slaney", pad_mode="reflect")`` to rounding.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.fft import rfft

from components.core.errors import DataError
from components.core.params import MelSection

FloatArray = NDArray[np.float32]

#: Slaney's scale: 3 mel per 200 Hz up to 1 kHz, from there a factor of 6.4 in 27 mel.
_HZ_PER_MEL = 200.0 / 3.0
_KNEE_HZ = 1000.0
_KNEE_MEL = _KNEE_HZ / _HZ_PER_MEL
_LOG_STEP = np.log(6.4) / 27.0


@dataclass(frozen=True)
class MelAnalysis:
    """Everything a mel frame depends on.

    Attributes:
        sample_rate: Hz.
        n_fft, hop_length, win_length: samples.
        n_mels: bands.
        fmin, fmax: Hz, outer edges of the first and last triangle.
        log_floor: smallest mel amplitude before the logarithm.
    """

    sample_rate: int
    n_fft: int
    hop_length: int
    win_length: int
    n_mels: int
    fmin: float
    fmax: float
    log_floor: float

    @classmethod
    def of(cls, section: MelSection, log_floor: float) -> MelAnalysis:
        """The analysis that a section of params.yaml defines; ``log_floor`` is audio's."""
        return cls(
            sample_rate=section.sample_rate_hz,
            n_fft=section.n_fft,
            hop_length=section.hop_length,
            win_length=section.win_length,
            n_mels=section.n_mels,
            fmin=section.fmin_hz,
            fmax=section.fmax_hz,
            log_floor=log_floor,
        )

    def frames(self, samples: int) -> int:
        """Frames of a signal of that many samples."""
        return 1 + samples // self.hop_length

    @property
    def hop_s(self) -> float:
        """Seconds between frames."""
        return self.hop_length / self.sample_rate


def magnitudes(samples: FloatArray, analysis: MelAnalysis) -> FloatArray:
    """Magnitude spectrogram.

    Args:
        samples: [N] mono in [-1, 1].

    Returns:
        [T, n_fft // 2 + 1].

    Raises:
        DataError: the signal is too short to be padded by reflection.
    """
    half = analysis.n_fft // 2
    if samples.ndim != 1 or len(samples) <= half:
        raise DataError(
            who="audio",
            expected=f"mono of more than {half} samples (half an analysis window)",
            found=f"an array of shape {samples.shape}",
            action="remove the recording or lengthen it",
        )
    padded = np.pad(samples.astype(np.float32, copy=False), half, mode="reflect")
    frames = sliding_window_view(padded, analysis.n_fft)[:: analysis.hop_length]
    spectrum = rfft(frames * window(analysis.win_length, analysis.n_fft), axis=-1)
    magnitude: FloatArray = np.abs(spectrum)
    return magnitude


def log_mel(magnitude: FloatArray, analysis: MelAnalysis) -> FloatArray:
    """Log-mel frames [T, n_mels] of a magnitude spectrogram [T, n_fft // 2 + 1]."""
    mel: FloatArray = np.maximum(magnitude @ filterbank(analysis).T, analysis.log_floor)
    return np.log(mel, out=mel)


@lru_cache(maxsize=8)
def window(win_length: int, n_fft: int) -> FloatArray:
    """Periodic Hann window [n_fft], ``win_length`` long in the middle of zeros."""
    hann = 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(win_length) / win_length)
    left = (n_fft - win_length) // 2
    padded = np.pad(hann, (left, n_fft - win_length - left)).astype(np.float32)
    padded.setflags(write=False)
    return padded


@lru_cache(maxsize=8)
def filterbank(analysis: MelAnalysis) -> FloatArray:
    """Slaney-normalised triangles [n_mels, n_fft // 2 + 1]."""
    bins = np.linspace(0.0, analysis.sample_rate / 2.0, analysis.n_fft // 2 + 1)
    mels = np.linspace(_hz_to_mel(analysis.fmin), _hz_to_mel(analysis.fmax), analysis.n_mels + 2)
    edges = _mel_to_hz(mels)
    low, centre, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising = (bins - low) / (centre - low)
    falling = (high - bins) / (high - centre)
    triangles = np.maximum(0.0, np.minimum(rising, falling)) * 2.0 / (high - low)
    bank = triangles.astype(np.float32)
    bank.setflags(write=False)
    return bank


def band_centres(analysis: MelAnalysis) -> NDArray[np.float64]:
    """[n_mels] Hz, where each triangle has its peak."""
    mels = np.linspace(_hz_to_mel(analysis.fmin), _hz_to_mel(analysis.fmax), analysis.n_mels + 2)
    return _mel_to_hz(mels[1:-1])


def _hz_to_mel(hz: float) -> float:
    if hz < _KNEE_HZ:
        return hz / _HZ_PER_MEL
    return float(_KNEE_MEL + np.log(hz / _KNEE_HZ) / _LOG_STEP)


def _mel_to_hz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    above = _KNEE_HZ * np.exp(_LOG_STEP * (np.maximum(mel, _KNEE_MEL) - _KNEE_MEL))
    return np.where(mel < _KNEE_MEL, mel * _HZ_PER_MEL, above)
