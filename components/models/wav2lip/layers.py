"""The convolution that generator and judge are made of."""

from __future__ import annotations

import math

import torch.nn.functional as F
from torch import Tensor, nn

_GROUP = 16


class ConvBlock(nn.Module):
    """Convolution, group norm, SiLU; residual where the shape stays.

    Group norm for upstream's batch norm: a frame must come out the same whatever batch it is rendered in. A
    group has `_GROUP` channels: the mean of a single channel is a face's colour, and would be lost.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int | tuple[int, int] = 1) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2)
        self.norm = nn.GroupNorm(math.gcd(outputs, max(1, outputs // _GROUP)), outputs)
        self._residual = inputs == outputs and stride == 1

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, H, W] → [B, C', H', W']."""
        made = F.silu(self.norm(self.convolution(x)))
        return made + x if self._residual else made
