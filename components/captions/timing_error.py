"""How far found word times lie from true ones: what captions are judged by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from components.core.errors import DataError, NothingScoredError
from components.nn.timed_speech import Timed

_P90 = 90.0


@dataclass(frozen=True)
class TimingError:
    """Over the starts and ends of words.

    Attributes:
        median_ms, p90_ms: of the distance to the true time.
        bias_ms: median of found minus true; positive: too late.
        boundaries: how many were compared.
    """

    median_ms: float
    p90_ms: float
    bias_ms: float
    boundaries: int


def boundary_errors(true: Sequence[Timed], found: Sequence[Timed]) -> list[float]:
    """Seconds, found minus true, of every start and end.

    Raises:
        DataError: other words, or in another order.
    """
    if [word.text for word in true] != [word.text for word in found]:
        raise DataError(
            who="word times",
            expected=" ".join(word.text for word in true)[:200],
            found=" ".join(word.text for word in found)[:200],
            action="compare times of one and the same text",
        )
    pairs = zip(true, found, strict=True)
    return [error for a, b in pairs for error in (b.start_s - a.start_s, b.end_s - a.end_s)]


def timing_error(errors: Sequence[float]) -> TimingError:
    """The figures of `boundary_errors` of many utterances.

    Raises:
        NothingScoredError: none.
    """
    if not errors:
        raise NothingScoredError(
            who="timing error", expected="at least one word boundary", found="none", action="give it words"
        )
    values = 1000.0 * np.asarray(errors, dtype=np.float64)
    return TimingError(
        median_ms=float(np.median(np.abs(values))),
        p90_ms=float(np.percentile(np.abs(values), _P90)),
        bias_ms=float(np.median(values)),
        boundaries=len(values),
    )
