"""The mel that lip sync hears, and which of its frames belong to which video frames.

As in Prajwal et al. 2020 (public implementation): 16 kHz, pre-emphasis, magnitudes, 80 bands, decibels from
-80 to 20 spread over [-4, 4] and clipped. Differs: what lies beyond the recording is silence (upstream
reflects in the mel and repeats the last window), so that a piece of a recording gives the frames that the
whole gives; every window is centred on its frames in training and in rendering alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.fft import rfft

from components.core.errors import DataError
from components.features.mel import MelAnalysis, log_mel, window

Floats = NDArray[np.float32]
#: Upstream's normalisation: decibels that become -4 and 4.
_LOWEST_DB, _HIGHEST_DB, _SPAN = -80.0, 20.0, 4.0
SILENCE = -_SPAN
_DB_PER_NEPER = 20.0 / np.log(10.0)


@dataclass(frozen=True)
class LipHearing:
    """How lips hear.

    Attributes:
        mel: analysis; its rate over its hop is the mel rate, 80 frames a second.
        preemphasis: coefficient of the first difference.
        fps: video frames a second.
        window: mel frames that are heard at a time, 16.
        span: video frames that last as long, 5.
    """

    mel: MelAnalysis
    preemphasis: float
    fps: int
    window: int
    span: int

    def start(self, frame: int) -> int:
        """First mel frame that is heard with video frames ``frame`` to ``frame + span - 1``."""
        return frame * self.mel.sample_rate // (self.mel.hop_length * self.fps)

    def centred_start(self, frame: int) -> int:
        """First mel frame of the window around one video frame; negative at the very beginning."""
        return self.start(frame - self.span // 2)

    def samples_of(self, frame: int) -> int:
        """Where a video frame begins in the sound."""
        return round(frame * self.mel.sample_rate / self.fps)

    def video_frames(self, samples: int) -> int:
        """Video frames until a sound of that many samples has ended, at least one."""
        return max(1, -(-samples * self.fps // self.mel.sample_rate))

    def mel_frames(self, samples: int) -> int:
        """Mel frames of a sound."""
        return self.mel.frames(samples)


def lip_mel(
    samples: NDArray[np.float32] | NDArray[np.int16], first: int, last: int, hearing: LipHearing
) -> Floats:
    """Mel frames [first, last) of a recording; any numbers, beyond the recording is silence.

    Args:
        samples: [N] mono at the analysis' rate, [-1, 1]; may be a memory map. int16 is taken as full scale.

    Returns:
        [last - first, n_mels] in [-4, 4].

    Raises:
        DataError: not mono, or NaN or infinite samples.
    """
    analysis, half = hearing.mel, hearing.mel.n_fft // 2
    if samples.ndim != 1:
        raise _unusable("mono", f"an array of shape {samples.shape}")
    if last <= first:
        return np.zeros((0, analysis.n_mels), np.float32)
    begin, end = first * analysis.hop_length - half - 1, (last - 1) * analysis.hop_length + half
    piece = np.asarray(samples[max(0, begin) : max(0, end)], dtype=np.float32)
    if samples.dtype == np.int16:
        piece = piece / np.float32(np.iinfo(np.int16).max)
    if not np.all(np.isfinite(piece)):
        raise _unusable("finite samples", "NaN or infinite ones")
    before = max(0, -begin) if end > 0 else end - begin
    filled = np.zeros(end - begin, np.float32)
    filled[before : before + len(piece)] = piece
    emphasised = filled[1:] - np.float32(hearing.preemphasis) * filled[:-1]
    frames = sliding_window_view(emphasised, analysis.n_fft)[:: analysis.hop_length]
    magnitude = np.abs(rfft(frames * window(analysis.win_length, analysis.n_fft), axis=-1)).astype(np.float32)
    decibels = _DB_PER_NEPER * log_mel(magnitude, analysis)
    share = (decibels - _LOWEST_DB) / (_HIGHEST_DB - _LOWEST_DB)
    return np.asarray(np.clip(2.0 * _SPAN * share - _SPAN, -_SPAN, _SPAN), dtype=np.float32)


def heard_at(mel: Floats, start: int, hearing: LipHearing) -> Floats:
    """[n_mels, window] of a clip's mel [M, n_mels] from ``start`` on; beyond the clip is silence."""
    stop = start + hearing.window
    inside = mel[max(0, start) : max(0, min(stop, len(mel)))]
    before = min(max(0, -start), hearing.window)
    after = hearing.window - before - len(inside)
    return np.ascontiguousarray(np.pad(inside, ((before, after), (0, 0)), constant_values=SILENCE).T)


def _unusable(expected: str, found: str) -> DataError:
    return DataError(who="audio of lip sync", expected=expected, found=found, action="give another recording")
