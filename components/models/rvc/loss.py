"""RVC's losses, as one network with two phases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from components.features.mel import MelAnalysis, filterbank, window
from components.models.rvc.network import RvcGenerator
from components.models.rvc.noise import noise_at
from components.models.rvc.params import Section
from components.models.rvc.pitch import excitation
from components.models.rvc.spectrum import LinearSpectrum
from components.nn.adversarial import DISCRIMINATOR, discriminator_loss, feature_loss, generator_loss
from components.nn.contracts import Batch
from components.nn.differentiable_mel import DifferentiableMel
from components.nn.discriminators import Discriminators
from components.nn.masks import valid_positions

_VALIDATION_SEED = 3


@dataclass(frozen=True)
class Posterior:
    """What recordings were encoded to: [B, C, T] each, and the speakers' vectors [B, S]."""

    z: Tensor
    log_deviation: Tensor
    valid: Tensor
    condition: Tensor


class Rvc(nn.Module):
    """A `components.nn.contracts.TrainableNetwork` (VITS, equations 3 and 8 to 11, without text or duration).

    Differs from upstream: the tone of a segment begins at a random phase, as it does in a stream; out of
    training nothing is random (the middle segment, the same noise each time), so that validation compares
    like with like.

    Args:
        section: ``models.rvc``.
        generator: with weight norm, or as it is.
        log_floor: of the mel loss.
    """

    def __init__(self, section: Section, generator: RvcGenerator, log_floor: float) -> None:
        super().__init__()
        a = section.architecture
        self._weights, self._hop, self._rate = section.training, a.hop_length, a.sample_rate_hz
        self._segment = section.training.segment_samples // a.hop_length
        self.generator = generator
        self.discriminators = Discriminators(a.discriminators, spectral=False)
        self.spectrum = LinearSpectrum(a)
        mel = MelAnalysis.of(a, log_floor)
        self.mel = DifferentiableMel(
            window(mel.win_length, mel.n_fft), filterbank(mel), mel.hop_length, mel.log_floor
        )

    def forward(self, phase: str, batch: Batch, step: int) -> Mapping[str, Tensor]:
        """Losses of a phase.

        Args:
            batch: see `dataset.collate`.

        Returns:
            ``total`` and its parts, scalars.
        """
        if phase == DISCRIMINATOR:
            with torch.no_grad():
                made, real = self._segments(self._encoded(batch), batch)
            return {"total": discriminator_loss(self.discriminators(real), self.discriminators(made))}
        encoded = self._encoded(batch)
        kl = self._kl(encoded, batch)
        made, real = self._segments(encoded, batch)
        mel = F.l1_loss(self.mel(made), self.mel(real))
        with torch.no_grad():
            judged_real = self.discriminators(real)
        judged = self.discriminators(made)
        fooling, matching = generator_loss(judged), feature_loss(judged_real, judged)
        w = self._weights
        total = fooling + w.feature_loss_weight * matching + w.mel_loss_weight * mel + w.kl_loss_weight * kl
        parts = {"adversarial": fooling, "features": matching, "mel": mel, "kl": kl}
        return {"total": total, **{name: value.detach() for name, value in parts.items()}}

    def _encoded(self, batch: Batch) -> Posterior:
        condition = self.generator.speakers(batch["speakers"])
        valid = valid_positions(batch["frames"], batch["f0"].shape[1])
        spectrum = self.spectrum(batch["samples"])
        mean, log_deviation = self.generator.posterior(spectrum, valid, condition)
        # At the posterior's mean the estimate of the divergence would be far too low.
        noise = torch.randn_like(mean) if self.training else _known_noise(mean)
        z = (mean + noise * log_deviation.exp()) * valid.unsqueeze(1)
        return Posterior(z, log_deviation, valid, condition)

    def _kl(self, encoded: Posterior, batch: Batch) -> Tensor:
        """KL divergence of posterior and prior at the drawn z (equation 3)."""
        mean, log_deviation = self.generator.prior_statistics(batch["content"], batch["f0"], encoded.valid)
        moved = self.generator.flow(encoded.z, encoded.valid, encoded.condition)
        return kl_divergence(moved, encoded.log_deviation, mean, log_deviation, encoded.valid)

    def _segments(self, encoded: Posterior, batch: Batch) -> tuple[Tensor, Tensor]:
        """Made and real samples [B, S] of one stretch of each row, drawn anew each time."""
        spare = (batch["frames"] - self._segment).clamp(min=0)
        drawn = torch.rand(spare.shape, device=spare.device) if self.training else 0.5
        starts = (drawn * (spare + 1)).long().clamp(max=spare)
        frames = starts[:, None] + torch.arange(self._segment, device=spare.device)
        z = encoded.z.gather(2, frames[:, None].expand(-1, encoded.z.shape[1], -1))
        source = self._source(batch["f0"].gather(1, frames))
        made = self.generator.decoder(z, source, encoded.condition)
        places = starts[:, None] * self._hop + torch.arange(self._segment * self._hop, device=spare.device)
        return made.float(), batch["samples"].gather(1, places)

    def _source(self, f0: Tensor) -> Tensor:
        shape = (len(f0), f0.shape[1] * self._hop)
        if self.training:
            noise, start = torch.randn(shape, device=f0.device), torch.rand(len(f0), device=f0.device)
        else:
            start = torch.zeros(len(f0), device=f0.device)
            noise = _known_noise(torch.empty(shape, device=f0.device))
        return excitation(f0, start, noise, self._rate)


def _known_noise(like: Tensor) -> Tensor:
    """Normal noise of that shape, the same each time."""
    return noise_at(0, like.numel(), _VALIDATION_SEED).view(like.shape).to(like)


def kl_divergence(z: Tensor, log_q: Tensor, mean_p: Tensor, log_p: Tensor, valid: Tensor) -> Tensor:
    """Of the posterior that z was drawn from and a normal prior, estimated at z.

    Args:
        z: [B, C, T] in the prior's space.
        log_q, log_p: log deviations.
        mean_p: of the prior.
        valid: [B, T] bool.

    Returns:
        scalar: summed over channels, mean over valid frames.
    """
    z, log_q, mean_p, log_p = (value.float() for value in (z, log_q, mean_p, log_p))
    divergence = log_p - log_q - 0.5 + 0.5 * (z - mean_p).square() * torch.exp(-2.0 * log_p)
    return (divergence * valid.unsqueeze(1)).sum() / valid.sum()
