"""Optimisers and schedules that several recipes share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

import torch
from torch import nn

if TYPE_CHECKING:
    from torch.optim import Optimizer


class AdamWNumbers(Protocol):
    """What a ``training`` section says of AdamW."""

    @property
    def learning_rate(self) -> float:
        """At a schedule's factor of 1."""

    @property
    def betas(self) -> tuple[float, float]:
        """Of the two moments."""

    @property
    def eps(self) -> float:
        """Added to the root of the second moment."""

    @property
    def weight_decay(self) -> float:
        """Decoupled."""


def adamw(numbers: AdamWNumbers, *, decay_vectors: bool) -> Callable[[list[nn.Parameter]], Optimizer]:
    """AdamW (Loshchilov and Hutter 2019), built when the parameters are known.

    Args:
        numbers: of the recipe.
        decay_vectors: whether norms, biases and other vectors lose weight too, or matrices alone do.
    """

    def build(parameters: list[nn.Parameter]) -> Optimizer:
        matrices = [p for p in parameters if p.ndim > 1]
        vectors = [p for p in parameters if p.ndim <= 1]
        groups: list[dict[str, Any]] = [{"params": matrices}, {"params": vectors, "weight_decay": 0.0}]
        return torch.optim.AdamW(
            parameters if decay_vectors else groups,
            lr=numbers.learning_rate,
            betas=numbers.betas,
            eps=numbers.eps,
            weight_decay=numbers.weight_decay,
        )

    return build


def warm_up(step: int, steps: int) -> float:
    """Rate factor: linear to 1 over ``steps``; a recipe's anneal_share brings it down to 0."""
    return min(1.0, (step + 1) / max(1, steps))
