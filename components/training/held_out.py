"""Losses on the validation set, with the averaged weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sized
from typing import cast

import torch

from components.nn.contracts import TrainingTask
from components.training import rng
from components.training.learner import Learner
from components.training.peers import Peers


@torch.no_grad()
def validation_losses(
    task: TrainingTask,
    learner: Learner,
    step: int,
    micro_batch: int,
    peers: Peers,
    stopped: Callable[[], bool],
) -> dict[str, float] | None:
    """Mean over the validation samples of every loss, keyed ``<phase>/<name>``.

    What a network can tell of some batches only is the mean over those. Processes take turns at the batches
    and add up in the order of the batches, so their number does not change the result.

    Random generators are left as found, so a run does not depend on how often it is validated.

    Returns:
        The losses (empty for an empty set), or None when ``stopped`` became true on the way.
    """
    samples = len(cast("Sized", task.validation))
    starts = range(0, samples, micro_batch)
    own: dict[int, tuple[int, Mapping[str, float]]] = {}
    with rng.untouched(learner.device):
        for turn in range(0, len(starts), peers.world):
            if peers.any(stopped()):
                return None
            for start in starts[turn + peers.rank : turn + peers.rank + 1]:
                indices = range(start, min(samples, start + micro_batch))
                own[start] = len(indices), _losses(task, learner, step, indices)
    found = {start: told for told_by_one in peers.gather(own) for start, told in told_by_one.items()}
    sums: dict[str, float] = {}
    counts: dict[str, int] = {}
    for start in starts:
        size, losses = found[start]
        for key, value in losses.items():
            sums[key] = sums.get(key, 0.0) + value * size
            counts[key] = counts.get(key, 0) + size
    return {key: value / counts[key] for key, value in sums.items()}


def _losses(task: TrainingTask, learner: Learner, step: int, indices: range) -> dict[str, float]:
    """Of one batch."""
    batch = learner.fabric.to_device(task.collate([task.validation[index] for index in indices]))
    told: dict[str, float] = {}
    for phase in task.phases:
        with learner.fabric.autocast():
            losses = learner.average.network(phase.name, batch, step)
        told |= {f"{phase.name}/{name}": float(value) for name, value in losses.items()}
    return told
