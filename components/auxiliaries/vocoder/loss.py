"""HiFi-GAN's losses, as one network with two phases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from components.auxiliaries.vocoder.hifi_gan import HifiGanGenerator
from components.auxiliaries.vocoder.params import Architecture, Training
from components.features.mel import MelAnalysis, filterbank, window
from components.nn.adversarial import DISCRIMINATOR, discriminator_loss, feature_loss, generator_loss
from components.nn.contracts import Batch
from components.nn.differentiable_mel import DifferentiableMel
from components.nn.discriminators import Discriminators
from components.nn.weight_norm import add_weight_norm


class HifiGan(nn.Module):
    """A `components.nn.contracts.TrainableNetwork` (Kong, Kim and Bae 2020, equations 1 to 7).

    Args:
        architecture: dimensions.
        analysis: of the input mel.
        training: weights of the losses.
    """

    def __init__(self, architecture: Architecture, analysis: MelAnalysis, training: Training) -> None:
        super().__init__()
        self._weights = training
        self.generator = HifiGanGenerator(architecture.generator, analysis.n_mels)
        add_weight_norm(self.generator)
        self.discriminators = Discriminators(architecture.discriminators)
        self.mel = full_band_mel(analysis)

    def forward(self, phase: str, batch: Batch, step: int) -> Mapping[str, Tensor]:
        """Losses of a phase.

        Args:
            batch: mel [B, T, n_mels] and samples [B, T · hop] of the same stretches.
        """
        real = batch["samples"]
        if phase == DISCRIMINATOR:
            with torch.no_grad():
                made = self.generator(batch["mel"])
            return {"total": discriminator_loss(self.discriminators(real), self.discriminators(made))}
        made = self.generator(batch["mel"])
        mel = F.l1_loss(self.mel(made), self.mel(real))
        with torch.no_grad():
            judged_real = self.discriminators(real)
        judged = self.discriminators(made)
        fooling, matching = generator_loss(judged), feature_loss(judged_real, judged)
        weights = self._weights
        total = fooling + weights.feature_loss_weight * matching + weights.mel_loss_weight * mel
        parts = {"adversarial": fooling, "features": matching, "mel": mel}
        return {"total": total, **{name: value.detach() for name, value in parts.items()}}


def full_band_mel(analysis: MelAnalysis) -> DifferentiableMel:
    """The mel up to half the sample rate: the loss hears what the input lacks."""
    full = replace(analysis, fmax=analysis.sample_rate / 2)
    hann = window(analysis.win_length, analysis.n_fft)
    return DifferentiableMel(hann, filterbank(full), analysis.hop_length, analysis.log_floor)
