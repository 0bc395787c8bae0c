"""What listeners said, as evaluation finds it and reports tell it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class AbxFigure:
    """Of ``n`` answers ``correct`` were right; ``p_value``: as many by guessing, one-sided binomial."""

    first: str
    second: str
    n: int
    correct: int
    low: float
    high: float
    p_value: float

    @property
    def share(self) -> float:
        """Of right answers; 0.5 is guessing."""
        return self.correct / self.n
