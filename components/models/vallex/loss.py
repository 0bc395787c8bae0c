"""VALL-E X's losses, as one network with two phases that share nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from components.models.vallex.network import Text, VallexNetwork
from components.models.vallex.params import Architecture
from components.nn.contracts import Batch
from components.nn.masks import masked_mean, valid_positions

AR, NAR = "ar", "nar"


class VallexLearner(nn.Module):
    """A `components.nn.contracts.TrainableNetwork` (VALL-E X, equations 3 and 4).

    Cross entropy in full precision, mean over the real codes of a batch (upstream sums).
    The AR learns every code and the end; the NAR one codebook a step, drawn evenly, outside the prompt. Out
    of training all its codebooks are told, so that validation compares like with like.

    In training a share of the codes that the AR hears may be wrong ones, as its own will be (the prenet of
    Tacotron, Wang et al. 2017, drops half of what it hears for the same end), and the NAR may learn from the
    first samples of a step alone: with pacing and `decoding` by expectation it adds least.

    Args:
        architecture: dimensions.
        pace_loss_weight: of the durations, where the architecture has pacing.
        misheard_share: of the codes before the one to tell that are replaced by any other.
        nar_share: of a step's samples that the NAR learns from, at least one.
    """

    def __init__(
        self,
        architecture: Architecture,
        pace_loss_weight: float = 0.0,
        misheard_share: float = 0.0,
        nar_share: float = 1.0,
    ) -> None:
        super().__init__()
        self.network, self._pace_weight = VallexNetwork(architecture), pace_loss_weight
        self._misheard_share, self._nar_share = misheard_share, nar_share

    def enable_gradient_checkpointing(self) -> None:
        """Keep only the input of each block and compute the rest again for the backward pass."""
        for model in (self.network.ar, self.network.nar):
            model.transformer.checkpointing = True

    def forward(self, phase: str, batch: Batch, step: int) -> Mapping[str, Tensor]:
        """Losses of a phase.

        Args:
            batch: see `dataset.collate`.

        Returns:
            ``total``, in nats a code, and ``accuracy``, the share of codes that were the likeliest; of the AR
            with pacing also ``pace``, in frames, of which ``total`` then holds a part.
        """
        if phase == NAR and self.training:
            count = math.ceil(self._nar_share * len(batch["frames"]))
            batch = {name: value[:count] for name, value in batch.items()}
        text = Text(batch["symbols"], batch["languages"], batch["symbol_lengths"], batch["durations"])
        if phase == AR:
            return self._first(text, batch)
        stages = range(1, self.network.nar.books)
        if self.training:
            drawn = int(torch.randint(len(stages), ()))
            return self._other(text, batch, stages[drawn])
        told = [self._other(text, batch, stage) for stage in stages]
        return {name: torch.stack([one[name] for one in told]).mean() for name in told[0]}

    def _first(self, text: Text, batch: Batch) -> Mapping[str, Tensor]:
        ar, frames = self.network.ar, batch["frames"]
        codes = batch["codes"][:, 0]
        heard = F.pad(self._misheard(codes, ar.end), (1, 0), value=ar.begin)
        target = F.pad(codes, (0, 1)).scatter(1, frames.unsqueeze(1), ar.end)
        real = valid_positions(frames + 1, heard.shape[1])
        told = _told(ar(text, heard), target, real)
        if ar.durations is None or text.durations is None:
            return told
        pace = ar.durations.loss(ar.text.vectors(text), text.lengths, text.durations)
        return {**told, "total": told["total"] + self._pace_weight * pace, "pace": pace.detach()}

    def _misheard(self, codes: Tensor, size: int) -> Tensor:
        """[B, T] with some codes replaced by any of ``size``; in training alone."""
        if not self.training or self._misheard_share == 0.0:
            return codes
        wrong = torch.rand(codes.shape, device=codes.device) < self._misheard_share
        return torch.where(wrong, torch.randint_like(codes, size), codes)

    def _other(self, text: Text, batch: Batch, stage: int) -> Mapping[str, Tensor]:
        codes, frames, prompt = batch["codes"], batch["frames"], batch["prompt_frames"]
        longest = codes.shape[2]
        real = valid_positions(frames, longest) & ~valid_positions(prompt, longest)
        return _told(self.network.nar(text, codes, prompt, frames, stage), codes[:, stage], real)


def _told(logits: Tensor, target: Tensor, real: Tensor) -> Mapping[str, Tensor]:
    """Cross entropy and accuracy over the real positions: [B, T, V], [B, T] and [B, T]."""
    losses = F.cross_entropy(logits.float().transpose(1, 2), target, reduction="none")
    hits = (logits.detach().argmax(dim=2) == target).float()
    return {"total": masked_mean(losses, real), "accuracy": masked_mean(hits, real)}
