"""RVC's generator: encoders, flow, decoder and the speakers' table."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from components.models.rvc.decoder import Decoder
from components.models.rvc.encoders import PosteriorEncoder, PriorEncoder
from components.models.rvc.flow import Flow
from components.models.rvc.params import FRAMES_PER_FEATURE, Architecture
from components.models.rvc.pitch import coarse_pitch
from components.models.rvc.spectral_decoder import MelDecoder
from components.nn.weight_norm import add_weight_norm


@dataclass(frozen=True)
class PitchRange:
    """Hz of the lowest and the highest coarse step."""

    floor: float
    ceil: float


class RvcGenerator(nn.Module):
    """VITS (Kim, Kong and Son 2021) over content features, with a source-filter decoder: RVC v2.

    Differs from upstream: unvoiced frames have a coarse step of their own (`pitch.coarse_pitch`). The paper
    size has upstream's parameters to the number.

    Args:
        architecture: dimensions.
        pitch: range of the coarse steps.
    """

    def __init__(self, architecture: Architecture, pitch: PitchRange) -> None:
        super().__init__()
        self._pitch, self._bins = pitch, architecture.pitch_bins
        self.prior = PriorEncoder(architecture)
        self.posterior = PosteriorEncoder(architecture)
        self.flow = Flow(architecture)
        self.decoder = _decoder(architecture, pitch)
        self.speakers = nn.Embedding(architecture.n_speakers, architecture.speaker_embedding_dim)

    def prior_statistics(self, content: Tensor, f0: Tensor, valid: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log deviation [B, C, T] of the prior.

        Args:
            content: [B, T / 2, D], one row for two frames.
            f0: [B, T] Hz, 0 where unvoiced.
            valid: [B, T] bool.
        """
        steps = coarse_pitch(f0, self._pitch.floor, self._pitch.ceil, self._bins)
        repeated = content.repeat_interleave(FRAMES_PER_FEATURE, dim=1)
        statistics: tuple[Tensor, Tensor] = self.prior(repeated, steps, valid)
        return statistics

    def latents(self, content: Tensor, f0: Tensor, speaker: Tensor, noise: Tensor) -> Tensor:
        """Latent vectors [B, C, T] of what the speaker would say; the posterior has no part in it.

        Args:
            content, f0: as above, all valid.
            speaker: [B].
            noise: [B, C, T], what is drawn from the prior in deviations.
        """
        valid = torch.ones_like(f0, dtype=torch.bool)
        mean, log_deviation = self.prior_statistics(content, f0, valid)
        drawn: Tensor = self.flow.inverse(mean + noise * log_deviation.exp(), valid, self.speakers(speaker))
        return drawn


def _decoder(architecture: Architecture, pitch: PitchRange) -> Decoder | MelDecoder:
    spectral = architecture.spectral_decoder
    if spectral is None:
        return Decoder(architecture)
    return MelDecoder(architecture, spectral, pitch.floor, pitch.ceil)


def add_generator_weight_norm(generator: RvcGenerator) -> None:
    """Weight norm where upstream has it: WaveNets, upsamplings and residual blocks.

    Not on the flow's last convolutions: they begin at 0, which has no direction.
    """
    wavenets: list[nn.Module] = [
        generator.posterior.wavenet,
        *(one.get_submodule("wavenet") for one in generator.flow.couplings),
    ]
    decoder = generator.decoder
    upsampling = [decoder.upsamplings, decoder.blocks] if isinstance(decoder, Decoder) else []
    for part in (*wavenets, *upsampling):
        add_weight_norm(part)
