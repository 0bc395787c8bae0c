"""RVC's losses where its decoder ends in a mel: the same game, without samples."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from components.features.mel import MelAnalysis, filterbank
from components.models.rvc.network import RvcGenerator
from components.models.rvc.params import Section, SpectralDecoder
from components.models.rvc.posterior import divergence, encoded, known_noise
from components.models.rvc.spectral_decoder import MelDecoder, MelJudge
from components.models.rvc.spectrum import LinearSpectrum
from components.nn.adversarial import DISCRIMINATOR, discriminator_loss, feature_loss, generator_loss
from components.nn.contracts import Batch
from components.nn.masks import valid_positions


class SpectralRvc(nn.Module):
    """A `components.nn.contracts.TrainableNetwork`: `loss.Rvc` in the domain of the mel.

    Differs from it: whole stretches instead of segments; and what conversion will do is trained besides,
    weighed by ``prior_mel_loss_weight``: the mel of latent vectors drawn from the prior alone. VITS leaves
    that to the divergence, which needs days to make both ends meet. The judge sees those mels.

    Args:
        section: ``models.rvc``, with a ``spectral_decoder``.
        decoder: that section.
        generator: with weight norm, or as it is.
        log_floor: of the mel.
    """

    bank: Tensor

    def __init__(
        self, section: Section, decoder: SpectralDecoder, generator: RvcGenerator, log_floor: float
    ) -> None:
        super().__init__()
        a = section.architecture
        self._weights, self._noise_scale = section.training, section.inference.prior_noise_scale
        self._log_floor = log_floor
        self.generator = generator
        self.discriminators = MelJudge(decoder.judge_channels)
        self.spectrum = LinearSpectrum(a)
        self.register_buffer("bank", torch.tensor(filterbank(MelAnalysis.of(a, log_floor))), persistent=False)

    def forward(self, phase: str, batch: Batch, step: int) -> Mapping[str, Tensor]:
        """Losses of a phase; see `loss.Rvc.forward`."""
        spectrum = self.spectrum(batch["samples"])
        valid = valid_positions(batch["frames"], batch["f0"].shape[1])
        keep = valid.unsqueeze(-1)
        real = self.log_mel(spectrum) * keep
        condition = self.generator.speakers(batch["speakers"])
        if phase == DISCRIMINATOR:
            with torch.no_grad():
                prior = self.generator.prior_statistics(batch["content"], batch["f0"], valid)
                made = self._from_prior(prior, batch, valid, condition) * keep
            return {"total": discriminator_loss(self.discriminators(real), self.discriminators(made))}
        found = encoded(self.generator, spectrum, batch)
        prior = self.generator.prior_statistics(batch["content"], batch["f0"], valid)
        kl = divergence(self.generator, found, prior)
        heard = self._decoded(found.z, batch, condition) * keep
        made = self._from_prior(prior, batch, valid, condition) * keep
        frames = valid.sum() * real.shape[-1]
        mel, prior_mel = ((one - real).abs().sum() / frames for one in (heard, made))
        with torch.no_grad():
            judged_real = self.discriminators(real)
        judged = self.discriminators(made)
        fooling, matching = generator_loss(judged), feature_loss(judged_real, judged)
        w = self._weights
        total = fooling + w.feature_loss_weight * matching + w.kl_loss_weight * kl
        total = total + w.mel_loss_weight * mel + w.prior_mel_loss_weight * prior_mel
        parts = {
            "adversarial": fooling, "features": matching, "mel": mel, "prior_mel": prior_mel, "kl": kl,
        }  # fmt: skip
        return {"total": total, **{name: value.detach() for name, value in parts.items()}}

    def log_mel(self, spectrum: Tensor) -> Tensor:
        """[B, F, T] magnitudes → [B, T, n_mels], frame t over the middle of hop t."""
        mel = spectrum.float().transpose(1, 2) @ self.bank.t()
        return mel.clamp(min=self._log_floor).log()

    def _from_prior(
        self, prior: tuple[Tensor, Tensor], batch: Batch, valid: Tensor, condition: Tensor
    ) -> Tensor:
        mean, log_deviation = prior
        noise = torch.randn_like(mean) if self.training else known_noise(mean)
        drawn = mean + self._noise_scale * noise * log_deviation.exp()
        return self._decoded(self.generator.flow.inverse(drawn, valid, condition), batch, condition)

    def _decoded(self, z: Tensor, batch: Batch, condition: Tensor) -> Tensor:
        decoder = self.generator.decoder
        if not isinstance(decoder, MelDecoder):  # the section says otherwise; network.py follows the section
            raise TypeError(type(decoder).__name__)
        mel: Tensor = decoder(z, batch["f0"], condition)
        return mel.float()
