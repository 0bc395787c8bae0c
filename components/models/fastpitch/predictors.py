"""One number for each symbol: how long it lasts, how high it is, how loud."""

from __future__ import annotations

from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn

from components.models.fastpitch.params import Architecture, PitchRelativeAttention
from components.nn.conditional_layer_norm import ConditionalLayerNorm
from components.nn.linear import Linear
from components.nn.relative_attention import RelativeSelfAttention


class SymbolPredictor(nn.Module):
    """Convolutions over symbols with a linear head (FastPitch, Łańcucki 2021, section 2.1).

    Each layer: convolution, ReLU, layer norm, dropout. Differs from the paper in the norm, which is
    conditioned on the speaker, and (pitch only) in one residual self-attention with clipped relative keys in
    front: the melody of a symbol may depend on more of the sentence than the convolutions see.

    Args:
        architecture: dimensions.
        attention: of the attention in front; None leaves it out.
    """

    def __init__(self, architecture: Architecture, attention: PitchRelativeAttention | None) -> None:
        super().__init__()
        widths = [architecture.d_model] + [architecture.predictor_channels] * architecture.predictor_layers
        kernel = architecture.predictor_kernel
        self.attention = (
            RelativeSelfAttention(
                architecture.d_model,
                attention.heads,
                attention.head_dim,
                attention.max_distance,
                architecture.dropout,
            )
            if attention
            else None
        )
        self.convolutions = nn.ModuleList(
            nn.Conv1d(before, after, kernel, padding=kernel // 2) for before, after in pairwise(widths)
        )
        self.norms = nn.ModuleList(
            ConditionalLayerNorm(width, architecture.speaker_embedding_dim) for width in widths[1:]
        )
        self.dropout = nn.Dropout(architecture.dropout)
        self.head = Linear(widths[-1], 1)

    def forward(self, x: Tensor, valid: Tensor, condition: Tensor) -> Tensor:
        """Predict.

        Args:
            x: [B, L, d_model], zero where not valid.
            valid: [B, L] bool.
            condition: [B, S] speaker vectors.

        Returns:
            [B, L], zero where not valid.
        """
        keep = valid.unsqueeze(-1).to(x.dtype)
        if self.attention is not None:
            x = (x + self.dropout(self.attention(x, valid))) * keep
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            hidden = F.relu(convolution(x.transpose(1, 2))).transpose(1, 2)
            x = self.dropout(norm(hidden, condition)) * keep
        predicted: Tensor = (self.head(x) * keep).squeeze(-1)
        return predicted
