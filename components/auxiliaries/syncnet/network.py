"""The two towers, and the loss that pulls what belongs together."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from components.auxiliaries.syncnet.params import Architecture, Plateau
from components.core.errors import SyncPlateauError
from components.nn.contracts import Batch

LN2 = math.log(2.0)
"""Loss of one who guesses: pairs are right and wrong alike often."""
_CERTAIN = 1e-6


class ConvBlock(nn.Module):
    """Convolution, group norm of one group a few channels, ReLU; residual where the shape stays."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int | tuple[int, int], stride: int | tuple[int, int] = 1
    ) -> None:
        super().__init__()
        kernels = (kernel, kernel) if isinstance(kernel, int) else kernel
        padding = (kernels[0] // 2, kernels[1] // 2)
        self.convolution = nn.Conv2d(inputs, outputs, kernels, stride, padding)
        self.norm = nn.GroupNorm(math.gcd(outputs, 8), outputs)
        self._residual = inputs == outputs and stride in (1, (1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, H, W] → [B, C', H', W']."""
        made = self.norm(self.convolution(x))
        return F.relu(made + x) if self._residual else F.relu(made)


class SyncNet(nn.Module):
    """Embeddings of five lower halves of a face and of the sound of the same 0.2 s.

    Prajwal et al. 2020, section 3.1 (after Chung and Zisserman 2016): two towers of convolutions, ReLU at
    their ends, so the cosine of two embeddings lies in [0, 1] and reads as a probability. Differs: group
    norm for batch norm, so that a pair's score does not depend on its batch; the depth follows from the image
    size, the last map is flattened by a linear layer.
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        a = architecture
        self.span, self.size = a.video_window_frames, a.image_size
        first, *further = a.face_channels
        face: list[nn.Module] = [ConvBlock(3 * a.video_window_frames, first, 7)]
        inputs, height, width = first, a.image_size // 2, a.image_size
        for place, outputs in enumerate(further):
            stride = (1, 2) if place == 0 else (2, 2)
            face += [ConvBlock(inputs, outputs, 5 if place == 0 else 3, stride)]
            face += [ConvBlock(outputs, outputs, 3) for _ in range(a.blocks)]
            inputs, height, width = outputs, -(-height // stride[0]), -(-width // stride[1])
        self.face = nn.Sequential(*face)
        self.face_end = nn.Linear(inputs * height * width, a.embedding_dim)
        one, two, three, four = a.audio_channels
        strides: tuple[tuple[int, int], ...] = ((3, 1), (3, 2), (3, 2))
        audio: list[nn.Module] = [ConvBlock(1, one, 3)]
        bands, frames, inputs = a.n_mels, a.mel_window_frames, one
        for outputs, stride in zip((two, three, four), strides, strict=True):
            audio += [ConvBlock(inputs, outputs, 3, stride)]
            audio += [ConvBlock(outputs, outputs, 3) for _ in range(a.blocks)]
            inputs, bands, frames = outputs, -(-bands // stride[0]), -(-frames // stride[1])
        self.audio = nn.Sequential(*audio)
        self.audio_end = nn.Linear(inputs * bands * frames, a.embedding_dim)

    def see(self, crops: Tensor) -> Tensor:
        """Embedding of faces.

        Args:
            crops: [B, T, 3, S, S] in [0, 1], T = 5 consecutive frames; the upper half is not looked at.

        Returns:
            [B, E], of length 1, not negative.
        """
        lower = crops[..., self.size // 2 :, :]
        stacked = lower.flatten(1, 2) - 0.5
        return _embedding(self.face_end(self.face(stacked).flatten(1)))

    def hear(self, mel: Tensor) -> Tensor:
        """Embedding of sounds: mel [B, n_mels, 16] in [-4, 4] → [B, E]."""
        return _embedding(self.audio_end(self.audio(mel.unsqueeze(1) / 4.0).flatten(1)))


def _embedding(x: Tensor) -> Tensor:
    return F.normalize(F.relu(x.float()) + _CERTAIN, dim=-1)


def pair_loss(seen: Tensor, heard: Tensor, together: bool) -> Tensor:
    """Binary cross-entropy of the cosine (Prajwal et al. 2020, equation 1), in float32 whatever the autocast.

    Args:
        seen, heard: [B, E] of length 1, not negative.
        together: whether the pairs belong together.

    Returns:
        [B].
    """
    with torch.autocast(seen.device.type, enabled=False):
        cosine = (seen.float() * heard.float()).sum(dim=-1).clamp(_CERTAIN, 1.0 - _CERTAIN)
        return -torch.log(cosine if together else 1.0 - cosine)


class SyncLearner(nn.Module):
    """A `components.nn.contracts.TrainableNetwork`: right and wrong pairs, as many of one as of the other.

    A training whose averaged loss still lies at ln 2 after ``plateau.after_steps`` steps guesses; the usual
    causes lie in the data, so it stops with their statistics instead of going on for days.

    Args:
        network: what learns.
        plateau: when to stop.
        statistics: of the training data, lines for a person.
    """

    averaged: Tensor

    def __init__(self, network: SyncNet, plateau: Plateau, statistics: tuple[str, ...]) -> None:
        super().__init__()
        self.network, self._plateau, self._statistics = network, plateau, statistics
        self.register_buffer("averaged", torch.tensor(LN2))

    def forward(self, phase: str, batch: Batch, step: int) -> Mapping[str, Tensor]:
        """Losses of a batch.

        Args:
            batch: crops [B, T, 3, S, S], right and wrong [B, n_mels, 16].

        Returns:
            ``total``; ``accuracy``: share of faces whose right sound is nearer than the wrong one.

        Raises:
            SyncPlateauError: it does not learn.
        """
        seen = self.network.see(batch["crops"])
        right, wrong = self.network.hear(batch["right"]), self.network.hear(batch["wrong"])
        total = 0.5 * (pair_loss(seen, right, True).mean() + pair_loss(seen, wrong, False).mean())
        accuracy = ((seen * right).sum(-1) > (seen * wrong).sum(-1)).float().mean()
        if self.training:
            self._watch(total.detach(), step)
        return {"total": total, "accuracy": accuracy.detach()}

    def _watch(self, total: Tensor, step: int) -> None:
        limits = self._plateau
        if bool(torch.isfinite(total)):
            self.averaged.lerp_(total.to(self.averaged), 1.0 / limits.memory_steps)
        if step >= limits.after_steps and float(self.averaged) > LN2 - limits.margin:
            raise SyncPlateauError(
                who="training of SyncNet",
                expected=f"a loss below {LN2 - limits.margin:.3f} after {limits.after_steps} steps",
                found=f"{float(self.averaged):.4f}: it guesses (ln 2 = {LN2:.4f})",
                action="look at the offset between sound and lips, the number of speakers, and the crops",
                details=self._statistics,
            )
