"""Networks of no model here: they teach what an operator costs in a network beyond what it costs alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from components.nn.linear import Linear

Work = Callable[[], object]


def generic_networks() -> Iterator[tuple[Work, Work]]:
    """Each as a pass without gradients and as one with (forward and backward), float32."""
    for width, depth, rows, length in (
        (8, 4, 1, 6), (112, 4, 1, 1), (144, 5, 1, 1), (208, 4, 1, 1), (256, 5, 1, 1), (160, 6, 1, 40),
        (144, 5, 1, 150), (112, 4, 2, 300), (96, 2, 6, 150),
    ):  # fmt: skip
        yield _works(
            nn.Sequential(*(_Attending(width, length) for _ in range(depth))),
            torch.randn(rows, length, width),
        )
    for channels, depth, rows, length in ((112, 5, 1, 350), (208, 4, 1, 120), (64, 4, 8, 100)):
        layers = (_Gated(channels, 2 ** (place % 3)) for place in range(depth))
        yield _works(nn.Sequential(*layers), torch.randn(rows, channels, length))
    yield _works(_pictures(20), torch.randn(6, 5, 72, 72))
    yield _works(_pictures(8), torch.randn(6, 5, 88, 88))


def _works(net: nn.Module, given: Tensor) -> tuple[Work, Work]:
    def infer() -> None:
        with torch.no_grad():
            net(given)

    def learn() -> None:
        net.zero_grad()
        net(given).square().mean().backward()

    return infer, learn


class _Attending(nn.Module):
    """A transformer's block: a condition, a mask of what is valid, a convolution where there are places."""

    def __init__(self, width: int, places: int) -> None:
        super().__init__()
        self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
        self.heads, self.joined = Linear(width, 3 * width), Linear(width, width)
        self.wide: nn.Module = Linear(width, 2 * width)
        if places > 1:
            self.wide = nn.Sequential(_Turned(), nn.Conv1d(width, 2 * width, 3, padding=1), _Turned())
        self.narrow = Linear(2 * width, width)
        self.condition, self.names = Linear(width, 2 * width), nn.Embedding(4, width)

    def forward(self, x: Tensor) -> Tensor:
        """[B, T, C] → the same."""
        rows, length, width = x.shape
        valid = torch.arange(length) < torch.full((rows, 1), length)
        gain, shift = self.condition(self.names(torch.zeros(rows, 1, dtype=torch.long))).chunk(2, dim=-1)
        query, key, value = (
            self.heads(self.first(x)).view(rows, length, 2, -1).transpose(1, 2).chunk(3, dim=-1)
        )
        seen = F.scaled_dot_product_attention(query, key, value).transpose(1, 2).reshape(rows, length, width)
        x = x + self.joined(seen)
        heard = (self.second(x) * (1.0 + gain) + shift).masked_fill(~valid[..., None], 0.0)
        inner = F.relu(self.wide(heard))
        made: Tensor = x + self.narrow(inner) * valid[..., None]
        return made


class _Turned(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        """[B, T, C] → [B, C, T], and back."""
        return x.transpose(1, 2)


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


def _pictures(channels: int) -> nn.Module:
    """Pictures smaller, then larger again."""

    def block(inputs: int, outputs: int, stride: int) -> nn.Module:
        convolution = nn.Conv2d(inputs, outputs, 3, stride, padding=1)
        return nn.Sequential(convolution, nn.GroupNorm(4, outputs), nn.SiLU())

    deep = 2 * channels
    down = (block(5, channels, 1), block(channels, deep, 2), block(deep, deep, 1), block(deep, 2 * deep, 2))
    up = (nn.Upsample(scale_factor=2.0), block(2 * deep, deep, 1), nn.Upsample(scale_factor=2.0))
    return nn.Sequential(*down, *up, block(deep, 12, 1), nn.Conv2d(12, 4, 1), nn.Sigmoid())
