"""What a training run hands back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from components.training.budget import Limit
from components.training.memory import PeakMemory


@dataclass(frozen=True)
class TrainingResult:
    """A finished run.

    Attributes:
        delivered: folder with the model (averaged weights).
        history: JSON lines with every point of every curve.
        steps: optimiser steps, skipped ones included.
        resumed_from: step this process went on from; None for a run begun here.
        ended_by: the limit that was reached.
        seconds: wall clock in the loop, all resumptions together.
        cpu_seconds: the same in CPU time of the process; of several, of the one that leads.
        losses: last point of every curve (``train/…``, ``validation/…``).
        skipped_steps: steps left out for NaN or infinity.
        rollbacks: returns to an earlier checkpoint after too many of those in a row.
        micro_batch: samples per forward pass at the end; below the recipe's batch size after out of memory.
        parameters: trainable numbers in the network.
        processes: how many trained together.
        peak_memory: of this process and of its GPU.
        device: its name.
    """

    delivered: Path
    history: Path
    steps: int
    resumed_from: int | None
    ended_by: Limit
    seconds: float
    cpu_seconds: float
    losses: Mapping[str, float]
    skipped_steps: int
    rollbacks: int
    micro_batch: int
    parameters: int
    processes: int
    peak_memory: PeakMemory
    device: str
