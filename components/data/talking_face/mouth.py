"""From the sounds of an utterance to the shape of a mouth at every moment."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import zip_longest
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from components.core.utterance import Language, PhonemeTiming
from components.text import SPECIAL, segment
from components.text.correspondence import table

_TABLE = Path(__file__).with_name("shapes.csv")
#: Moments a second at which lips are moved, and how long a movement takes (Hann window).
_RATE, _MOVEMENT_S = 200, 0.09
_REST = np.array([0.0, 0.5, 0.0])


@dataclass(frozen=True)
class Shape:
    """What a sound wants of the lips, each in [0, 1]; ``kind`` is vowel, consonant, lip or closed."""

    kind: str
    opening: float
    width: float
    rounding: float


@cache
def shapes() -> dict[str, Shape]:
    """IPA letter → shape."""
    with _TABLE.open(encoding="utf-8", newline="") as stream:
        return {
            row["letter"]: Shape(
                row["kind"], float(row["opening"]), float(row["width"]), float(row["rounding"])
            )
            for row in csv.DictReader(stream)
        }


@cache
def shapes_of(symbol: str, language: Language) -> tuple[Shape, ...]:
    """The shapes that a symbol of the front-end passes through; none for a pause or an unknown sound."""
    if symbol in SPECIAL:
        return ()
    bare = segment(symbol)
    phones = next((chunk.phones for chunk in table(language) if chunk.symbols == (bare,)), (bare,))
    letters = [letter for phone in phones for letter in phone if letter in shapes()]
    found = [shapes()[letter] for letter in letters]
    # An affricate is one movement: the release decides (ts, tɕ, ʈʂ).
    merged = [
        one
        for one, following in zip_longest(found, found[1:])
        if not (one.kind == "consonant" and following is not None and following.kind == "consonant")
    ]
    return tuple(merged)


def mouth_track(
    timings: Sequence[PhonemeTiming], language: Language, duration_s: float, fps: float
) -> NDArray[np.float32]:
    """Opening, width and rounding in the middle of every video frame.

    Lips move towards a sound's shape over `_MOVEMENT_S` (a Hann window over the targets), so that sounds
    colour each other; a closed sound (m, b, p) is closed in its middle nevertheless, as people's are.

    Args:
        timings: in spoken order; where no sound is, the mouth rests closed.
        duration_s: of the recording.
        fps: video frames a second.

    Returns:
        [⌊duration · fps⌋, 3] in [0, 1], at least one frame.
    """
    steps = max(1, int(np.ceil(duration_s * _RATE)))
    targets, closed = np.tile(_REST, (steps, 1)), np.zeros(steps)
    for phone in timings:
        wanted = shapes_of(phone.symbol, language)
        edges = np.linspace(phone.start_s, phone.end_s, len(wanted) + 1)
        for shape, start, end in zip(wanted, edges[:-1], edges[1:], strict=True):
            first, last = int(start * _RATE), max(int(start * _RATE) + 1, int(end * _RATE))
            targets[first:last] = shape.opening, shape.width, shape.rounding
            if shape.kind == "closed":
                closed[first:last] = 1.0
    taps = max(3, round(_MOVEMENT_S * _RATE)) | 1
    window = np.hanning(taps + 2)[1:-1]
    window /= window.sum()
    half = taps // 2
    padded = np.pad(targets, ((half, half), (0, 0)), mode="edge")
    moved = np.stack([np.convolve(padded[:, c], window, mode="valid") for c in range(3)], axis=1)
    shut = np.convolve(np.pad(closed, 2), np.ones(5) / 5, mode="valid")
    moved[:, 0] *= 1.0 - shut
    frames = max(1, int(duration_s * fps))
    middles = np.minimum(((np.arange(frames) + 0.5) / fps * _RATE).astype(int), steps - 1)
    return np.asarray(moved[middles], dtype=np.float32)
