"""Fundamental frequency by WORLD: Dio (Morise 2009) or Harvest (Morise 2017), refined by StoneMask.

WORLD answers "all unvoiced" to NaN and to empty input without a word, so both are refused here first.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from components.core.errors import DataError, IrisError


@dataclass(frozen=True)
class PitchAnalysis:
    """How f0 is found.

    Attributes:
        method: dio is some 20 times faster; harvest misses fewer voiced frames.
        floor, ceil: Hz.
    """

    method: Literal["dio", "harvest"]
    floor: float
    ceil: float


def f0(
    samples: NDArray[np.float32], sample_rate: int, hop_length: int, analysis: PitchAnalysis
) -> NDArray[np.float32]:
    """f0 on the mel's frames.

    WORLD's frame t is centred on ``t * hop / sample_rate``, as the mel's is. Its count may differ by one from
    ``1 + N // hop`` through rounding of the period: a surplus frame is cut, a missing one is unvoiced.

    Args:
        samples: [N] mono in [-1, 1].

    Returns:
        [1 + N // hop_length] Hz, 0 where unvoiced.

    Raises:
        DataError: empty, NaN or infinite, or silent audio; or no voiced frame in it.
    """
    _check_finite(samples)
    if not np.any(samples):
        raise _unusable("sound", f"{samples.size} samples of digital silence")
    aligned = f0_where_voiced(samples, sample_rate, hop_length, analysis)
    if not np.any(aligned > 0):
        raise _unusable("voiced frames", f"none in {len(aligned)}")
    return aligned


def f0_where_voiced(
    samples: NDArray[np.float32], sample_rate: int, hop_length: int, analysis: PitchAnalysis
) -> NDArray[np.float32]:
    """As `f0`, but silence, breath and noise are no error: all their frames are unvoiced.

    Raises:
        DataError: empty, NaN or infinite audio.
    """
    _check_finite(samples)
    frames = 1 + len(samples) // hop_length
    if not np.any(samples):
        return np.zeros(frames, dtype=np.float32)
    signal = np.ascontiguousarray(samples, dtype=np.float64)
    return _to_frames(_estimate(signal, sample_rate, hop_length / sample_rate * 1000.0, analysis), frames)


def _estimate(
    signal: NDArray[np.float64], sample_rate: int, period_ms: float, analysis: PitchAnalysis
) -> NDArray[np.float64]:
    with warnings.catch_warnings():  # pyworld 0.3.5 imports pkg_resources, which warns of its own end
        warnings.simplefilter("ignore", UserWarning)
        import pyworld
    estimate = pyworld.dio if analysis.method == "dio" else pyworld.harvest
    rough, times = estimate(
        signal, sample_rate, f0_floor=analysis.floor, f0_ceil=analysis.ceil, frame_period=period_ms
    )
    refined: NDArray[np.float64] = pyworld.stonemask(signal, rough, times, sample_rate)
    return refined


def _to_frames(found: NDArray[np.float64], frames: int) -> NDArray[np.float32]:
    if abs(len(found) - frames) > 1:
        raise IrisError(
            who="f0",
            expected=f"{frames} frames, give or take one",
            found=f"{len(found)}",
            action="this is a defect: hop and frame period disagree",
        )
    aligned = np.zeros(frames, dtype=np.float32)
    shared = min(frames, len(found))
    aligned[:shared] = found[:shared]
    return aligned


def _check_finite(samples: NDArray[np.float32]) -> None:
    if samples.ndim != 1 or samples.size == 0:
        raise _unusable("mono samples", f"an array of shape {samples.shape}")
    if not np.all(np.isfinite(samples)):
        raise _unusable("finite samples", f"{int(np.sum(~np.isfinite(samples)))} NaN or infinite")


def _unusable(expected: str, found: str) -> DataError:
    return DataError(
        who="f0", expected=expected, found=found, action="remove the recording or record it again"
    )
