"""Reads f0 and voicing from a mel, for callers that have a mel and nothing else."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from components.auxiliaries.vocoder.params import PitchNetwork as PitchNetworkParams
from components.nn.contracts import Batch

_NEIGHBOURS = 2
"""Bins on either side of the best one that share in the estimate (Kim et al. 2018 take four of 20 cents)."""
_TARGET_WIDTH = 1.0
"""Standard deviation of a target, in bins: the next bin is a small error, another octave a large one."""


class PitchNetwork(nn.Module):
    """Residual convolutions over frames, then a distribution over f0 and a voicing logit for each.

    As CREPE (Kim et al. 2018) a classifier over logarithmic bins with blurred targets, read out as the local
    mean around the best bin; differs: it hears the mel, whose low bands resolve the harmonics, not samples.

    Args:
        params: dimensions and the range of f0.
        n_mels: bands of the mel.
    """

    centre: Tensor
    spread: Tensor

    def __init__(self, params: PitchNetworkParams, n_mels: int) -> None:
        super().__init__()
        self.bins = params.bins
        self._floor, self._octave_span = params.floor_hz, math.log(params.ceil_hz / params.floor_hz)
        widths = [n_mels, *[params.channels] * params.layers]
        self.convolutions = nn.ModuleList(
            nn.Conv1d(before, after, params.kernel, padding=params.kernel // 2)
            for before, after in itertools.pairwise(widths)
        )
        self.head = nn.Conv1d(params.channels, params.bins + 1, 1)
        self.register_buffer("centre", torch.zeros(()))
        self.register_buffer("spread", torch.ones(()))

    def forward(self, log_mel: Tensor) -> Tensor:
        """[B, T, n_mels] → logits [B, T, bins + 1]; the last one is voicing's."""
        hidden = ((log_mel - self.centre) / self.spread).transpose(1, 2)
        for place, convolution in enumerate(self.convolutions):
            made = F.gelu(convolution(hidden))
            hidden = made if place == 0 else hidden + made
        logits: Tensor = self.head(hidden).transpose(1, 2)
        return logits

    def f0(self, log_mel: Tensor, voicing_threshold: float) -> Tensor:
        """[T, n_mels] → [T] Hz, 0 where voicing is less probable than the threshold."""
        logits = self(log_mel[None])[0]
        voiced = torch.sigmoid(logits[:, -1]) >= voicing_threshold
        return torch.where(voiced, self.hertz(logits[:, :-1]), 0.0)

    def hertz(self, logits: Tensor) -> Tensor:
        """[..., bins] → [...] Hz: the mean of the bins around the best one, weighted by probability."""
        around = torch.arange(-_NEIGHBOURS, _NEIGHBOURS + 1, device=logits.device)
        places = (logits.argmax(dim=-1, keepdim=True) + around).clamp(0, self.bins - 1)
        weights = torch.softmax(logits.gather(-1, places), dim=-1)
        place = (weights * places).sum(dim=-1)
        return self._floor * torch.exp(place * (self._octave_span / (self.bins - 1)))

    def place(self, f0: Tensor) -> Tensor:
        """Hz → bins, not rounded; what lies outside the range is moved to its end."""
        ratio = torch.log(f0.clamp(min=self._floor) / self._floor) / self._octave_span
        return ratio.clamp(max=1.0) * (self.bins - 1)


class PitchLearner(nn.Module):
    """A `components.nn.contracts.TrainableNetwork` of one phase around a pitch network."""

    def __init__(self, network: PitchNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, phase: str, batch: Batch, step: int) -> Mapping[str, Tensor]:
        """Cross-entropies of f0 (over voiced frames) and voicing.

        Args:
            batch: mel [B, T, n_mels]; f0 [B, T] Hz, 0 where unvoiced.
        """
        logits = self.network(batch["mel"]).float()
        voiced = batch["f0"] > 0
        count = voiced.sum().clamp(min=1)
        pitch = (self._cross_entropy(logits[..., :-1], batch["f0"]) * voiced).sum() / count
        voicing = F.binary_cross_entropy_with_logits(logits[..., -1], voiced.float())
        return {"total": pitch + voicing, "pitch": pitch.detach(), "voicing": voicing.detach()}

    def _cross_entropy(self, logits: Tensor, f0: Tensor) -> Tensor:
        distance = torch.arange(self.network.bins, device=f0.device) - self.network.place(f0)[..., None]
        target = torch.softmax(-0.5 * (distance / _TARGET_WIDTH).square(), dim=-1)
        return -(target * torch.log_softmax(logits, dim=-1)).sum(dim=-1)
