"""The transformer below both language models, with or without a cache."""

from __future__ import annotations

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from components.models.vallex.cache import Cache
from components.nn.conditional_layer_norm import ConditionalLayerNorm
from components.nn.packed_linear import PackedLinear


class Transformer(nn.Module):
    """Pre-norm blocks and a last norm (VALL-E X, section 3.2; Xiong et al. 2020 for the place of the norms).

    Args:
        layers, channels, heads, ffn_channels: dimensions.
        dropout: of attention weights and of both halves of a block.
        conditioned: norms follow a vector (NAR, one for each codebook), or are plain (AR).
    """

    def __init__(
        self, *, layers: int, channels: int, heads: int, ffn_channels: int, dropout: float, conditioned: bool
    ) -> None:
        super().__init__()
        self.checkpointing = False
        self.heads, self.head_channels = heads, channels // heads
        self.blocks = nn.ModuleList(
            Block(channels, heads, ffn_channels, dropout, conditioned) for _ in range(layers)
        )
        self.norm = _norm(channels, conditioned)

    def forward(
        self, x: Tensor, mask: Tensor | None, condition: Tensor | None = None, cache: Cache | None = None
    ) -> Tensor:
        """All positions at once; with a cache, keys and values are left in it.

        Args:
            x: [B, S, C].
            mask: [B, S or 1, S] bool, True: may attend; None: everything may.
            condition: [B, C] where norms are conditioned.

        Returns:
            [B, S, C].
        """
        heads = None if mask is None else mask.unsqueeze(1)
        for number, block in enumerate(self.blocks):
            if self.checkpointing and torch.is_grad_enabled():
                x = checkpoint(block, x, heads, condition, use_reentrant=False)
            else:
                x = block(x, heads, condition, cache, number)
        return _normed(self.norm, x, condition)

    def step(self, x: Tensor, cache: Cache) -> Tensor:
        """One more position of every row: [B, 1, C] → [B, 1, C]. `Cache.advance` comes first."""
        for number, block in enumerate(self.blocks):
            x = cast("Block", block).step(x, cache, number)
        output: Tensor = self.norm(x)
        return output


class Block(nn.Module):
    """Self-attention, then a feed-forward network, each on normed input and added to its own."""

    def __init__(
        self, channels: int, heads: int, ffn_channels: int, dropout: float, conditioned: bool
    ) -> None:
        super().__init__()
        self.heads, self._rate = heads, dropout
        self.attention_norm, self.ffn_norm = _norm(channels, conditioned), _norm(channels, conditioned)
        self.to_query_key_value = PackedLinear(channels, 3 * channels)
        self.to_output = PackedLinear(channels, channels)
        self.widen = PackedLinear(channels, ffn_channels)
        self.narrow = PackedLinear(ffn_channels, channels)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self,
        x: Tensor,
        mask: Tensor | None,
        condition: Tensor | None = None,
        cache: Cache | None = None,
        number: int = 0,
    ) -> Tensor:
        """[B, S, C], mask [B, 1, S or 1, S] → [B, S, C]."""
        query, key, value = self._heads(self.to_query_key_value(_normed(self.attention_norm, x, condition)))
        if cache is not None:
            cache.begin(key, value, number)
        rate = self._rate if self.training else 0.0
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=mask, dropout_p=rate)
        x = x + self.dropout(self.to_output(_joined(mixed)))
        hidden = F.relu(self.widen(_normed(self.ffn_norm, x, condition)))
        output: Tensor = x + self.dropout(self.narrow(self.dropout(hidden)))
        return output

    def step(self, x: Tensor, cache: Cache, number: int) -> Tensor:
        """[B, 1, C] → [B, 1, C], with the keys and values of all positions before it."""
        query, key, value = self._heads(self.to_query_key_value.step(self.attention_norm(x)))
        keys, values = cache.grown(key, value, number)
        mixed = F.scaled_dot_product_attention(query, keys, values, attn_mask=cache.mask)
        x = x + self.to_output.step(_joined(mixed))
        output: Tensor = x + self.narrow.step(F.relu(self.widen.step(self.ffn_norm(x))))
        return output

    def _heads(self, projected: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        batch, length, _ = projected.shape
        split = projected.view(batch, length, 3, self.heads, -1)
        query, key, value = split.permute(2, 0, 3, 1, 4)  # each [B, H, S, d]
        return query, key, value


def _joined(mixed: Tensor) -> Tensor:
    """[B, H, S, d] → [B, S, C]."""
    batch, _, length, _ = mixed.shape
    return mixed.transpose(1, 2).reshape(batch, length, -1)


def _norm(channels: int, conditioned: bool) -> nn.Module:
    return ConditionalLayerNorm(channels, channels) if conditioned else nn.LayerNorm(channels)


def _normed(norm: nn.Module, x: Tensor, condition: Tensor | None) -> Tensor:
    output: Tensor = norm(x) if condition is None else norm(x, condition)
    return output
