"""One batch, learned again and again: whether a network learns at all."""

from __future__ import annotations

from typing import Any

import torch

from components.nn.contracts import TrainingTask


def learned(task: TrainingTask, phase: str, steps: int = 60, rate: float = 1e-2) -> list[dict[str, float]]:
    """The losses of each step over the first four samples."""
    batch: Any = task.collate([task.train[index] for index in range(4)])
    network = task.network.train()
    optimiser = torch.optim.Adam(network.parameters(), lr=rate)
    history = []
    for step in range(steps):
        losses = network(phase, batch, step)
        optimiser.zero_grad()
        losses["total"].backward()
        optimiser.step()
        history.append({name: float(value.detach()) for name, value in losses.items()})
    return history
