"""The cheapest way to turn one sequence of symbols into another, split into kinds of edits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from components.core.errors import NothingScoredError


@dataclass(frozen=True)
class EditCounts:
    """The cheapest way to turn the reference into what was heard."""

    substitutions: int
    deletions: int
    insertions: int
    length: int

    @property
    def edits(self) -> int:
        """All kinds together."""
        return self.substitutions + self.deletions + self.insertions

    @property
    def error_rate(self) -> float:
        """Edits per reference symbol; above 1 when more was inserted than there was to say."""
        return self.edits / self.length

    @property
    def accuracy(self) -> float:
        """1 − error rate, at least 0."""
        return max(0.0, 1.0 - self.error_rate)


def edit_counts(reference: Sequence[str], heard: Sequence[str]) -> EditCounts:
    """Levenshtein (1966) distance with unit costs, split into kinds; O(R·H) time, O(H) memory.

    Among equally cheap ways the one with most substitutions is counted, as in NIST's sclite.

    Raises:
        NothingScoredError: an empty reference has no error rate.
    """
    if not reference:
        raise NothingScoredError(
            who="error rate",
            expected="a reference of at least one symbol",
            found="none",
            action="look at the normalised text: nothing of it can be spoken",
        )
    # A cell holds (edits, deletions + insertions, deletions); the smallest tuple wins.
    row = [(j, j, 0) for j in range(len(heard) + 1)]
    for i, symbol in enumerate(reference, start=1):
        diagonal, row[0] = row[0], (i, i, i)
        for j, other in enumerate(heard, start=1):
            missed = int(symbol != other)
            best = min(
                (diagonal[0] + missed, diagonal[1], diagonal[2]),
                (row[j][0] + 1, row[j][1] + 1, row[j][2] + 1),
                (row[j - 1][0] + 1, row[j - 1][1] + 1, row[j - 1][2]),
            )
            diagonal, row[j] = row[j], best
    edits, unpaired, deletions = row[-1]
    return EditCounts(edits - unpaired, deletions, unpaired - deletions, len(reference))
