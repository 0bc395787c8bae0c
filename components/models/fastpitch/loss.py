"""What FastPitch minimises."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import torch.nn.functional as F
from torch import Tensor

from components.models.fastpitch.params import Training
from components.nn.masks import masked_mean, valid_positions


@dataclass(frozen=True)
class Targets:
    """What the recordings say.

    Attributes:
        mel: [B, T, n_mels].
        durations: [B, L] whole frames, summing to each row's frames.
        pitch, energy: [B, L].
    """

    mel: Tensor
    durations: Tensor
    pitch: Tensor
    energy: Tensor


class Predicted(Protocol):
    """The part of a prediction that is compared."""

    @property
    def mel(self) -> Tensor:
        """[B, T, n_mels]."""

    @property
    def log_durations(self) -> Tensor:
        """[B, L], log(1 + frames)."""

    @property
    def pitch(self) -> Tensor:
        """[B, L]."""

    @property
    def energy(self) -> Tensor:
        """[B, L]."""


def fastpitch_losses(
    predicted: Predicted, targets: Targets, spoken: Tensor, recipe: Training
) -> Mapping[str, Tensor]:
    """Mel error plus weighted duration, pitch and energy errors (FastPitch, section 2.2).

    Mean squares over real frames and symbols; durations as log(1 + d), as NVIDIA's version 1.1 has it.

    Args:
        spoken: [B, L] bool, the real symbols.

    Returns:
        ``total`` and its parts; ``mel_l1`` (log amplitude) and ``duration_frames`` (mean absolute error in
        frames) are for people and carry no gradient.
    """
    mel, duration, pitch, energy = predicted.mel, predicted.log_durations, predicted.pitch, predicted.energy
    frames = valid_positions(targets.durations.sum(dim=1), mel.shape[1])
    log_durations = targets.durations.to(duration.dtype).log1p()
    parts = {
        "mel": masked_mean(F.mse_loss(mel, targets.mel, reduction="none"), frames),
        "duration": masked_mean((duration - log_durations).square(), spoken),
        "pitch": masked_mean((pitch - targets.pitch).square(), spoken),
        "energy": masked_mean((energy - targets.energy).square(), spoken),
    }
    total = (
        parts["mel"]
        + recipe.duration_loss_weight * parts["duration"]
        + recipe.pitch_loss_weight * parts["pitch"]
        + recipe.energy_loss_weight * parts["energy"]
    )
    heard = {
        "mel_l1": masked_mean((mel - targets.mel).abs(), frames).detach(),
        "duration_frames": masked_mean((duration.expm1() - targets.durations).abs(), spoken).detach(),
    }
    return {"total": total, **parts, **heard}
