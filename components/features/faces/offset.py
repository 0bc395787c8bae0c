"""How far sound and lips are apart in a set of clips, found without any network.

A ridge regression tells the lower half of a face from the mel of the same moment. At the true offset it
explains most; the lag with the highest share of explained variance on held-out clips is the measured offset.
It needs minutes of clips, not one: with few frames the share stays near zero and nothing is claimed.
"""

from __future__ import annotations

from collections import Counter
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
        of_clips: lag at which each clip fits best what the others say; flat over all lags where sound and
            lips have nothing in common.
    """

    frames: int
    explained: float
    clear: bool
    lags: tuple[int, ...]
    shares: tuple[float, ...]
    of_clips: tuple[int, ...]

    def histogram(self) -> str:
        """Clips at each lag, for a person."""
        counts = Counter(self.of_clips)
        return ", ".join(f"{lag:+d}: {counts[lag]}" for lag in sorted(counts))


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
    shares = tuple(_explained(_pairs(lips, heard, lag + reach)) for lag in lags)
    best = int(np.argmax(shares))
    clear = shares[best] > max(0.0, 2.0 * float(np.median(shares)))
    return OffsetFound(lags[best], shares[best], clear, lags, shares, _of_clips(lips, heard, best, reach))


@dataclass(frozen=True)
class _Fit:
    """A ridge regression from sound to lips."""

    mean: Floats
    spread: Floats
    weights: Floats

    @classmethod
    def of(cls, pairs: Sequence[tuple[Floats, Floats]]) -> _Fit:
        """Of pairs of sound [T, C] and lips [T, P]."""
        sound, face = np.concatenate([s for s, _ in pairs]), np.concatenate([f for _, f in pairs])
        mean, spread = sound.mean(axis=0), sound.std(axis=0) + 1e-6
        scaled = (sound - mean) / spread
        gram = scaled.T @ scaled + _RIDGE * len(scaled) / 100.0 * np.eye(scaled.shape[1])
        return cls(mean, spread, np.linalg.solve(gram, scaled.T @ face))

    def left(self, sound: Floats, face: Floats) -> float:
        """Squared error that is left."""
        return float(np.square(face - ((sound - self.mean) / self.spread) @ self.weights).sum())


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


def _pairs(lips: Sequence[Floats], heard: Sequence[Floats], shift: int) -> list[tuple[Floats, Floats]]:
    """Sound and lips of each clip, when the sound is heard ``shift - reach`` frames later."""
    return [(sound[shift : shift + len(face)], face) for face, sound in zip(lips, heard, strict=True)]


def _explained(pairs: Sequence[tuple[Floats, Floats]]) -> float:
    """Share of the held-out clips' variance."""
    fit, test = _divided(pairs, 0)
    if not fit:
        return 0.0
    found = _Fit.of(fit)
    left = sum(found.left(sound, face) for sound, face in test)
    whole = sum(float(np.square(face).sum()) for _, face in test)
    return 1.0 - left / max(whole, 1e-12)


def _of_clips(lips: Sequence[Floats], heard: Sequence[Floats], best: int, reach: int) -> tuple[int, ...]:
    """Lag of every clip, by regressions over the other clips at the lag of all."""
    pairs, found = _pairs(lips, heard, best), {}
    for fold in range(min(_HELD_OUT, len(pairs))):
        fit, _ = _divided(pairs, fold)
        if fit:
            regression = _Fit.of(fit)
            for place in range(fold, len(pairs), _HELD_OUT):
                face, sound = lips[place], heard[place]
                left = [
                    regression.left(sound[shift : shift + len(face)], face) for shift in range(2 * reach + 1)
                ]
                found[place] = int(np.argmin(left)) - reach
    return tuple(found[place] for place in sorted(found))


def _divided(
    pairs: Sequence[tuple[Floats, Floats]], fold: int
) -> tuple[list[tuple[Floats, Floats]], list[tuple[Floats, Floats]]]:
    """To learn from, and held out."""
    fit = [pair for place, pair in enumerate(pairs) if place % _HELD_OUT != fold]
    return fit, [pair for place, pair in enumerate(pairs) if place % _HELD_OUT == fold]
