"""Self-attention that knows how far two positions are apart, and not where they stand."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from components.nn.linear import Linear


class RelativeSelfAttention(nn.Module):
    """Multi-head self-attention with clipped relative keys (Shaw et al. 2018, section 3.2, equation 4).

    score(i, j) = q_i · (k_j + a_clip(j - i, ±D)) / √d. Only keys are relative: the paper finds (table 3) that
    relative values add nothing. Without absolute positions the output is invariant to padding on either side.

    Args:
        channels: C, of input and output.
        heads: H.
        head_channels: d, per head; H · d need not equal C.
        max_distance: D in positions; beyond it distances are told apart no more.
        dropout: of the attention weights.
    """

    def __init__(
        self, channels: int, heads: int, head_channels: int, max_distance: int, dropout: float
    ) -> None:
        super().__init__()
        self.heads, self.head_channels, self.max_distance = heads, head_channels, max_distance
        self.to_query_key_value = Linear(channels, 3 * heads * head_channels)
        self.to_output = Linear(heads * head_channels, channels)
        self.relative_keys = nn.Parameter(torch.empty(2 * max_distance + 1, head_channels))
        nn.init.normal_(self.relative_keys, std=head_channels**-0.5)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, valid: Tensor) -> Tensor:
        """Attend over valid positions.

        Args:
            x: [B, L, C].
            valid: [B, L] bool; at least one True in each row.

        Returns:
            [B, L, C]; meaningless where not valid.
        """
        batch, length, _ = x.shape
        projected = self.to_query_key_value(x).view(batch, length, 3, self.heads, self.head_channels)
        query, key, value = projected.permute(2, 0, 3, 1, 4)  # each [B, H, L, d]
        scores = query @ key.transpose(-1, -2) + self._relative_scores(query)
        scores = scores / math.sqrt(self.head_channels)
        scores = scores.masked_fill(~valid[:, None, None, :], -torch.inf)
        weights = self.dropout(scores.softmax(dim=-1))
        mixed = (weights @ value).transpose(1, 2).reshape(batch, length, -1)
        output: Tensor = self.to_output(mixed)
        return output

    def _relative_scores(self, query: Tensor) -> Tensor:
        """q_i · a_(j - i): [B, H, L, d] → [B, H, L, L], without an [L, L, d] table in memory."""
        positions = torch.arange(query.shape[-2], device=query.device)
        distance = (positions.unsqueeze(0) - positions.unsqueeze(1)).clamp(
            -self.max_distance, self.max_distance
        )
        index = (distance + self.max_distance).expand(*query.shape[:2], -1, -1)
        by_distance = query @ self.relative_keys.t()  # [B, H, L, 2D + 1]
        return by_distance.gather(-1, index)
