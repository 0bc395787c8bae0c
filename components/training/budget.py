"""When training ends, and how the learning rate goes down on the way there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Limit = Literal["max_steps", "max_cpu_seconds"]


@dataclass(frozen=True)
class Budget:
    """Steps and CPU seconds; whichever is used up first ends the run.

    A budget of CPU seconds fits a run to a machine, but its number of steps, and with it every weight, then
    depends on how busy that machine was: such a run is resumable, not reproducible to the bit.

    Attributes:
        max_steps: optimiser steps.
        max_cpu_seconds: of this process, summed over resumptions; 0 is no limit.
        anneal_share: the last share of the budget over which the learning rate falls linearly to 0; 0: none.
            Only annealed checkpoints are comparable between runs.
    """

    max_steps: int
    max_cpu_seconds: float
    anneal_share: float

    def share_used(self, step: int, cpu_seconds: float) -> float:
        """How much of the budget is gone, in [0, 1]."""
        return min(1.0, max(step / self.max_steps, self._cpu_share(cpu_seconds)))

    def reached(self, step: int, cpu_seconds: float) -> Limit | None:
        """The limit that has been reached, if any."""
        if step >= self.max_steps:
            return "max_steps"
        return "max_cpu_seconds" if self._cpu_share(cpu_seconds) >= 1.0 else None

    def rate_factor(self, step: int, cpu_seconds: float) -> float:
        """What the phase's own schedule is multiplied by: 1, then linearly down to 0 at the end."""
        if self.anneal_share == 0.0:
            return 1.0
        return min(1.0, (1.0 - self.share_used(step, cpu_seconds)) / self.anneal_share)

    def _cpu_share(self, cpu_seconds: float) -> float:
        return cpu_seconds / self.max_cpu_seconds if self.max_cpu_seconds else 0.0
