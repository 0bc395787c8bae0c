"""The two towers, and the loss that pulls what belongs together."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from components.auxiliaries.syncnet.params import Architecture, Training
from components.core.errors import SyncPlateauError
from components.nn.contracts import Batch
from components.nn.linear import Linear

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
        self.architecture = a = architecture
        self.span, self.size = a.video_window_frames, a.image_size
        first, *further = a.face_channels
        stem = a.face_stem_stride
        face: list[nn.Module] = [ConvBlock(3 * a.video_window_frames, first, 7, stem)]
        inputs, height, width = first, a.image_size // 2 // stem, a.image_size // stem
        for place, outputs in enumerate(further):
            stride = (1, 2) if place == 0 else (2, 2)
            face += [ConvBlock(inputs, outputs, 5 if place == 0 else 3, stride)]
            face += [ConvBlock(outputs, outputs, 3) for _ in range(a.blocks)]
            inputs, height, width = outputs, -(-height // stride[0]), -(-width // stride[1])
        self.face = nn.Sequential(*face)
        self.face_end = Linear(inputs * height * width, a.embedding_dim)
        one, two, three, four = a.audio_channels
        strides: tuple[tuple[int, int], ...] = ((3, 1), (3, 2), (3, 2))
        audio: list[nn.Module] = [ConvBlock(1, one, 3)]
        bands, frames, inputs = a.n_mels, a.mel_window_frames, one
        for outputs, stride in zip((two, three, four), strides, strict=True):
            audio += [ConvBlock(inputs, outputs, 3, stride)]
            audio += [ConvBlock(outputs, outputs, 3) for _ in range(a.blocks)]
            inputs, bands, frames = outputs, -(-bands // stride[0]), -(-frames // stride[1])
        self.audio = nn.Sequential(*audio)
        self.audio_end = Linear(inputs * bands * frames, a.embedding_dim)

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
        seen, heard: [..., E] of length 1, not negative.
        together: whether the pairs belong together.

    Returns:
        [...].
    """
    with torch.autocast(seen.device.type, enabled=False):
        return _cross_entropy((seen.float() * heard.float()).sum(dim=-1), together)


def _cross_entropy(cosine: Tensor, together: bool) -> Tensor:
    certain = cosine.clamp(_CERTAIN, 1.0 - _CERTAIN)
    return -torch.log(certain if together else 1.0 - certain)


@dataclass(frozen=True)
class ClipPairs:
    """All pairs of the windows of each clip.

    Attributes:
        cosine: [B, N, N] of what is seen and what is heard, float32.
        wrong: [B, N, N] which are at least ``min_shift_frames`` apart. The diagonal is right; pairs between
            are neither.
    """

    cosine: Tensor
    wrong: Tensor

    @classmethod
    def of(cls, seen: Tensor, heard: Tensor, starts: Tensor, min_shift: int) -> ClipPairs:
        """Of embeddings [B, N, E] of the windows that begin at ``starts`` [B, N], video frames."""
        with torch.autocast(seen.device.type, enabled=False):
            cosine = seen.float() @ heard.float().transpose(1, 2)
        return cls(cosine, (starts[:, :, None] - starts[:, None, :]).abs() >= min_shift)

    def loss(self) -> Tensor:
        """Right and wrong pairs, as much of one as of the other; ln 2 is guessing."""
        right = _cross_entropy(self.cosine.diagonal(dim1=1, dim2=2), True).mean()
        wrong = _cross_entropy(self.cosine, False) * self.wrong
        return 0.5 * (right + wrong.sum() / self.wrong.sum().clamp(min=1))

    def choice(self, scale: float) -> Tensor:
        """Cross-entropy of choosing a face's sound among those of its clip, and a sound's face.

        Args:
            scale: of the cosines, an inverse temperature.
        """
        own = torch.eye(self.cosine.shape[1], dtype=torch.bool, device=self.cosine.device)
        logits = (scale * self.cosine).masked_fill(~(self.wrong | own), -math.inf)
        chosen = torch.stack([logits.log_softmax(dim) for dim in (1, 2)])
        return -chosen.diagonal(dim1=2, dim2=3).mean()

    def accuracy(self) -> Tensor:
        """Share of wrong pairs that are less alike than the face's right one."""
        below = (self.cosine < self.cosine.diagonal(dim1=1, dim2=2)[:, :, None]) & self.wrong
        return below.sum() / self.wrong.sum().clamp(min=1)


class SyncLearner(nn.Module):
    """A `components.nn.contracts.TrainableNetwork`: the windows of a clip against all of its sounds.

    Differs from Prajwal et al. 2020, which draws one wrong sound for every second face: all pairs of a clip
    count, and with ``choice_weight`` the right sound is also chosen among them, as van den Oord et al. 2018
    (InfoNCE, equation 4) do. One wrong sound a face says little: such a training stays at ln 2 for as long
    as a laptop has (docs/log.md).

    A training whose averaged pair loss still lies at ln 2 after ``plateau.after_steps`` steps guesses; the
    usual causes lie in the data, so it stops with their statistics instead of going on for days.

    Args:
        network: what learns.
        training: weights, and when to stop.
        statistics: of the training data, lines for a person.
    """

    averaged: Tensor

    def __init__(self, network: SyncNet, training: Training, statistics: tuple[str, ...]) -> None:
        super().__init__()
        self.network, self._training, self._statistics = network, training, statistics
        self.register_buffer("averaged", torch.tensor(LN2))

    def forward(self, phase: str, batch: Batch, step: int) -> Mapping[str, Tensor]:
        """Losses of a batch.

        Args:
            batch: crops [B, N, T, 3, S, S], mel [B, N, n_mels, 16], starts [B, N].

        Returns:
            ``total``; ``pairs``, the published loss, ln 2 for one who guesses; ``accuracy``: share of wrong
            sounds that fit a face less than its own does.

        Raises:
            SyncPlateauError: it does not learn.
        """
        clips, windows = batch["starts"].shape
        seen = self.network.see(batch["crops"].flatten(0, 1)).view(clips, windows, -1)
        heard = self.network.hear(batch["mel"].flatten(0, 1)).view(clips, windows, -1)
        recipe = self._training
        pairs = ClipPairs.of(seen, heard, batch["starts"], recipe.min_shift_frames)
        told = pairs.loss()
        choice = pairs.choice(recipe.choice_scale)
        if self.training:
            self._watch(told.detach(), step)
        return {
            "total": (1.0 - recipe.choice_weight) * told + recipe.choice_weight * choice,
            "pairs": told.detach(),
            "accuracy": pairs.accuracy(),
        }

    def _watch(self, loss: Tensor, step: int) -> None:
        limits = self._training.plateau
        if bool(torch.isfinite(loss)):
            self.averaged.lerp_(loss.to(self.averaged), 1.0 / limits.memory_steps)
        if step >= limits.after_steps and float(self.averaged) > LN2 - limits.margin:
            raise SyncPlateauError(
                who="training of SyncNet",
                expected=f"a loss below {LN2 - limits.margin:.3f} after {limits.after_steps} steps",
                found=f"{float(self.averaged):.4f}: it guesses (ln 2 = {LN2:.4f})",
                action="look at the offset between sound and lips, the number of speakers, and the crops",
                details=self._statistics,
            )
