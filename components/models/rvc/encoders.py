"""What a frame's latent vector may be: by its content and pitch (prior), by its spectrum (posterior)."""

from __future__ import annotations

import math

import torch.nn.functional as F
from torch import Tensor, nn

from components.models.rvc.params import Architecture
from components.models.rvc.wavenet import WaveNet
from components.nn.linear import Linear
from components.nn.windowed_attention import WindowedRelativeAttention

_SLOPE = 0.1
_WINDOW, _KERNEL = 10, 3
"""Of the relative positions, and of the feed-forward convolutions, as published."""


class PriorEncoder(nn.Module):
    """Content features and coarse pitch → mean and log deviation of the prior (RVC's TextEncoder).

    VITS' text encoder (Kim, Kong and Son 2021, section 2.5.2) over content features; no dropout.
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        a = architecture
        self.channels, self.scale = a.inter_channels, math.sqrt(a.inter_channels)
        self.from_content = Linear(a.content_encoder.dim, a.inter_channels)
        self.from_pitch = nn.Embedding(a.pitch_bins, a.inter_channels)
        self.blocks = nn.ModuleList(
            PriorBlock(a.inter_channels, a.prior_heads, a.prior_filter_channels)
            for _ in range(a.prior_layers)
        )
        self.to_statistics = Linear(a.inter_channels, 2 * a.inter_channels)

    def forward(self, content: Tensor, pitch: Tensor, valid: Tensor) -> tuple[Tensor, Tensor]:
        """Statistics of the prior.

        Args:
            content: [B, T, D].
            pitch: [B, T] steps.
            valid: [B, T] bool.

        Returns:
            mean and log deviation, [B, C, T] each, zero where not valid.
        """
        keep = valid.unsqueeze(-1).to(content.dtype)
        x = F.leaky_relu((self.from_content(content) + self.from_pitch(pitch)) * self.scale, _SLOPE) * keep
        for block in self.blocks:
            x = block(x, valid, keep)
        mean, log_deviation = (self.to_statistics(x) * keep).transpose(1, 2).chunk(2, dim=1)
        return mean, log_deviation


class PriorBlock(nn.Module):
    """Attention, then two convolutions; residual, with the norm after each addition."""

    def __init__(self, channels: int, heads: int, filter_channels: int) -> None:
        super().__init__()
        self.attention = WindowedRelativeAttention(channels, heads, _WINDOW)
        self.widen = nn.Conv1d(channels, filter_channels, _KERNEL, padding=_KERNEL // 2)
        self.narrow = nn.Conv1d(filter_channels, channels, _KERNEL, padding=_KERNEL // 2)
        self.attention_norm, self.convolution_norm = nn.LayerNorm(channels), nn.LayerNorm(channels)

    def forward(self, x: Tensor, valid: Tensor, keep: Tensor) -> Tensor:
        """[B, T, C], [B, T] bool, [B, T, 1] as numbers → [B, T, C], zero where not valid."""
        x = self.attention_norm(x + self.attention(x, valid)) * keep
        # Padding is zeroed before each convolution, or it would bleed into the last valid frames.
        hidden = F.relu(self.widen(x.transpose(1, 2))) * keep.transpose(1, 2)
        output: Tensor = self.convolution_norm(x + self.narrow(hidden).transpose(1, 2)) * keep
        return output


class PosteriorEncoder(nn.Module):
    """A recording's linear spectrum → mean and log deviation of its latent vectors; training only."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        a = architecture
        self.first = nn.Conv1d(a.n_fft // 2 + 1, a.inter_channels, 1)
        self.wavenet = WaveNet(a.inter_channels, a.posterior_layers, a.speaker_embedding_dim)
        self.to_statistics = nn.Conv1d(a.inter_channels, 2 * a.inter_channels, 1)

    def forward(self, spectrum: Tensor, valid: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        """Magnitudes [B, F, T], [B, T] bool, speaker [B, S] → [B, C, T] twice, zero where not valid."""
        keep = valid.unsqueeze(1).to(spectrum.dtype)
        hidden = self.wavenet(self.first(spectrum) * keep, keep, condition)
        mean, log_deviation = (self.to_statistics(hidden) * keep).chunk(2, dim=1)
        return mean, log_deviation
