"""Conformer blocks (Gulati et al. 2020): attention and convolution over a short stretch of time."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from components.core.errors import ConfigError
from components.nn.linear import Linear
from components.nn.relative_attention import RelativeSelfAttention


class Conformer(nn.Module):
    """A stack of blocks over frames that are all there.

    Differs from the paper: layer norm for batch norm in the convolution module (a window's result must not
    depend on its batch), relative keys of Shaw et al. for Transformer-XL's.

    Args:
        channels: C.
        blocks: how many; 0 passes the input on.
        heads: of the attention.
        kernel: frames of the depthwise convolution, odd.
        frames: T of the windows.

    Raises:
        ConfigError: a kernel that is even or longer than the windows: most of it would be padding.
    """

    def __init__(self, channels: int, blocks: int, heads: int, kernel: int, frames: int) -> None:
        super().__init__()
        if kernel > frames or kernel % 2 == 0:
            raise ConfigError(
                who="conformer_kernel",
                expected=f"an odd number of at most {frames}, the frames of a window",
                found=str(kernel),
                action="lower it in params.yaml",
            )
        self.blocks = nn.ModuleList(ConformerBlock(channels, heads, kernel, frames) for _ in range(blocks))

    def forward(self, x: Tensor) -> Tensor:
        """[B, T, C] → [B, T, C]."""
        for block in self.blocks:
            x = block(x)
        return x


class ConformerBlock(nn.Module):
    """Half a feed-forward, attention, convolution, half a feed-forward, norm (section 2.4, equation 1)."""

    def __init__(self, channels: int, heads: int, kernel: int, frames: int) -> None:
        super().__init__()
        self.before, self.after = _feed_forward(channels), _feed_forward(channels)
        self.attention_norm = nn.LayerNorm(channels)
        self.attention = RelativeSelfAttention(channels, heads, max(1, channels // heads), frames - 1, 0.0)
        self.convolution = ConvolutionModule(channels, kernel)
        self.norm = nn.LayerNorm(channels)

    def forward(self, x: Tensor) -> Tensor:
        """[B, T, C] → [B, T, C]."""
        everything = torch.ones(x.shape[:2], dtype=torch.bool, device=x.device)
        x = x + 0.5 * self.before(x)
        x = x + self.attention(self.attention_norm(x), everything)
        x = x + self.convolution(x)
        made: Tensor = self.norm(x + 0.5 * self.after(x))
        return made


class ConvolutionModule(nn.Module):
    """Norm, gated pointwise, depthwise, norm, swish, pointwise (section 2.2, figure 2)."""

    def __init__(self, channels: int, kernel: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)
        self.gated = Linear(channels, 2 * channels)
        self.depthwise = nn.Conv1d(channels, channels, kernel, padding=kernel // 2, groups=channels)
        self.inner_norm = nn.LayerNorm(channels)
        self.pointwise = Linear(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        """[B, T, C] → [B, T, C]."""
        x = nn.functional.glu(self.gated(self.norm(x)), dim=-1)
        x = self.depthwise(x.transpose(1, 2)).transpose(1, 2)
        made: Tensor = self.pointwise(nn.functional.silu(self.inner_norm(x)))
        return made


def _feed_forward(channels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.LayerNorm(channels),
        Linear(channels, 4 * channels),
        nn.SiLU(),
        Linear(4 * channels, channels),
    )
