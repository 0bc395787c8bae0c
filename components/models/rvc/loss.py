"""RVC's losses, as one network with two phases."""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from components.features.mel import MelAnalysis, filterbank, window
from components.models.rvc.network import RvcGenerator
from components.models.rvc.params import Section
from components.models.rvc.pitch import excitation
from components.models.rvc.posterior import Encoded, divergence, encoded, known_noise
from components.models.rvc.spectrum import LinearSpectrum
from components.nn.adversarial import DISCRIMINATOR, discriminator_loss, feature_loss, generator_loss
from components.nn.contracts import Batch
from components.nn.differentiable_mel import DifferentiableMel
from components.nn.discriminators import Discriminators


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
        found = self._encoded(batch)
        prior = self.generator.prior_statistics(batch["content"], batch["f0"], found.valid)
        kl = divergence(self.generator, found, prior)
        made, real = self._segments(found, batch)
        mel = F.l1_loss(self.mel(made), self.mel(real))
        with torch.no_grad():
            judged_real = self.discriminators(real)
        judged = self.discriminators(made)
        fooling, matching = generator_loss(judged), feature_loss(judged_real, judged)
        w = self._weights
        total = fooling + w.feature_loss_weight * matching + w.mel_loss_weight * mel + w.kl_loss_weight * kl
        parts = {"adversarial": fooling, "features": matching, "mel": mel, "kl": kl}
        return {"total": total, **{name: value.detach() for name, value in parts.items()}}

    def _encoded(self, batch: Batch) -> Encoded:
        return encoded(self.generator, self.spectrum(batch["samples"]), batch)

    def _segments(self, found: Encoded, batch: Batch) -> tuple[Tensor, Tensor]:
        """Made and real samples [B, S] of one stretch of each row, drawn anew each time."""
        spare = (batch["frames"] - self._segment).clamp(min=0)
        drawn = torch.rand(spare.shape, device=spare.device) if self.training else 0.5
        starts = (drawn * (spare + 1)).long().clamp(max=spare)
        frames = starts[:, None] + torch.arange(self._segment, device=spare.device)
        z = found.z.gather(2, frames[:, None].expand(-1, found.z.shape[1], -1))
        source = self._source(batch["f0"].gather(1, frames))
        made = self.generator.decoder(z, source, found.condition)
        places = starts[:, None] * self._hop + torch.arange(self._segment * self._hop, device=spare.device)
        return made.float(), batch["samples"].gather(1, places)

    def _source(self, f0: Tensor) -> Tensor:
        shape = (len(f0), f0.shape[1] * self._hop)
        if self.training:
            noise, start = torch.randn(shape, device=f0.device), torch.rand(len(f0), device=f0.device)
        else:
            start = torch.zeros(len(f0), device=f0.device)
            noise = known_noise(torch.empty(shape, device=f0.device))
        return excitation(f0, start, noise, self._rate)
