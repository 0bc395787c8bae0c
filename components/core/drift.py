"""Whether two data versions are alike: the shift of each property, with the test that says so.

Numbers by the two-sample Kolmogorov-Smirnov statistic, shares by the population stability index
(Siddiqi 2006, ch. 8). A shift must be large *and* no chance: with many recordings any difference is
significant, with few any distance is possible.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from components.core.params.review import DriftParams

ShiftVerdict = Literal["same", "drifted", "not measured"]
PROPERTIES = ("duration_s", "f0_hz", "snr_db", "languages")
#: A share of nothing has no logarithm.
_SHARE_FLOOR = 1e-4


@dataclass(frozen=True)
class DataProfile:
    """What is compared of a data version.

    Attributes:
        data_md5: of the version.
        duration_s: of sampled rows.
        f0_hz: median f0 of sampled recordings that have a voice.
        snr_db: an estimate for comparison only: level of the loud frames over that of the quiet ones.
        languages: rows by language.
    """

    data_md5: str
    duration_s: tuple[float, ...]
    f0_hz: tuple[float, ...]
    snr_db: tuple[float, ...]
    languages: Mapping[str, int]


@dataclass(frozen=True)
class Shift:
    """One property of two versions.

    ``distance`` is KS's D or the PSI; ``p_value`` is KS's, None for shares. ``before`` and ``after`` are
    medians, or the shares as text.
    """

    name: str
    verdict: ShiftVerdict
    distance: float | None
    p_value: float | None
    limit: float
    before: str
    after: str
    n_before: int
    n_after: int


@dataclass(frozen=True)
class ModelDrift:
    """The current data against those of one model's champion.

    ``reason`` says why nothing was compared; "" where ``shifts`` tell.
    """

    model: str
    champion_version: str
    champion_data_md5: str
    reason: str
    shifts: tuple[Shift, ...]

    @property
    def drifted(self) -> tuple[Shift, ...]:
        """The properties that have moved."""
        return tuple(shift for shift in self.shifts if shift.verdict == "drifted")


def shifts(before: DataProfile, after: DataProfile, limits: DriftParams) -> tuple[Shift, ...]:
    """Every property of `PROPERTIES`, the champion's version first."""
    numbers = [
        _numbers(name, getattr(before, name), getattr(after, name), limits) for name in PROPERTIES[:-1]
    ]
    return (*numbers, _shares(before.languages, after.languages, limits))


def population_stability(before: Mapping[str, int], after: Mapping[str, int]) -> float:
    """Σ (a − b) · ln(a / b) over the shares of every key of either side; 0 where they are the same.

    Raises:
        ValueError: one side counts nothing.
    """
    totals = sum(before.values()), sum(after.values())
    if min(totals) <= 0:
        raise ValueError("shares of nothing")
    found = 0.0
    for key in {*before, *after}:
        ours = max(before.get(key, 0) / totals[0], _SHARE_FLOOR)
        theirs = max(after.get(key, 0) / totals[1], _SHARE_FLOOR)
        found += (theirs - ours) * math.log(theirs / ours)
    return found


def _numbers(name: str, before: Sequence[float], after: Sequence[float], limits: DriftParams) -> Shift:
    from scipy.stats import ks_2samp

    counts = len(before), len(after)
    ours, theirs = (f"{float(np.median(values)):.3g}" if len(values) else "" for values in (before, after))

    def told(verdict: ShiftVerdict, distance: float | None, p_value: float | None) -> Shift:
        return Shift(name, verdict, distance, p_value, limits.ks.distance, ours, theirs, *counts)

    if min(counts) < limits.recordings_min:
        return told("not measured", None, None)
    test = ks_2samp(before, after)
    distance, p_value = float(test.statistic), float(test.pvalue)
    moved = distance >= limits.ks.distance and p_value < limits.ks.significance
    verdict: ShiftVerdict = "drifted" if moved else "same"
    return told(verdict, distance, p_value)


def _shares(before: Mapping[str, int], after: Mapping[str, int], limits: DriftParams) -> Shift:
    counts = sum(before.values()), sum(after.values())
    texts = _told(before), _told(after)
    if min(counts) < limits.recordings_min:
        return Shift(PROPERTIES[-1], "not measured", None, None, limits.psi, *texts, *counts)
    distance = population_stability(before, after)
    verdict: ShiftVerdict = "drifted" if distance >= limits.psi else "same"
    return Shift(PROPERTIES[-1], verdict, distance, None, limits.psi, *texts, *counts)


def _told(counts: Mapping[str, int]) -> str:
    total = sum(counts.values()) or 1
    return " ".join(f"{key} {100 * count / total:.0f}%" for key, count in sorted(counts.items()))
