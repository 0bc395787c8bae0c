"""The small codec's losses: mels at several resolutions, the pitch, and nearness to the codewords."""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from components.auxiliaries.codec.network import CodecNetwork
from components.auxiliaries.codec.params import Architecture, Training
from components.auxiliaries.codec.synthesis import SourceFilter
from components.features.mel import MelAnalysis, filterbank, window
from components.nn.contracts import Batch
from components.nn.differentiable_mel import DifferentiableMel

_HOPS_PER_WINDOW = 4


class CodecLearner(nn.Module):
    """A `components.nn.contracts.TrainableNetwork`.

    L1 of log mels with windows of several lengths (EnCodec, Défossez et al. 2022, section 3.4, without its L2
    and without the waveform's own distance, which a decoder that is free in phase cannot meet), no judges.
    In training the decoder is driven by the recording's own f0, and its pitch is learned beside.

    Args:
        architecture: dimensions.
        training: weights of the losses, the quantiser's numbers.
        log_floor: of the mels.
    """

    def __init__(self, architecture: Architecture, training: Training, log_floor: float) -> None:
        super().__init__()
        self._weights, self._stride = training, architecture.stride
        self.network = CodecNetwork(architecture, training.codebook_decay, training.restart_below)
        self.synthesis = SourceFilter(architecture)
        self.mel = mel_of(MelAnalysis.of(architecture, log_floor))
        self.scales = nn.ModuleList(
            mel_of(_scale(architecture, size, training.loss_mels, log_floor))
            for size in training.loss_windows
        )

    def forward(self, phase: str, batch: Batch, step: int) -> Mapping[str, Tensor]:
        """Losses of a batch.

        Args:
            batch: samples [B, N], log_f0 [B, T] (without gaps) and voiced [B, T] of T frames of the analysis.
        """
        samples, log_f0, voiced = batch["samples"], batch["log_f0"], batch["voiced"]
        frames = log_f0.shape[1]
        latent = self.network.latent(self.mel(samples)[:, :frames], log_f0, voiced)
        quantised = self.network.quantiser(latent, self._used(len(samples), samples.device))
        filters = self.network.filters(quantised.vectors)
        made = self.synthesis(filters, log_f0.exp(), voiced)
        mel = torch.stack([F.l1_loss(scale(made), scale(samples)) for scale in self.scales]).mean()
        keep = voiced.to(log_f0.dtype)
        off = (filters.log_f0 - log_f0).abs() / self.network.pitch_spread
        pitch = (off * keep).sum() / keep.sum().clamp(min=1.0)
        voicing = F.binary_cross_entropy_with_logits(filters.voicing, keep)
        w = self._weights
        total = (
            w.mel_loss_weight * mel
            + w.pitch_loss_weight * pitch
            + w.voicing_loss_weight * voicing
            + w.commitment_loss_weight * quantised.commitment
        )
        parts = {"mel": mel, "pitch": pitch, "voicing": voicing, "commitment": quantised.commitment}
        return {"total": total, **{name: value.detach() for name, value in parts.items()}}

    def _used(self, rows: int, device: torch.device) -> Tensor | None:
        """How many codebooks each row uses (SoundStream, section III-C: quantiser dropout)."""
        share, books = self._weights.codebook_dropout, self.network.architecture.n_codebooks
        if not self.training or share == 0.0:
            return None
        fewer = torch.randint(1, books + 1, (rows,), device=device)
        return torch.where(torch.rand(rows, device=device) < share, fewer, books)


def mel_of(analysis: MelAnalysis) -> DifferentiableMel:
    """The analysis as gradients pass through it."""
    hann = window(analysis.win_length, analysis.n_fft)
    return DifferentiableMel(hann, filterbank(analysis), analysis.hop_length, analysis.log_floor)


def _scale(architecture: Architecture, size: int, mels: int, log_floor: float) -> MelAnalysis:
    return MelAnalysis(
        sample_rate=architecture.sample_rate_hz,
        n_fft=size,
        hop_length=size // _HOPS_PER_WINDOW,
        win_length=size,
        n_mels=mels,
        fmin=architecture.fmin_hz,
        fmax=architecture.fmax_hz,
        log_floor=log_floor,
    )
