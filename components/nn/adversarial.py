"""The game of generator and judges by least squares (Mao et al. 2017), with HiFi-GAN's feature matching.

Equations are those of Kong, Kim and Bae 2020.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

DISCRIMINATOR, GENERATOR = "discriminator", "generator"
"""Names of the two phases."""


@dataclass(frozen=True)
class Judgement:
    """What one discriminator says of B signals.

    Attributes:
        scores: [B, M]; 1 is real.
        layers: hidden maps [B, C, ...], for feature matching.
    """

    scores: Tensor
    layers: tuple[Tensor, ...]


def discriminator_loss(real: Sequence[Judgement], made: Sequence[Judgement]) -> Tensor:
    """Least squares (Mao et al. 2017), equation 1: real to 1, made to 0, summed over the judges."""
    return torch.stack(
        [(r.scores - 1).square().mean() + m.scores.square().mean() for r, m in zip(real, made, strict=True)]
    ).sum()


def generator_loss(made: Sequence[Judgement]) -> Tensor:
    """Equation 2: made to 1."""
    return torch.stack([(judged.scores - 1).square().mean() for judged in made]).sum()


def feature_loss(real: Sequence[Judgement], made: Sequence[Judgement]) -> Tensor:
    """Equation 4: mean absolute difference of each hidden layer, summed over layers and judges."""
    return torch.stack(
        [
            F.l1_loss(ours, theirs)
            for r, m in zip(real, made, strict=True)
            for theirs, ours in zip(r.layers, m.layers, strict=True)
        ]
    ).sum()
