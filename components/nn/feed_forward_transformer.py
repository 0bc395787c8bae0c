"""The feed-forward transformer: self-attention and convolution over a whole sequence at once."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from components.nn.conditional_layer_norm import ConditionalLayerNorm
from components.nn.linear import Linear
from components.nn.sinusoidal_positions import sinusoidal_positions


class FeedForwardTransformer(nn.Module):
    """A stack of FFT blocks on top of absolute positions (FastPitch, Łańcucki 2021, section 2.1).

    Args:
        layers: number of blocks.
        channels: C.
        heads, head_channels: of the attention; heads · head_channels need not equal C.
        ffn_channels: between the two convolutions of a block.
        kernel: of both convolutions, odd.
        condition_channels: S, size of the speaker's vector.
        dropout: after attention, after the convolutions, and of the attention weights.
    """

    def __init__(
        self,
        *,
        layers: int,
        channels: int,
        heads: int,
        head_channels: int,
        ffn_channels: int,
        kernel: int,
        condition_channels: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.checkpointing = False
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.ModuleList(
            FeedForwardBlock(
                channels, heads, head_channels, ffn_channels, kernel, condition_channels, dropout
            )
            for _ in range(layers)
        )

    def forward(self, x: Tensor, valid: Tensor, condition: Tensor) -> Tensor:
        """[B, T, C], [B, T] bool, [B, S] → [B, T, C], zero where not valid."""
        keep = valid.unsqueeze(-1).to(x.dtype)
        positions = sinusoidal_positions(x.shape[1], x.shape[2], x.device, x.dtype)
        x = self.dropout((x + positions) * keep)
        for block in self.blocks:
            if self.checkpointing and torch.is_grad_enabled():
                x = checkpoint(block, x, valid, keep, condition, use_reentrant=False)
            else:
                x = block(x, valid, keep, condition)
        return x

    def enable_gradient_checkpointing(self) -> None:
        """Keep only the input of each block and compute the rest again for the backward pass."""
        self.checkpointing = True


class FeedForwardBlock(nn.Module):
    """Attention, then two convolutions; residual, with the norm after each addition (post-LN).

    Differs from the paper in the norm, which is conditioned on the speaker.
    """

    def __init__(
        self,
        channels: int,
        heads: int,
        head_channels: int,
        ffn_channels: int,
        kernel: int,
        condition_channels: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.heads, self.attention_dropout = heads, dropout
        self.to_query_key_value = Linear(channels, 3 * heads * head_channels)
        self.to_output = Linear(heads * head_channels, channels)
        self.widen = nn.Conv1d(channels, ffn_channels, kernel, padding=kernel // 2)
        self.narrow = nn.Conv1d(ffn_channels, channels, kernel, padding=kernel // 2)
        self.attention_norm = ConditionalLayerNorm(channels, condition_channels)
        self.convolution_norm = ConditionalLayerNorm(channels, condition_channels)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, valid: Tensor, keep: Tensor, condition: Tensor) -> Tensor:
        """One block.

        Args:
            x: [B, T, C], zero where not valid.
            valid: [B, T] bool.
            keep: [B, T, 1], ``valid`` as numbers.
            condition: [B, S].

        Returns:
            [B, T, C], zero where not valid.
        """
        x = self.attention_norm(x + self.dropout(self._attend(x, valid)), condition) * keep
        output: Tensor = self.convolution_norm(x + self.dropout(self._convolve(x, keep)), condition) * keep
        return output

    def _attend(self, x: Tensor, valid: Tensor) -> Tensor:
        batch, length, _ = x.shape
        projected = self.to_query_key_value(x).view(batch, length, 3, self.heads, -1)
        query, key, value = projected.permute(2, 0, 3, 1, 4)  # each [B, H, T, d]
        rate = self.attention_dropout if self.training else 0.0
        # SDPA's boolean mask says where to attend, not where not to.
        mixed = F.scaled_dot_product_attention(
            query, key, value, attn_mask=valid[:, None, None, :], dropout_p=rate
        )
        output: Tensor = self.to_output(mixed.transpose(1, 2).reshape(batch, length, -1))
        return output

    def _convolve(self, x: Tensor, keep: Tensor) -> Tensor:
        # Padding is zeroed before each convolution, or it would bleed into the last valid positions.
        keep = keep.transpose(1, 2)
        hidden = F.relu(self.widen(x.transpose(1, 2))) * keep  # [B, ffn, T]
        output: Tensor = self.narrow(hidden).transpose(1, 2)
        return output
