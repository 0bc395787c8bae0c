"""The small codec's losses: the mel, the pitch, and nearness to the codewords."""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from components.auxiliaries.codec.network import CodecNetwork
from components.auxiliaries.codec.params import Architecture, Training
from components.features.mel import MelAnalysis, filterbank, window
from components.nn.contracts import Batch
from components.nn.differentiable_mel import DifferentiableMel


class CodecLearner(nn.Module):
    """A `components.nn.contracts.TrainableNetwork`.

    L1 and L2 of the log mel and L1 of its change from frame to frame, of the decoder's own f0 in voiced
    frames and of its voicing; no judges. Nothing is made audible in training: the synthesis that follows has
    no weights (ADR 21).

    Args:
        architecture: dimensions.
        training: weights of the losses, the quantiser's numbers.
        log_floor: of the mels.
    """

    def __init__(self, architecture: Architecture, training: Training, log_floor: float) -> None:
        super().__init__()
        self._weights = training
        self.network = CodecNetwork(architecture, training.codebook_decay, training.restart_below)
        self.mel = mel_of(MelAnalysis.of(architecture, log_floor))

    def forward(self, phase: str, batch: Batch, step: int) -> Mapping[str, Tensor]:
        """Losses of a batch.

        Args:
            batch: samples [B, N], log_f0 [B, T] (without gaps) and voiced [B, T] of T frames of the analysis.
        """
        samples, log_f0, voiced = batch["samples"], batch["log_f0"], batch["voiced"]
        frames = log_f0.shape[1]
        with torch.no_grad():
            heard = self.mel(samples)[:, :frames]
        latent = self.network.latent(heard, log_f0, voiced)
        with torch.autocast(latent.device.type, enabled=False):  # a rounded distance chooses another codeword
            quantised = self.network.quantiser(latent.float(), self._used(len(samples), samples.device))
        said = self.network.sound(quantised.vectors)
        mel = F.l1_loss(said.mel, heard) + F.mse_loss(said.mel, heard)
        change = F.l1_loss(said.mel.diff(dim=1), heard.diff(dim=1))
        keep = voiced.to(log_f0.dtype)
        off = (said.log_f0 - log_f0).abs() / self.network.pitch_spread
        pitch = (off * keep).sum() / keep.sum().clamp(min=1.0)
        voicing = F.binary_cross_entropy_with_logits(said.voicing, keep)
        w = self._weights
        total = (
            w.mel_loss_weight * mel
            + w.change_loss_weight * change
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
