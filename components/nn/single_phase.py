"""Training tasks of networks that one optimiser trains, and the phase that most recipes have."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from components.core.params import TrainingRun
from components.nn.contracts import Batch, Phase, Recipe, TrainingTask
from components.nn.delivered import write_delivered
from components.nn.optimisers import AdamWNumbers, adamw, warm_up


class WarmedUpNumbers(AdamWNumbers, Protocol):
    """What a ``training`` section says of AdamW, its warm-up and its clipping."""

    @property
    def warmup_steps(self) -> int:
        """Until the full rate."""

    @property
    def gradient_clip_norm(self) -> float:
        """Limit of the gradient's norm."""


def warmed_up(name: str, modules: tuple[str, ...], numbers: WarmedUpNumbers) -> Phase:
    """A phase of AdamW on matrices and vectors, only matrices losing weight, with a linear warm-up.

    Args:
        name, modules: see `Phase`.
        numbers: of the recipe.
    """
    return Phase(
        name=name,
        modules=modules,
        optimiser=adamw(numbers, decay_vectors=False),
        schedule=partial(warm_up, steps=numbers.warmup_steps),
        clip_norm=numbers.gradient_clip_norm,
    )


def single_phase_task(
    model: str,
    card: Mapping[str, Any],
    training: TrainingRun,
    seed: int,
    *,
    phase: Phase,
    network: nn.Module,
    train: Dataset[Mapping[str, Any]],
    validation: Dataset[Mapping[str, Any]],
    collate: Callable[[Sequence[Mapping[str, Any]]], Batch],
    left_behind: Sequence[str] = (),
) -> TrainingTask:
    """A task that delivers what its one phase trains.

    Args:
        model: its name in params.yaml.
        card: delivered beside the weights; a checkpoint of another card is not resumed.
        training: numbers of the run, and the type of the delivered weights.
        seed: of the training.
        phase: of one module; "" is the whole network.
        left_behind: names within that module that only training needs.
    """
    (module,) = phase.modules
    return TrainingTask(
        network=network,
        phases=(phase,),
        train=train,
        validation=validation,
        collate=collate,
        recipe=Recipe.of(training, seed),
        identity={"model": model, **card},
        deliver=partial(
            _deliver,
            prefix=f"{module}." if module else "",
            left_behind=tuple(left_behind),
            model=model,
            card=card,
            dtype=getattr(torch, training.delivered_dtype),
        ),
    )


def _deliver(
    weights: Mapping[str, Tensor],
    folder: Path,
    *,
    prefix: str,
    left_behind: tuple[str, ...],
    model: str,
    card: Mapping[str, Any],
    dtype: torch.dtype,
) -> None:
    trained = {name.removeprefix(prefix): value for name, value in weights.items() if name.startswith(prefix)}
    own = {name: value for name, value in trained.items() if name not in left_behind}
    write_delivered(own, folder, model=model, card=card, dtype=dtype)
