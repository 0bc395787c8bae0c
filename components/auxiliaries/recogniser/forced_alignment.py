"""The most probable way to say given labels in a clip (CTC forced alignment).

Viterbi over the labels with blanks between them: Graves et al. 2006 (Connectionist Temporal Classification),
section 4.1, with the maximum in place of the sum. Differs: nothing is rescaled, all is in logarithms.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from components.auxiliaries.recogniser.labels import BLANK
from components.core.errors import DataError


class Span(NamedTuple):
    """The output frames in which a label stands, both ends included."""

    first: int
    last: int


class Path(NamedTuple):
    """A span for each label, in order; and the natural log-probability of the whole path."""

    spans: tuple[Span, ...]
    log_probability: float


def forced_alignment(log_probabilities: NDArray[np.float32], labels: Sequence[int]) -> Path:
    """When each label is said, given that these are said and nothing else.

    Args:
        log_probabilities: [S, classes] of one clip.
        labels: classes in order, none of them the blank, at least one.

    Raises:
        DataError: no labels, or fewer frames than labels (with a blank between two equal ones).
    """
    equal = sum(a == b for a, b in pairwise(labels))
    if not labels or len(log_probabilities) < len(labels) + equal:
        raise DataError(
            who="alignment of a text with a recording",
            expected=f"between 1 sound and the {len(log_probabilities)} that its frames can hold",
            found=f"{len(labels) + equal}",
            action="give the text that is spoken in this recording",
        )
    states = np.full(2 * len(labels) + 1, BLANK)
    states[1::2] = labels
    scores, back = _forward(log_probabilities[:, states].astype(np.float64), states)
    state = len(states) - 1 if scores[-1] >= scores[-2] else len(states) - 2
    score, path = float(scores[state]), np.empty(len(back), dtype=np.int64)
    for frame in range(len(back) - 1, -1, -1):
        path[frame] = state
        state -= int(back[frame, state])
    odd = 2 * np.arange(len(labels)) + 1
    firsts, ends = np.searchsorted(path, odd), np.searchsorted(path, odd, side="right")
    return Path(tuple(Span(int(a), int(b) - 1) for a, b in zip(firsts, ends, strict=True)), score)


def _forward(
    emitted: NDArray[np.float64], states: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.int8]]:
    """Scores of the last frame [K], and for each frame and state how many states back it came from [S, K]."""
    may_skip = np.zeros(len(states), dtype=bool)
    may_skip[3::2] = states[3::2] != states[1:-2:2]
    back = np.zeros(emitted.shape, dtype=np.int8)
    scores = np.full(len(states), -np.inf)
    scores[:2] = emitted[0, :2]
    places, nothing = np.arange(len(states)), np.array([-np.inf])
    for frame in range(1, len(emitted)):
        before = np.concatenate([nothing, scores[:-1]])
        skipped = np.where(may_skip, np.concatenate([nothing, before[:-1]]), -np.inf)
        choices = np.stack([scores, before, skipped])
        back[frame] = choices.argmax(axis=0)
        scores = choices[back[frame], places] + emitted[frame]
    return scores, back
