"""The synthesiser: latent vectors and a tone at f0 are upsampled together to samples."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from components.models.rvc.noise import noise_at
from components.models.rvc.params import Architecture
from components.models.rvc.pitch import excitation, phase_after
from components.models.rvc.tone import Tone
from components.nn.linear import Linear
from components.nn.residual_blocks import (
    ResidualBlocks,
    residual_reach,
    same_length,
    start_small,
    upsampling_reach,
)

_SOURCE_SEED = 2
"""Any: the same recording must give the same samples."""
_SLOPE = 0.1
_OUTER_KERNEL = 7
"""As published, of the rectifiers, and of the first and the last convolution."""


class Decoder(nn.Module):
    """HiFi-GAN's generator (Kong, Kim and Bae 2020) with the source of neural source-filter models.

    The tone (`pitch.excitation`) is brought to the length of every level by a strided convolution and added
    there. So the pitch is heard as it was asked for, also where no training pitch was.
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        a = architecture
        self._architecture = a
        channels = a.upsample_initial_channels
        self.first = same_length(a.inter_channels, channels, _OUTER_KERNEL, 1)
        self.condition = nn.Conv1d(a.speaker_embedding_dim, channels, 1)
        self.to_source = Linear(1, 1)
        self.upsamplings, self.blocks, self.sources = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        for place, (rate, kernel) in enumerate(zip(a.upsample_rates, a.upsample_kernels, strict=True)):
            self.upsamplings.append(
                nn.ConvTranspose1d(channels, channels // 2, kernel, rate, padding=(kernel - rate) // 2)
            )
            channels //= 2
            self.blocks.append(ResidualBlocks(channels, a.resblock_kernels, a.resblock_dilations))
            self.sources.append(_shortened(channels, math.prod(a.upsample_rates[place + 1 :])))
        self.last = nn.Conv1d(channels, 1, _OUTER_KERNEL, padding=_OUTER_KERNEL // 2, bias=False)
        start_small(self.upsamplings, self.blocks)

    def forward(self, z: Tensor, source: Tensor, condition: Tensor) -> Tensor:
        """Samples.

        Args:
            z: latent vectors [B, C, T].
            source: [B, T · hop].
            condition: the speaker, [B, S].

        Returns:
            [B, T · hop] in (-1, 1).
        """
        tone = torch.tanh(self.to_source(source.unsqueeze(-1))).transpose(1, 2)
        signal = self.first(z) + self.condition(condition.unsqueeze(-1))
        for upsampling, blocks, shorten in zip(self.upsamplings, self.blocks, self.sources, strict=True):
            signal = blocks(upsampling(F.leaky_relu(signal, _SLOPE)) + shorten(tone))
        return torch.tanh(self.last(F.leaky_relu(signal))).squeeze(1)

    def tone(self, f0: Tensor, begin: int) -> Tone:
        """See `tone.ToneDecoder`: the frequency is held within a frame, and stands in unvoiced ones."""
        start = torch.zeros(1, device=f0.device)
        return Tone(f0, f0, phase_after(f0[None], start, self._hop_s)[0], begin)

    def samples(self, z: Tensor, tone: Tone, condition: Tensor) -> Tensor:
        """See `tone.ToneDecoder`."""
        a, frames = self._architecture, len(tone.f0)
        noise = noise_at(tone.begin * a.hop_length, (tone.begin + frames) * a.hop_length, _SOURCE_SEED)
        source = excitation(
            tone.f0[None], tone.phase[:1].remainder(1.0), noise.to(z.device)[None], a.sample_rate_hz
        )
        made: Tensor = self(z, source, condition)[0]
        return made

    @property
    def _hop_s(self) -> float:
        return self._architecture.hop_length / self._architecture.sample_rate_hz

    @property
    def reach_frames(self) -> int:
        """Frames on either side of a hop that its samples depend on, at most; the tone adds one."""
        a = self._architecture
        inside = residual_reach(a.resblock_kernels, a.resblock_dilations)
        return 1 + upsampling_reach(a.upsample_rates, a.upsample_kernels, inside, _OUTER_KERNEL // 2)


def _shortened(channels: int, factor: int) -> nn.Conv1d:
    """A convolution over the tone that gives one value in ``factor`` samples."""
    if factor == 1:
        return nn.Conv1d(1, channels, 1)
    kernel = 2 * factor + factor % 2  # even with factor, or the padding would not be whole
    return nn.Conv1d(1, channels, kernel, factor, padding=(kernel - factor) // 2)
