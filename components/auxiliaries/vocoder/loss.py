"""HiFi-GAN's losses, as one network with two phases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from components.auxiliaries.vocoder.discriminators import Discriminators, Judgement
from components.auxiliaries.vocoder.hifi_gan import HifiGanGenerator, add_weight_norm
from components.auxiliaries.vocoder.params import Architecture, Training
from components.features.mel import MelAnalysis, filterbank, window
from components.nn.contracts import Batch

DISCRIMINATOR, GENERATOR = "discriminator", "generator"
_SMALLEST_POWER = 1e-9
"""The root of a power of exactly 0 has no gradient."""


class DifferentiableMel(nn.Module):
    """`components.features.mel` in torch, up to half the sample rate: the loss hears what the input lacks."""

    window: Tensor
    bank: Tensor

    def __init__(self, analysis: MelAnalysis) -> None:
        super().__init__()
        full = replace(analysis, fmax=analysis.sample_rate / 2)
        self._hop, self._n_fft, self._floor = analysis.hop_length, analysis.n_fft, analysis.log_floor
        hann = torch.tensor(window(analysis.win_length, analysis.n_fft))
        self.register_buffer("window", hann, persistent=False)
        self.register_buffer("bank", torch.tensor(filterbank(full)).t().contiguous(), persistent=False)

    def forward(self, samples: Tensor) -> Tensor:
        """[B, N] → [B, 1 + N // hop, n_mels] natural log."""
        half = self._n_fft // 2
        padded = F.pad(samples.float()[:, None], (half, half), mode="reflect")[:, 0]
        spectrum = torch.fft.rfft(padded.unfold(1, self._n_fft, self._hop) * self.window)
        power = torch.view_as_real(spectrum).square().sum(dim=-1)
        mel: Tensor = power.clamp(min=_SMALLEST_POWER).sqrt() @ self.bank
        return mel.clamp(min=self._floor).log()


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
        self.mel = DifferentiableMel(analysis)

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
