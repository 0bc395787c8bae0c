"""What was never said: stretches of a text that a recogniser does not hear."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from components.evaluation.pronunciation import Score


@dataclass(frozen=True)
class Omissions:
    """Of one sentence.

    Attributes:
        skipped: whether a stretch within it is missing.
        stopped_early: whether its end is.
    """

    skipped: bool
    stopped_early: bool


def omissions(scores: Mapping[str, Score], shortest: int) -> dict[str, Omissions]:
    """By the names of ``scores``.

    Args:
        shortest: symbols in a row that count as a stretch.
    """
    return {name: _of(score, shortest) for name, score in scores.items()}


def _of(score: Score, shortest: int) -> Omissions:
    said = score.said.symbols
    runs = unheard(said, score.heard.symbols)
    long = [end for start, end in runs if end - start >= shortest]
    return Omissions(any(end < len(said) for end in long), any(end == len(said) for end in long))


def unheard(said: Sequence[str], heard: Sequence[str]) -> list[tuple[int, int]]:
    """Stretches [start, end) of ``said`` that have no counterpart in ``heard``.

    Along one cheapest alignment (Levenshtein 1966, unit costs); among equally cheap ones a symbol that was
    heard as another is preferred to one that was not heard.
    """
    costs = _costs(said, heard)
    i, j = len(said), len(heard)
    missing = []
    while i > 0:
        if j > 0 and costs[i, j] == costs[i - 1, j - 1] + (said[i - 1] != heard[j - 1]):
            i, j = i - 1, j - 1
        elif costs[i, j] == costs[i - 1, j] + 1:
            i -= 1
            missing.append(i)
        else:
            j -= 1
    runs: list[tuple[int, int]] = []
    for place in reversed(missing):
        if runs and runs[-1][1] == place:
            runs[-1] = (runs[-1][0], place + 1)
        else:
            runs.append((place, place + 1))
    return runs


def _costs(said: Sequence[str], heard: Sequence[str]) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    """[R + 1, H + 1] edits between every two beginnings."""
    costs = np.zeros((len(said) + 1, len(heard) + 1), np.int64)
    costs[:, 0], costs[0] = np.arange(len(said) + 1), np.arange(len(heard) + 1)
    for i, symbol in enumerate(said, start=1):
        for j, other in enumerate(heard, start=1):
            costs[i, j] = min(
                costs[i - 1, j - 1] + (symbol != other), costs[i - 1, j] + 1, costs[i, j - 1] + 1
            )
    return costs
