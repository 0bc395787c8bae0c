"""Gated dilated convolutions with a speaker's condition: the body of posterior encoder and flow."""

from __future__ import annotations

import torch
from torch import Tensor, nn

_KERNEL = 5
"""As published, with dilation 1 throughout."""


class WaveNet(nn.Module):
    """Residual gated convolutions (Kim, Kong and Son 2021, appendix B; as in WaveGlow, non-causal).

    Args:
        channels: C.
        layers: number.
        condition_channels: S, size of the speaker's vector.
    """

    def __init__(self, channels: int, layers: int, condition_channels: int) -> None:
        super().__init__()
        self.channels = channels
        self.condition = nn.Conv1d(condition_channels, 2 * channels * layers, 1)
        self.gated = nn.ModuleList(
            nn.Conv1d(channels, 2 * channels, _KERNEL, padding=_KERNEL // 2) for _ in range(layers)
        )
        # The last layer has no layer after it to hand a residual to.
        self.parted = nn.ModuleList(
            nn.Conv1d(channels, 2 * channels if place < layers - 1 else channels, 1)
            for place in range(layers)
        )

    def forward(self, x: Tensor, keep: Tensor, condition: Tensor) -> Tensor:
        """The sum of what all layers skip to the end.

        Args:
            x: [B, C, T].
            keep: [B, 1, T], 1 where valid.
            condition: [B, S].

        Returns:
            [B, C, T], zero where not valid.
        """
        conditions = self.condition(condition.unsqueeze(-1)).chunk(len(self.gated), dim=1)
        skipped = torch.zeros_like(x)
        for gated, parted, own in zip(self.gated, self.parted, conditions, strict=True):
            wave, gate = (gated(x) + own).chunk(2, dim=1)
            made = parted(torch.tanh(wave) * torch.sigmoid(gate))
            skipped = skipped + made[:, -self.channels :]
            if made.shape[1] > self.channels:
                x = (x + made[:, : self.channels]) * keep
        return skipped * keep
