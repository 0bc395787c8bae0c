"""How long each symbol lasts, and which symbols a frame is about: what minutes of training do not find."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from components.models.vallex.params import Pacing
from components.nn.linear import Linear
from components.nn.masks import masked_mean, valid_positions

_NEIGHBOURS = (-1, 0, 1, 2)
"""Symbols around the one at a frame's middle; a frame of 40 ms may hold parts of several."""
_PLACES = 3
"""Numbers that tell how much of its symbol is over at a frame's middle."""
_SHORTEST = 0.25
"""Frames; a symbol without any is divided by this."""
_SMALLEST = 1e-6
"""Frames; what lasts no time cannot be spread."""


class Guide(nn.Module):
    """Shows each frame the symbols that it is about (VALL-E R, Han et al. 2024, in aim).

    VALL-E R feeds the sound that is being said beside each code and lets the model decide when to move on.
    Here durations are told before the first code, as in FastSpeech (Ren et al. 2019), so the alignment is
    known to both language models from the first step of training on.

    Args:
        channels: of the models.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.join = Linear(len(_NEIGHBOURS) * channels + _PLACES, channels)

    def forward(self, vectors: Tensor, lengths: Tensor, durations: Tensor, frames: int) -> Tensor:
        """One vector a frame.

        Args:
            vectors: [B, L, C] of the symbols.
            lengths: [B] symbols.
            durations: [B, L] frames of codes of each symbol, of any fraction; 0 at padding.
            frames: T; a row's frames after its symbols have ended are about its last one.

        Returns:
            [B, T, C].
        """
        ends = durations.float().cumsum(dim=1)
        middles = (torch.arange(frames, device=ends.device) + 0.5).expand(len(ends), -1).contiguous()
        last = (lengths - 1).unsqueeze(1)
        owner = torch.searchsorted(ends, middles, right=True).minimum(last)
        length = durations.float().gather(1, owner)
        begun = ends.gather(1, owner) - length
        over = ((middles - begun) / length.clamp(min=_SHORTEST)).clamp(0.0, 1.0)
        parts = [self._shifted(vectors, owner + step, last) for step in _NEIGHBOURS]
        places = torch.stack([over, (math.pi * over).cos(), length.log1p()], dim=2)
        output: Tensor = self.join(torch.cat([*parts, places.to(vectors.dtype)], dim=2))
        return output

    @staticmethod
    def _shifted(vectors: Tensor, place: Tensor, last: Tensor) -> Tensor:
        """[B, T, C] vectors at ``place`` [B, T]; 0 where a row has no such symbol."""
        there = (place >= 0) & (place <= last)
        index = place.clamp(min=0).minimum(last).unsqueeze(2).expand(-1, -1, vectors.shape[2])
        return vectors.gather(1, index) * there.unsqueeze(2)


class Durations(nn.Module):
    """Frames of codes of each symbol from its neighbourhood (FastSpeech 2, Ren et al. 2021, section 2.3).

    Differs: softplus instead of a logarithm, so that the mean length of a text is right.

    Args:
        channels: of the models.
        pacing: dimensions.
    """

    def __init__(self, channels: int, pacing: Pacing) -> None:
        super().__init__()
        self.mixes = nn.ModuleList(
            nn.Conv1d(channels, channels, pacing.kernel, padding=pacing.kernel // 2)
            for _ in range(pacing.layers)
        )
        self.norms = nn.ModuleList(nn.LayerNorm(channels) for _ in range(pacing.layers))
        self.last = Linear(channels, 1)

    def forward(self, vectors: Tensor, lengths: Tensor) -> Tensor:
        """[B, L, C] and [B] → frames [B, L], 0 at padding."""
        real = valid_positions(lengths, vectors.shape[1]).unsqueeze(2)
        x = vectors
        for mix, norm in zip(self.mixes, self.norms, strict=True):
            x = norm(F.relu(mix((x * real).transpose(1, 2)).transpose(1, 2)))
        return F.softplus(self.last(x).float())[..., 0] * real[..., 0]

    def loss(self, vectors: Tensor, lengths: Tensor, durations: Tensor) -> Tensor:
        """Mean Huber loss in frames."""
        told = self(vectors, lengths)
        off = F.smooth_l1_loss(told, durations.float(), reduction="none")
        return masked_mean(off, valid_positions(lengths, vectors.shape[1]))


def spread(durations: Tensor, frames: int) -> Tensor:
    """``durations`` [L], made longer or shorter alike so that they last ``frames``."""
    return durations * (frames / durations.sum().clamp(min=_SMALLEST))
