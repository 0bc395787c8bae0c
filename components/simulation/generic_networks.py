"""Networks of no model here: they teach what an operator costs in a network beyond what it costs alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Work = Callable[[], object]


def generic_networks() -> Iterator[tuple[Work, Work]]:
    """Each as a pass without gradients and as one with (forward and backward), float32."""
    yield _works(nn.Sequential(*(_Attending(8) for _ in range(4))), torch.randn(1, 6, 8))
    yield _works(nn.Sequential(*(_Attending(224) for _ in range(3))), torch.randn(1, 1, 224))
    yield _works(nn.Sequential(*(_Attending(160) for _ in range(3))), torch.randn(1, 90, 160))
    yield _works(nn.Sequential(*(_Attending(96) for _ in range(2))), torch.randn(6, 200, 96))
    yield _works(nn.Sequential(*(_Gated(112, 2**place) for place in range(4))), torch.randn(1, 112, 350))
    yield _works(nn.Sequential(*(_Gated(64, 1) for _ in range(4))), torch.randn(8, 64, 100))
    yield _works(_pictures(), torch.randn(6, 5, 72, 72))


def _works(net: nn.Module, given: Tensor) -> tuple[Work, Work]:
    def infer() -> None:
        with torch.no_grad():
            net(given)

    def learn() -> None:
        net.zero_grad()
        net(given).square().mean().backward()

    return infer, learn


class _Attending(nn.Module):
    """A transformer's block with a convolution in it."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
        self.heads, self.joined = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.wide, self.narrow = nn.Conv1d(width, 2 * width, 3, padding=1), nn.Linear(2 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """[B, T, C] → the same."""
        rows, length, width = x.shape
        query, key, value = (
            self.heads(self.first(x)).view(rows, length, 2, -1).transpose(1, 2).chunk(3, dim=-1)
        )
        seen = F.scaled_dot_product_attention(query, key, value).transpose(1, 2).reshape(rows, length, width)
        x = x + self.joined(seen)
        inner = F.relu(self.wide(self.second(x).transpose(1, 2))).transpose(1, 2)
        made: Tensor = x + self.narrow(inner)
        return made


class _Gated(nn.Module):
    """A dilated convolution with a gate and a residue."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.inner = nn.Conv1d(channels, 2 * channels, 5, padding=2 * dilation, dilation=dilation)
        self.outer = nn.Conv1d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, T] → the same."""
        value, gate = self.inner(x).chunk(2, dim=1)
        made: Tensor = x + self.outer(torch.tanh(value) * torch.sigmoid(gate))
        return made


def _pictures() -> nn.Module:
    """Pictures smaller, then larger again."""

    def block(inputs: int, outputs: int, stride: int) -> nn.Module:
        convolution = nn.Conv2d(inputs, outputs, 3, stride, padding=1)
        return nn.Sequential(convolution, nn.GroupNorm(4, outputs), nn.SiLU())

    larger = nn.Upsample(scale_factor=2.0)
    return nn.Sequential(block(5, 20, 1), block(20, 40, 2), block(40, 40, 1), larger, block(40, 12, 1))
