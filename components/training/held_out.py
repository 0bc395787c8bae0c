"""Losses on the validation set, with the averaged weights."""

from __future__ import annotations

from collections.abc import Callable, Sized
from typing import cast

import torch

from components.nn.contracts import TrainingTask
from components.training import rng
from components.training.learner import Learner


@torch.no_grad()
def validation_losses(
    task: TrainingTask, learner: Learner, step: int, micro_batch: int, stopped: Callable[[], bool]
) -> dict[str, float] | None:
    """Mean over the validation samples of every loss, keyed ``<phase>/<name>``.

    What a network can tell of some batches only is the mean over those.

    Random generators are left as found, so a run does not depend on how often it is validated.

    Returns:
        The losses (empty for an empty set), or None when ``stopped`` became true on the way.
    """
    sums: dict[str, float] = {}
    counts: dict[str, int] = {}
    network, fabric = learner.average.network, learner.fabric
    samples = len(cast("Sized", task.validation))
    with rng.untouched(learner.device):
        for start in range(0, samples, micro_batch):
            if stopped():
                return None
            part = [task.validation[index] for index in range(start, min(samples, start + micro_batch))]
            batch = fabric.to_device(task.collate(part))
            for phase in task.phases:
                with fabric.autocast():
                    losses = network(phase.name, batch, step)
                for name, value in losses.items():
                    key = f"{phase.name}/{name}"
                    sums[key] = sums.get(key, 0.0) + float(value) * len(part)
                    counts[key] = counts.get(key, 0) + len(part)
    return {key: value / counts[key] for key, value in sums.items()}
