"""Greedy CTC decoding: the best class of each frame, repetitions merged, blanks dropped."""

from __future__ import annotations

from torch import Tensor

from components.auxiliaries.recogniser.labels import BLANK


def greedy(log_probabilities: Tensor, lengths: Tensor) -> list[list[int]]:
    """Classes heard in each clip.

    Args:
        log_probabilities: [B, S, classes].
        lengths: [B]; frames beyond are not read.
    """
    best = log_probabilities.argmax(-1)
    return [_collapsed(row[: int(length)].tolist()) for row, length in zip(best, lengths, strict=True)]


def _collapsed(path: list[int]) -> list[int]:
    return [
        number
        for place, number in enumerate(path)
        if number != BLANK and (place == 0 or path[place - 1] != number)
    ]
