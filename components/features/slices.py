"""A recording of any length → slices of speech, without its long pauses."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_FRAME_S = 0.01


@dataclass(frozen=True)
class SliceRules:
    """What a slice is.

    Attributes:
        silence_db: a frame is silent that far below the recording's loudest one (negative).
        min_silence_s: a shorter pause parts nothing.
        keep_silence_s: kept of a pause, at either side.
        min_s, max_s: lengths of a slice.
        overlap_s: at least this much is shared by neighbours within one stretch.
    """

    silence_db: float
    min_silence_s: float
    keep_silence_s: float
    min_s: float
    max_s: float
    overlap_s: float


def slices(samples: NDArray[np.float32], sample_rate: int, rules: SliceRules) -> list[tuple[int, int]]:
    """Where speech is: [start, stop) in samples, in order.

    A stretch of sound is cut where a pause is long enough, and a stretch beyond ``max_s`` into equal slices.
    What is shorter than ``min_s`` is left out.

    Args:
        samples: [N] mono.
        sample_rate: Hz.
        rules: lengths and levels.
    """
    size = max(1, round(_FRAME_S * sample_rate))
    count = len(samples) // size
    if count == 0:
        return []
    power = np.square(samples[: count * size].astype(np.float64)).reshape(count, size).mean(axis=1)
    loud = np.flatnonzero((power > 0) & (power >= power.max() * 10.0 ** (rules.silence_db / 10.0)))
    if not len(loud):
        return []
    found: list[tuple[int, int]] = []
    for first, last in _stretches(loud, math.ceil(rules.min_silence_s / _FRAME_S)):
        kept = round(rules.keep_silence_s / _FRAME_S)
        start, stop = max(0, first - kept) * size, min(count, last + 1 + kept) * size
        found += _pieces(start, stop, sample_rate, rules)
    return found


def _stretches(loud: NDArray[np.int64], pause: int) -> list[tuple[int, int]]:
    """First and last frame of each run of loud frames; up to ``pause`` frames of silence are bridged."""
    breaks = np.flatnonzero(np.diff(loud) > pause)
    firsts = np.concatenate([loud[:1], loud[breaks + 1]])
    lasts = np.concatenate([loud[breaks], loud[-1:]])
    return [(int(first), int(last)) for first, last in zip(firsts, lasts, strict=True)]


def _pieces(start: int, stop: int, sample_rate: int, rules: SliceRules) -> list[tuple[int, int]]:
    longest, overlap = round(rules.max_s * sample_rate), round(rules.overlap_s * sample_rate)
    length = stop - start
    if length < rules.min_s * sample_rate:
        return []
    count = max(1, math.ceil((length - overlap) / (longest - overlap)))
    size = min(length, math.ceil((length + (count - 1) * overlap) / count))
    starts = [start + round(place * (length - size) / max(1, count - 1)) for place in range(count)]
    return [(one, one + size) for one in starts]
