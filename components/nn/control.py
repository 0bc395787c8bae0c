"""How an utterance or a word of it is to be said, as people ask for it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from components.core.errors import DataError

_SEMITONES_PER_OCTAVE = 12


@dataclass(frozen=True)
class Control:
    """A change of what the network would do by itself.

    Attributes:
        pace: 2 speaks twice as fast.
        pitch_shift_semitones: moves the whole melody up (or down, below 0).
        pitch_scale: of the melody's distance from the speaker's mean; 0 is monotone, 2 twice as lively.
        energy: factor of the loudness of each symbol, as far as the training data taught what that sounds
            like; 1 leaves it.

    Raises:
        DataError: a value that is not finite, a pace that is not above 0, a scale or energy below 0.
    """

    pace: float
    pitch_shift_semitones: float
    pitch_scale: float
    energy: float

    def __post_init__(self) -> None:
        _require("pace", self.pace, "above 0", self.pace > 0)
        _require("pitch_shift_semitones", self.pitch_shift_semitones, "of any sign", True)
        _require("pitch_scale", self.pitch_scale, "of 0 or more", self.pitch_scale >= 0)
        _require("energy", self.energy, "of 0 or more", self.energy >= 0)

    @property
    def shift_log_f0(self) -> float:
        """The pitch shift in ln Hz."""
        return self.pitch_shift_semitones * math.log(2.0) / _SEMITONES_PER_OCTAVE


CONTROL_NAMES = {
    "pace": "pace",
    "pitch_shift": "pitch_shift_semitones",
    "pitch_scale": "pitch_scale",
    "energy": "energy",
}
"""As they are written on a command line → the field."""


def parse_word_control(written: str, base: Control) -> tuple[int, Control]:
    """``2:pace=0.8,pitch_shift=3`` → (2, ``base`` with these two changed).

    Raises:
        DataError: another form, an unknown name, or a value that `Control` refuses.
    """
    number, colon, changes = written.partition(":")
    fields: dict[str, float] = {}
    try:
        for change in changes.split(","):
            name, _, value = change.partition("=")
            fields[CONTROL_NAMES[name.strip()]] = float(value)
        word = int(number)
    except (KeyError, ValueError) as error:
        raise DataError(
            who=f"word control {written!r}",
            expected=f"NUMBER:NAME=VALUE[,NAME=VALUE], names {', '.join(CONTROL_NAMES)}",
            found=f"{error}" if colon else "no colon",
            action="write it like 2:pace=0.8,pitch_shift=3 (words count from 0)",
        ) from error
    return word, replace(base, **fields)


def _require(name: str, value: float, expected: str, holds: bool) -> None:
    if not (holds and math.isfinite(value)):
        raise DataError(
            who=f"control {name}",
            expected=f"a finite number {expected}",
            found=f"{value}",
            action="1 leaves pace, pitch_scale and energy alone, 0 the pitch shift",
        )


UNCHANGED = Control(pace=1.0, pitch_shift_semitones=0.0, pitch_scale=1.0, energy=1.0)
"""Leaves the network's predictions alone."""
