"""What HiFi-GAN's generators are made of, and how far their samples look."""

from __future__ import annotations

from fractions import Fraction

import torch.nn.functional as F
from torch import Tensor, nn

_SLOPE = 0.1
"""Of the leaky rectifiers, as published."""
_INITIAL_DEVIATION = 0.01


class ResidualBlock(nn.Module):
    """Pairs of a dilated and a plain convolution, each pair added to its input (figure 1, "ResBlock")."""

    def __init__(self, channels: int, kernel: int, dilations: tuple[int, ...]) -> None:
        super().__init__()
        self.dilated = nn.ModuleList(
            same_length(channels, channels, kernel, dilation) for dilation in dilations
        )
        self.plain = nn.ModuleList(same_length(channels, channels, kernel, 1) for _ in dilations)

    def forward(self, signal: Tensor) -> Tensor:
        """[B, C, N] → the same."""
        for dilated, plain in zip(self.dilated, self.plain, strict=True):
            inner = dilated(F.leaky_relu(signal, _SLOPE))
            signal = signal + plain(F.leaky_relu(inner, _SLOPE))
        return signal


class ResidualBlocks(nn.Module):
    """Blocks of several kernels side by side, averaged (multi-receptive field fusion)."""

    def __init__(self, channels: int, kernels: tuple[int, ...], dilations: tuple[int, ...]) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(ResidualBlock(channels, kernel, dilations) for kernel in kernels)

    def forward(self, signal: Tensor) -> Tensor:
        """[B, C, N] → the same."""
        summed = self.blocks[0](signal)
        for block in self.blocks[1:]:
            summed = summed + block(signal)
        mean: Tensor = summed / len(self.blocks)
        return mean


def same_length(before: int, after: int, kernel: int, dilation: int) -> nn.Conv1d:
    """A convolution that keeps the length."""
    return nn.Conv1d(before, after, kernel, dilation=dilation, padding=dilation * (kernel // 2))


def start_small(*parts: nn.Module) -> None:
    """Initialise the convolutions of these parts as published: normal, deviation 0.01."""
    for part in parts:
        for module in part.modules():
            if isinstance(module, nn.Conv1d | nn.ConvTranspose1d):
                nn.init.normal_(module.weight, 0.0, _INITIAL_DEVIATION)


def residual_reach(kernels: tuple[int, ...], dilations: tuple[int, ...]) -> int:
    """Samples on either side that a sample of `ResidualBlocks` depends on."""
    return max(kernels) // 2 * sum(dilation + 1 for dilation in dilations)


def upsampling_reach(rates: tuple[int, ...], kernels: tuple[int, ...], inside: int, outer: int) -> int:
    """Frames on either side of a hop that the samples of an upsampling generator depend on, at most.

    Args:
        rates, kernels: of the transposed convolutions.
        inside: reach of the blocks after each of them, in their own samples.
        outer: reach of the first convolution in frames and of the last one in samples.
    """
    reach, length = Fraction(outer), 1  # length: samples to a frame so far
    for rate, kernel in zip(rates, kernels, strict=True):
        reach += Fraction(-(-kernel // rate), length)
        length *= rate
        reach += Fraction(inside, length)
    return -int(-(reach + Fraction(outer, length)) // 1)
