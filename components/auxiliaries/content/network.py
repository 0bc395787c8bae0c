"""HuBERT by its parameters, and HuBERT as it learns: predicting the clusters of what it cannot hear."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import HubertConfig, HubertModel

from components.auxiliaries.content.params import Architecture, Training
from components.nn.contracts import Batch
from components.nn.linear import Linear, quicken

ENCODER_PREFIX = "encoder."
#: Target of a frame that is padding.
NO_TARGET = -1


def hubert_config(architecture: Architecture) -> HubertConfig:
    """The dimensions for `transformers`. Masks are given by the caller: the library draws none of its own."""
    values: dict[str, Any] = {
        "hidden_size": architecture.hidden_size,
        "num_hidden_layers": architecture.layers,
        "num_attention_heads": architecture.heads,
        "intermediate_size": architecture.ffn_dim,
        "conv_dim": architecture.conv_channels,
        "conv_kernel": architecture.conv_kernels,
        "conv_stride": architecture.conv_strides,
        "feat_extract_norm": architecture.conv_norm,
        "feat_extract_activation": architecture.activation,
        "hidden_act": architecture.activation,
        "num_conv_pos_embeddings": architecture.positional_kernel,
        "num_conv_pos_embedding_groups": architecture.positional_groups,
        "hidden_dropout": architecture.dropout,
        "attention_dropout": architecture.dropout,
        "activation_dropout": 0.0,
        "feat_proj_dropout": 0.0,
        "layerdrop": architecture.layerdrop,
        "mask_feature_prob": 0.0,
    }
    return HubertConfig(**values)


class MaskedPrediction(nn.Module):
    """HuBERT's pretraining (Hsu, Bolte, Tsai et al. 2021, equations 1-3).

    Frames in masked spans are replaced by one learned vector before the transformer; the output, projected,
    is compared with a codeword of every cluster by cosine over a temperature, and cross-entropy is taken:
    ``alpha`` of its mean over masked frames plus ``1 - alpha`` of that over heard ones.

    Differs from the published code: no penalty on the size of the convolutions' output and no smaller
    gradient for them.
    """

    def __init__(self, architecture: Architecture, training: Training, clusters: int) -> None:
        super().__init__()
        self.encoder = quicken(HubertModel(hubert_config(architecture)))
        self.projection = Linear(architecture.hidden_size, training.projection_dim)
        self.codewords = nn.Parameter(torch.rand(clusters, training.projection_dim) - 0.5)
        self._temperature = training.logit_temperature
        self._alpha = training.masked_loss_share

    def forward(self, phase: str, batch: Batch, step: int) -> dict[str, Tensor]:
        """Losses of a batch.

        Args:
            phase: the only one.
            batch: ``samples`` [B, N], ``heard`` [B, N] (0 where padded), ``targets`` [B, T] (`NO_TARGET`
                where padded), ``mask`` [B, T] bool.
            step: not needed.

        Returns:
            total, masked and heard cross-entropy, and the share of masked frames that are told right.
        """
        logits = self.logits(batch)
        known = batch["targets"] != NO_TARGET
        hidden, open_ = known & batch["mask"], known & ~batch["mask"]
        masked = self._cross_entropy(logits, batch["targets"], hidden)
        heard = self._cross_entropy(logits, batch["targets"], open_)
        right = (logits.argmax(-1) == batch["targets"]) & hidden
        return {
            "total": self._alpha * masked + (1.0 - self._alpha) * heard,
            "masked": masked.detach(),
            "heard": heard.detach(),
            "masked_accuracy": (right.sum() / hidden.sum().clamp(min=1)).detach(),
        }

    def logits(self, batch: Batch) -> Tensor:
        """[B, T, clusters] cosine over temperature."""
        found = self.encoder(
            batch["samples"], attention_mask=batch["heard"], mask_time_indices=batch["mask"]
        ).last_hidden_state
        directions = F.normalize(self.projection(found).float(), dim=-1)
        return directions @ F.normalize(self.codewords.float(), dim=-1).t() / self._temperature

    @staticmethod
    def _cross_entropy(logits: Tensor, targets: Tensor, where: Tensor) -> Tensor:
        """Mean over the frames ``where``; 0 when there are none."""
        summed = F.cross_entropy(logits[where].float(), targets[where], reduction="sum")
        return summed / where.sum().clamp(min=1)
