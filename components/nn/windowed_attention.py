"""Self-attention with relative keys and values within a window, as VITS' text encoder has it."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from components.nn.linear import Linear


class WindowedRelativeAttention(nn.Module):
    """Multi-head self-attention over all positions, with relative positions near by (Shaw et al. 2018).

    score(i, j) = q_i · (k_j + a_(j - i)) / √d and output_i = Σ_j w_ij (v_j + b_(j - i)), equations 3 and 4,
    with a and b zero beyond ±W, as Kim, Kong and Son 2021 (VITS) have it. `RelativeSelfAttention` differs: it
    clips far distances to the last vector instead, and has no b.

    Args:
        channels: C, a multiple of ``heads``.
        heads: H, of d = C / H channels each; all share a and b.
        window: W, positions.
    """

    def __init__(self, channels: int, heads: int, window: int) -> None:
        super().__init__()
        self.heads, self.window, width = heads, window, channels // heads
        self.to_query_key_value = Linear(channels, 3 * channels)
        self.to_output = Linear(channels, channels)
        self.relative_keys = nn.Parameter(torch.randn(2 * window + 1, width) * width**-0.5)
        self.relative_values = nn.Parameter(torch.randn(2 * window + 1, width) * width**-0.5)
        nn.init.xavier_uniform_(self.to_query_key_value.weight)

    def forward(self, x: Tensor, valid: Tensor) -> Tensor:
        """Attend over valid positions.

        Args:
            x: [B, L, C].
            valid: [B, L] bool; at least one True in each row.

        Returns:
            [B, L, C]; meaningless where not valid.
        """
        batch, length, channels = x.shape
        projected = self.to_query_key_value(x).view(batch, length, 3, self.heads, -1)
        query, key, value = projected.permute(2, 0, 3, 1, 4)  # each [B, H, L, d]
        offsets = torch.arange(-self.window, self.window + 1, device=x.device)
        neighbours = torch.arange(length, device=x.device)[:, None] + offsets  # [L, 2W + 1]
        inside = (neighbours >= 0) & (neighbours < length)
        places = neighbours.clamp(0, length - 1).expand(batch, self.heads, -1, -1)
        near = (query @ self.relative_keys.t()).masked_fill(~inside, 0.0)
        scores = (query @ key.transpose(-1, -2)).scatter_add(-1, places, near.to(query.dtype))
        scores = (scores / math.sqrt(query.shape[-1])).masked_fill(~valid[:, None, None, :], -torch.inf)
        weights = scores.softmax(dim=-1)
        banded = weights.gather(-1, places).masked_fill(~inside, 0.0)
        mixed = weights.to(value.dtype) @ value + (banded @ self.relative_values).to(value.dtype)
        output: Tensor = self.to_output(mixed.transpose(1, 2).reshape(batch, length, channels))
        return output
