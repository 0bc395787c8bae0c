"""Speech that says when each of its sounds and words is heard; captions are written from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Timed(NamedTuple):
    """A symbol or a word, and when it sounds: seconds from the first sample."""

    text: str
    start_s: float
    end_s: float


@dataclass(frozen=True)
class TimedSpeech:
    """Mono audio in [-1, 1] with its timings.

    Attributes:
        samples: [N].
        sample_rate: Hz.
        phonemes: every symbol in order, pauses included; without gaps, the last ends with the audio.
        words: every written word that has a sound, from its first symbol to its last.
    """

    samples: NDArray[np.float32]
    sample_rate: int
    phonemes: tuple[Timed, ...]
    words: tuple[Timed, ...]
