"""A whole utterance as a drawn talking face, the same pixels for the same names."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from components.core.utterance import Language, PhonemeTiming
from components.data.talking_face.drawing import Image, Pose, box_of, draw
from components.data.talking_face.identity import identity
from components.data.talking_face.mouth import mouth_track

_BLINK_EVERY_S, _BLINK_S = (1.5, 5.0), 0.18


@dataclass(frozen=True)
class DrawnFrame:
    """One frame: the picture [H, W, 3] RGB and where its face is (left, top, right, bottom in pixels)."""

    image: Image
    box: NDArray[np.float32]


def talk(
    timings: Sequence[PhonemeTiming],
    language: Language,
    duration_s: float,
    person: str,
    clip: str,
    fps: float,
    size: int,
) -> Iterator[DrawnFrame]:
    """Draw ⌊duration · fps⌋ frames, at least one.

    Args:
        timings: of the recording.
        person: name of the identity.
        clip: name that head movements, blinks and light follow from. They know nothing of the speech.
        size: pixels, square.
    """
    who, track = identity(person), mouth_track(timings, language, duration_s, fps)
    manner = _Manner(f"{person}|{clip}", duration_s)
    for number, (opening, width, rounding) in enumerate(track):
        pose = manner.pose((number + 0.5) / fps, size, float(opening), float(width), float(rounding))
        yield DrawnFrame(draw(who, pose, size), box_of(pose))


class _Manner:
    """Slow sines for the head and the light, blinks at random."""

    def __init__(self, name: str, duration_s: float) -> None:
        choose = random.Random(f"manner|{name}")
        self._waves = [
            (choose.uniform(0.15, 0.7), choose.uniform(0, 6.28), choose.uniform(0.3, 1.0)) for _ in range(7)
        ]
        self._blinks, moment = [], choose.uniform(0.0, _BLINK_EVERY_S[1])
        while moment < duration_s:
            self._blinks.append(moment)
            moment += choose.uniform(*_BLINK_EVERY_S)
        self._size = choose.uniform(0.29, 0.33)
        self._place = choose.uniform(-0.03, 0.03), choose.uniform(-0.03, 0.03)
        self._light = choose.uniform(0, 6.28), choose.uniform(0.1, 0.7)

    def pose(self, moment: float, size: int, opening: float, width: float, rounding: float) -> Pose:
        x, y, roll, turn, scale, brows, light = (
            extent * float(np.sin(6.28 * hertz * moment + phase)) for hertz, phase, extent in self._waves
        )
        nearest = min((abs(moment - blink) for blink in self._blinks), default=1.0)
        return Pose(
            x=size * (0.5 + self._place[0] + 0.025 * x),
            y=size * (0.49 + self._place[1] + 0.02 * y),
            scale=size * self._size * (1.0 + 0.03 * scale),
            roll=0.09 * roll,
            turn=0.7 * turn,
            opening=opening,
            width=width,
            rounding=rounding,
            lids=min(1.0, 2.0 * nearest / _BLINK_S),
            brows=brows,
            light=(self._light[0] + 0.3 * light, self._light[1]),
        )
