"""How well a pitch course agrees with a known one: voicing decisions, gross errors, fine errors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from components.core.errors import DataError, NothingScoredError
from components.features.pitch import PitchAnalysis, f0

Floats = NDArray[np.float32]
#: Frames of a truth where nothing is known, neither f0 nor voicing. They are not counted.
UNKNOWN = np.float32(np.nan)
GROSS_SHARE = 0.2
"""Rabiner et al. 1976's gross error as it is used today: further off than a fifth."""


@dataclass(frozen=True)
class F0Agreement:
    """Of one recording, or of many added up.

    Attributes:
        known: frames whose truth is known.
        missed: voiced ones that were called unvoiced.
        false: unvoiced ones that were called voiced.
        both: frames voiced in truth and found voiced.
        gross: of ``both``, those more than `GROSS_SHARE` off.
        cents: sum over ``both`` without ``gross`` of the absolute difference, 1/1200 octave.
    """

    known: int
    missed: int
    false: int
    both: int
    gross: int
    cents: float

    def __add__(self, other: F0Agreement) -> F0Agreement:
        """Both together."""
        return F0Agreement(
            self.known + other.known,
            self.missed + other.missed,
            self.false + other.false,
            self.both + other.both,
            self.gross + other.gross,
            self.cents + other.cents,
        )

    @property
    def voicing_error(self) -> float:
        """Share of known frames whose voicing was decided wrongly."""
        return (self.missed + self.false) / self._some(self.known)

    @property
    def missed_share(self) -> float:
        """Share of voiced frames that were called unvoiced."""
        return self.missed / self._some(self.missed + self.both)

    @property
    def false_share(self) -> float:
        """Share of unvoiced frames that were called voiced."""
        return self.false / self._some(self.known - self.missed - self.both)

    @property
    def gross_error(self) -> float:
        """Share of frames voiced in both whose f0 is more than `GROSS_SHARE` off."""
        return self.gross / self._some(self.both)

    @property
    def fine_cents(self) -> float:
        """Mean absolute difference of the frames voiced in both that are not grossly wrong."""
        return self.cents / self._some(self.both - self.gross)

    @staticmethod
    def _some(count: int) -> int:
        if count == 0:
            raise NothingScoredError(
                who="agreement of f0",
                expected="frames of the kind that is asked about",
                found="none",
                action="measure on recordings with voiced and unvoiced frames",
            )
        return count


NOTHING = F0Agreement(0, 0, 0, 0, 0, 0.0)


def agreement(found: Floats, truth: Floats) -> F0Agreement:
    """Compare courses frame by frame.

    Args:
        found: [T] Hz, 0 where unvoiced.
        truth: [T] Hz, 0 where unvoiced, `UNKNOWN` where not known.

    Raises:
        DataError: courses of different lengths.
    """
    if found.shape != truth.shape:
        raise DataError(
            who="agreement of f0",
            expected=f"{truth.shape} frames",
            found=f"{found.shape}",
            action="compute both with the same hop",
        )
    known = ~np.isnan(truth)
    told, true = found[known] > 0, truth[known] > 0
    both = told & true
    ratio = found[known][both] / truth[known][both]
    gross = np.abs(ratio - 1.0) > GROSS_SHARE
    return F0Agreement(
        known=int(known.sum()),
        missed=int((true & ~told).sum()),
        false=int((told & ~true).sum()),
        both=int(both.sum()),
        gross=int(gross.sum()),
        cents=float(np.abs(1200.0 * np.log2(ratio[~gross])).sum()),
    )


def course(samples: Floats, sample_rate: int, hop_length: int, analysis: PitchAnalysis) -> Floats:
    """`components.features.pitch.f0`, but a recording in which nothing is found voiced is all unvoiced: here
    that is an answer to be judged.

    Raises:
        DataError: empty, NaN, infinite or silent audio.
    """
    try:
        return f0(samples, sample_rate, hop_length, analysis)
    except DataError as error:
        if not error.expected.startswith("voiced"):
            raise
        return np.zeros(1 + len(samples) // hop_length, dtype=np.float32)
