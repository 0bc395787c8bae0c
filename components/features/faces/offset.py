"""How far sound and lips are apart in a set of clips, found without any network.

A ridge regression tells the lower half of a face from the mel of the same moment. At the true offset it
explains most; the lag with the highest share of explained variance on held-out clips is the measured offset.
It needs minutes of clips, not one: with few frames the share stays near zero and nothing is claimed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from components.features.lip_mel import LipHearing

Floats = NDArray[np.float64]
_LIPS = (12, 6)
"""Width and height of the picture of the lips that is regressed."""
_RIDGE, _HELD_OUT = 10.0, 4
_CONTEXT = 1
"""Mel of so many video frames to either side is heard too."""


@dataclass(frozen=True)
class OffsetFound:
    """A measured offset.

    Attributes:
        frames: how many video frames the sound comes late; negative: early.
        explained: share of the lips' variance that the sound explains there.
        clear: whether that is more than chance: twice what the median lag explains, and more than 0.
        lags, shares: the whole curve.
    """

    frames: int
    explained: float
    clear: bool
    lags: tuple[int, ...]
    shares: tuple[float, ...]


def measured_offset(
    clips: Sequence[tuple[NDArray[np.uint8], NDArray[np.float32]]], hearing: LipHearing, reach: int
) -> OffsetFound:
    """Offset of a set of clips.

    Args:
        clips: crops [T, S, S, 3] and mel [M, n_mels] of each; at least ``_HELD_OUT`` clips.
        reach: lags from -reach to reach are tried.
    """
    lips = [_lips(frames) for frames, _ in clips]
    heard = [_heard(mel, len(frames), hearing, reach) for frames, mel in clips]
    lags = tuple(range(-reach, reach + 1))
    shares = tuple(_explained(lips, heard, lag + reach) for lag in lags)
    best = int(np.argmax(shares))
    clear = shares[best] > max(0.0, 2.0 * float(np.median(shares)))
    return OffsetFound(lags[best], shares[best], clear, lags, shares)


def _lips(frames: NDArray[np.uint8]) -> Floats:
    """[T, W · H] grey, without the clip's mean."""
    half = frames.shape[1] // 2
    small = [
        cv2.resize(np.ascontiguousarray(one[half:]).mean(axis=2), _LIPS, interpolation=cv2.INTER_AREA)
        for one in frames
    ]
    flat = np.stack(small).reshape(len(small), -1) / 255.0
    centred: Floats = flat - flat.mean(axis=0)
    return centred


def _heard(mel: NDArray[np.float32], frames: int, hearing: LipHearing, reach: int) -> Floats:
    """[T + 2 · reach, n_mels · 3]: mean mel of each frame and its neighbours, silence beyond the clip."""
    margin = reach + _CONTEXT
    rows = np.full((frames + 2 * margin, mel.shape[1]), mel.min(), dtype=np.float64)
    for place in range(frames):
        part = mel[hearing.start(place) : hearing.start(place + 1)]
        if len(part):
            rows[place + margin] = part.mean(axis=0)
    length = frames + 2 * reach
    return np.concatenate([rows[shift : shift + length] for shift in range(2 * _CONTEXT + 1)], axis=1)


def _explained(lips: Sequence[Floats], heard: Sequence[Floats], shift: int) -> float:
    """Of the held-out clips' variance, when the sound is heard ``shift - reach`` frames later."""
    pairs = [(sound[shift : shift + len(face)], face) for face, sound in zip(lips, heard, strict=True)]
    fit = [pair for place, pair in enumerate(pairs) if place % _HELD_OUT]
    test = [pair for place, pair in enumerate(pairs) if place % _HELD_OUT == 0]
    if not fit:
        return 0.0
    sound, face = np.concatenate([s for s, _ in fit]), np.concatenate([f for _, f in fit])
    mean, spread = sound.mean(axis=0), sound.std(axis=0) + 1e-6
    scaled = (sound - mean) / spread
    gram = scaled.T @ scaled + _RIDGE * len(scaled) / 100.0 * np.eye(scaled.shape[1])
    weights = np.linalg.solve(gram, scaled.T @ face)
    left = sum(float(np.square(f - ((s - mean) / spread) @ weights).sum()) for s, f in test)
    whole = sum(float(np.square(f).sum()) for _, f in test)
    return 1.0 - left / max(whole, 1e-12)
