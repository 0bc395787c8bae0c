"""The network: a strided convolution and ConvNeXt blocks over time, with a CTC head; a branch for tones.

Blocks after ConvNeXt (Liu et al. 2022, arXiv:2201.03545, section 2.6) in one dimension, as Vocos (Siuzdak
2023, arXiv:2306.00814) uses them; squeeze-excite (Hu et al. 2018, arXiv:1709.01507) gives each block the
whole clip's average, by which it can adapt to a voice. Differs: the language is known and is added as a
vector; no layer scale; every convolution sees zeros beyond a clip's end, so padding and batch mates change
nothing.

Mandarin tones are a matter of pitch, which mel bands do not resolve for a low voice: two tones are 15 Hz
apart there, two bands 37 Hz. So the tone branch hears the pitch track, and besides it the blocks' output,
through which no gradient flows back: tones never cost a segment.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from components.auxiliaries.recogniser.hearing import PITCH_FEATURES
from components.auxiliaries.recogniser.labels import Labels
from components.auxiliaries.recogniser.loss import recogniser_losses
from components.auxiliaries.recogniser.params import Architecture
from components.core.utterance import LANGUAGES
from components.nn.linear import Linear
from components.nn.masks import valid_positions

#: Stands for the log-probability of a label that the language does not have; finite, so no gradient is NaN.
_IMPOSSIBLE = -1.0e4


class RecogniserNetwork(nn.Module):
    """Normalised mel frames → log-probabilities of segments and of tones.

    Args:
        architecture: dimensions.
        labels: classes of the segment head and which of them a language has.
        tone_loss_weight: of the tone head in training.
    """

    allowed: Tensor

    def __init__(self, architecture: Architecture, labels: Labels, tone_loss_weight: float) -> None:
        super().__init__()
        a = architecture
        self._stride, self._tone_loss_weight = a.stride, tone_loss_weight
        self.stem = nn.Conv1d(
            a.hearing.n_mels, a.channels, a.stem_kernel, stride=a.stride, padding=a.stem_kernel // 2
        )
        self.languages = nn.Embedding(len(LANGUAGES), a.channels)
        self.blocks = nn.ModuleList(_Block(a, a.channels, a.hidden) for _ in range(a.blocks))
        self.norm = nn.LayerNorm(a.channels)
        self.segments = Linear(a.channels, labels.classes)
        self.tones = _ToneBranch(a)
        self.register_buffer("allowed", labels.allowed(), persistent=False)

    def forward(self, phase: str, batch: Mapping[str, Any], step: int) -> Mapping[str, Tensor]:
        """Losses of a batch of `dataset.collate`; see `components.nn.contracts.TrainableNetwork`."""
        segments, tones, lengths = self.listen(
            batch["mel"], batch["pitch"], batch["frames"], batch["languages"]
        )
        return recogniser_losses(segments, tones, lengths, batch, self._tone_loss_weight)

    def listen(
        self, mel: Tensor, pitch: Tensor, frames: Tensor, languages: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Log-probabilities, about ``T / stride`` frames of them.

        Args:
            mel: [B, T, n_mels] normalised, anything beyond a clip's ``frames``.
            pitch: [B, T, 2] of `hearing.pitch_features`.
            frames: [B] real frames, each ≥ 1.
            languages: [B] places in `LANGUAGES`.

        Returns:
            segments [B, S, classes] and tones [B, S, tones + 1], float32, and lengths [B]. S = ⌈T / stride⌉.
        """
        real = valid_positions(frames, mel.shape[1]).unsqueeze(-1)
        heard = self.stem(torch.where(real, mel, torch.zeros_like(mel)).transpose(1, 2)).transpose(1, 2)
        lengths = torch.div(frames + self._stride - 1, self._stride, rounding_mode="floor")
        valid = valid_positions(lengths, heard.shape[1]).unsqueeze(-1).float()
        heard = (heard.float() + self.languages(languages).unsqueeze(1)) * valid
        shares = valid / lengths.view(-1, 1, 1)
        for block in self.blocks:
            heard = block(heard, valid, shares)
        normal = self.norm(heard)
        segments = self.segments(normal).float()
        foreign = ~self.allowed[languages].unsqueeze(1)
        segments = segments.masked_fill(foreign, _IMPOSSIBLE)
        pitch = torch.where(real, pitch, torch.zeros_like(pitch))
        tones = self.tones(normal.detach(), pitch, valid, shares)
        return segments.log_softmax(-1), tones.float().log_softmax(-1), lengths


class _ToneBranch(nn.Module):
    """Blocks' output and pitch → tones."""

    def __init__(self, a: Architecture) -> None:
        super().__init__()
        branch = a.tone_branch
        self.heard = Linear(a.channels, branch.channels)
        self.pitch = nn.Conv1d(
            PITCH_FEATURES, branch.channels, a.stem_kernel, stride=a.stride, padding=a.stem_kernel // 2
        )
        self.blocks = nn.ModuleList(_Block(a, branch.channels, branch.hidden) for _ in range(branch.blocks))
        self.norm = nn.LayerNorm(branch.channels)
        self.out = Linear(branch.channels, branch.tones + 1)

    def forward(self, heard: Tensor, pitch: Tensor, valid: Tensor, shares: Tensor) -> Tensor:
        """heard [B, S, C], pitch [B, T, 2] zero beyond each clip → [B, S, tones + 1]."""
        melody = self.pitch(pitch.transpose(1, 2)).transpose(1, 2)
        x = (self.heard(heard).float() + melody) * valid
        for block in self.blocks:
            x = block(x, valid, shares)
        scores: Tensor = self.out(self.norm(x))
        return scores


class _Block(nn.Module):
    """Depthwise convolution, norm, widening and narrowing, squeeze-excite, residual."""

    def __init__(self, a: Architecture, channels: int, hidden: int) -> None:
        super().__init__()
        self._kernel = a.kernel
        self.depthwise = nn.Conv1d(channels, channels, a.kernel, padding=a.kernel // 2, groups=channels)
        self.norm = nn.LayerNorm(channels)
        self.widen = Linear(channels, hidden)
        self.narrow = Linear(hidden, channels)
        self.squeeze = Linear(channels, a.squeeze)
        self.excite = Linear(a.squeeze, channels)
        self.dropout = nn.Dropout(a.dropout)
        nn.init.zeros_(self.excite.weight)
        nn.init.zeros_(self.excite.bias)

    def forward(self, x: Tensor, valid: Tensor, shares: Tensor) -> Tensor:
        """x [B, S, C], zero beyond each clip; valid, shares [B, S, 1] (1 and 1/length within a clip)."""
        wide = F.gelu(self.widen(self.norm(self._mix(x))), approximate="tanh")
        y: Tensor = self.narrow(wide)
        average = (y * shares).sum(1, keepdim=True)
        # 2σ(0) = 1: excitation starts as the identity.
        y = y * (2.0 * torch.sigmoid(self.excite(F.relu(self.squeeze(average)))))
        return x + cast("Tensor", self.dropout(y)) * valid

    def _mix(self, x: Tensor) -> Tensor:
        """The depthwise convolution over S, as one over images of height 1: on a CPU that is faster."""
        image = x.transpose(1, 2).unsqueeze(2)
        weight = self.depthwise.weight.unsqueeze(2)
        mixed = F.conv2d(
            image, weight, self.depthwise.bias, padding=(0, self._kernel // 2), groups=weight.shape[0]
        )
        flat: Tensor = mixed.squeeze(2).transpose(1, 2)
        return flat
