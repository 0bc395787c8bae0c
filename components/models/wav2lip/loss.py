"""Wav2Lip's losses, as one network with two phases, or three where SyncNet goes on learning."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from components.auxiliaries.syncnet.network import SyncNet, pair_loss
from components.models.wav2lip.network import Generator, QualityJudge, hidden_below, mouth_box
from components.models.wav2lip.params import Training
from components.nn.adversarial import DISCRIMINATOR
from components.nn.contracts import Batch

SYNC = "sync"
"""Name of the third phase."""


class Wav2Lip(nn.Module):
    """A `components.nn.contracts.TrainableNetwork`: (1 - s - d) · L1 + s · sync + d · adversarial.

    Prajwal et al. 2020, equations 1 to 6 and section 3.3. s is 0 until the running mean of the sync loss is
    below ``sync_loss_start_eval``, and ``sync_loss_weight`` from then on; upstream looks at the loss of an
    evaluation, this is looked at in training, so that a resumed run knows it. Cross-entropies are in float32.

    Args:
        training: weights.
        generator, judge: what learns.
        syncnet: knows lips; frozen unless ``finetune_syncnet``.
    """

    sync_mean: Tensor
    sync_joined: Tensor

    def __init__(
        self, training: Training, generator: Generator, judge: QualityJudge, syncnet: SyncNet
    ) -> None:
        super().__init__()
        self._weights = training
        self.generator, self.judge, self.syncnet = generator, judge, syncnet
        self.syncnet.requires_grad_(training.finetune_syncnet)
        self.register_buffer("sync_mean", torch.tensor(-1.0))
        self.register_buffer("sync_joined", torch.tensor(0.0))

    def train(self, mode: bool = True) -> Self:
        """A frozen SyncNet stays in evaluation."""
        super().train(mode)
        if not self._weights.finetune_syncnet:
            self.syncnet.eval()
        return self

    def forward(self, phase: str, batch: Batch, step: int) -> Mapping[str, Tensor]:
        """Losses of a phase.

        Args:
            batch: see `dataset.collate`.

        Returns:
            ``total`` and its parts, scalars.
        """
        if phase == SYNC:
            return {"total": self._pairs(batch)}
        if phase == DISCRIMINATOR:
            with torch.no_grad():
                made = self._faces(batch)
            return {"total": self._judged(batch["target"].flatten(0, 1), made)}
        made = self._faces(batch)
        target = batch["target"].flatten(0, 1)
        l1 = picture_loss(made, target, self._weights.mouth_weight)
        windows = made.view(batch["target"].shape)[:, : self.syncnet.span]
        sync = pair_loss(
            self.syncnet.see(self._shifted(windows)), self.syncnet.hear(batch["right"]), True
        ).mean()
        if self.training:
            self._watch(sync.detach())
        judged = self._weights.adversarial_loss_weight > 0
        fooling = _cross_entropy(self.judge(made), True) if judged else torch.zeros_like(l1)
        w = self._weights
        s, d = w.sync_loss_weight * self.sync_joined, w.adversarial_loss_weight
        total = (1.0 - s - d) * l1 + s * sync + d * fooling
        parts = {"l1": l1, SYNC: sync, "adversarial": fooling, "sync_weight": s}
        return {"total": total, **{name: value.detach() for name, value in parts.items()}}

    def _faces(self, batch: Batch) -> Tensor:
        """[B · T, 3, S, S]."""
        pictures = torch.cat([hidden_below(batch["target"]), batch["reference"]], dim=2)
        made: Tensor = self.generator(pictures.flatten(0, 1), batch["mel"].flatten(0, 1))
        return made

    def _shifted(self, windows: Tensor) -> Tensor:
        """[B, T, 3, S, S], in training moved by up to ``sync_shift_pixels`` each way, borders repeated: what
        pleases this SyncNet and no other is often bound to single pixels."""
        reach = self._weights.sync_shift_pixels if self.training else 0
        if not reach:
            return windows
        size = windows.shape[-1]
        down, across = (int(torch.randint(2 * reach + 1, ())) for _ in range(2))
        wide = F.pad(windows.flatten(0, 1), [reach] * 4, mode="replicate")
        return wide[..., down : down + size, across : across + size].view(windows.shape)

    def _judged(self, real: Tensor, made: Tensor) -> Tensor:
        return 0.5 * (
            _cross_entropy(self.judge(real), True) + _cross_entropy(self.judge(made.detach()), False)
        )

    def _pairs(self, batch: Batch) -> Tensor:
        seen = self.syncnet.see(batch["target"][:, : self.syncnet.span])
        right = pair_loss(seen, self.syncnet.hear(batch["right"]), True)
        return 0.5 * (right.mean() + pair_loss(seen, self.syncnet.hear(batch["wrong"]), False).mean())

    @torch.no_grad()
    def _watch(self, sync: Tensor) -> None:
        if not bool(torch.isfinite(sync)):
            return
        begun = bool(self.sync_mean >= 0)
        share = 1.0 / self._weights.sync_loss_memory_steps if begun else 1.0
        self.sync_mean.lerp_(sync.to(self.sync_mean), share)
        if float(self.sync_mean) < self._weights.sync_loss_start_eval:
            self.sync_joined.fill_(1.0)


def picture_loss(made: Tensor, target: Tensor, mouth_weight: float) -> Tensor:
    """Mean absolute difference, with ``mouth_weight`` where the mouth of a crop is.

    Args:
        made, target: [B, 3, S, S] in [0, 1].
        mouth_weight: 1 is the published L1, of which the mouth is a few per cent (Prajwal et al. 2020,
            section 3.1).
    """
    size = made.shape[-1]
    weight = torch.ones(size, size, device=made.device)
    top, bottom, left, right = mouth_box(size)
    weight[top:bottom, left:right] = mouth_weight
    return ((made - target).abs() * weight).mean() / weight.mean()


def _cross_entropy(logits: Tensor, real: bool) -> Tensor:
    """Binary, of logits, in float32."""
    with torch.autocast(logits.device.type, enabled=False):
        wanted = torch.full_like(logits, float(real), dtype=torch.float32)
        return F.binary_cross_entropy_with_logits(logits.float(), wanted)
