"""Residual vector quantisation: each codebook tells what the ones before it left."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True)
class Quantised:
    """What quantisation gave.

    Attributes:
        vectors: [B, T, D] sum of the chosen codewords; gradients pass straight through to what was quantised.
        codes: [B, Q, T].
        commitment: scalar, mean square distance to the chosen codewords, averaged over codebooks.
    """

    vectors: Tensor
    codes: Tensor
    commitment: Tensor


class ResidualQuantiser(nn.Module):
    """SoundStream's quantiser (Zeghidour et al. 2021, section III-C).

    Codewords are running means of what chose them (van den Oord et al. 2017, appendix A.1), not learned by
    gradients. One that hardly anything chooses begins anew at a vector of the batch. They begin at vectors of
    the first batch; the paper runs k-means on it.

    Args:
        codebooks: Q.
        size: entries of each.
        width: D.
        decay: of the running sums.
        restart_below: running count under which a codeword begins anew.
    """

    vectors: Tensor
    counts: Tensor
    sums: Tensor
    begun: Tensor

    def __init__(self, codebooks: int, size: int, width: int, decay: float, restart_below: float) -> None:
        super().__init__()
        self._decay, self._restart_below = decay, restart_below
        self.codebooks, self.size = codebooks, size
        self.register_buffer("vectors", torch.randn(codebooks, size, width))
        self.register_buffer("counts", torch.ones(codebooks, size))
        self.register_buffer("sums", self.vectors.clone())
        self.register_buffer("begun", torch.zeros(()))

    def forward(self, x: Tensor, used: Tensor | None = None) -> Quantised:
        """Quantise, and in training move the codewords.

        Args:
            x: [B, T, D].
            used: [B] how many codebooks count for each row; None: all.
        """
        residual, summed = x.detach().float(), torch.zeros_like(x, dtype=torch.float32)
        commitment = x.new_zeros((), dtype=torch.float32)
        codes = []
        for number in range(self.codebooks):
            flat = residual.flatten(0, 1)
            if self.training and not bool(self.begun):
                self._begin(number, flat)
            chosen = nearest(flat, self.vectors[number])
            words = F.embedding(chosen, self.vectors[number]).view_as(residual)
            commitment = commitment + F.mse_loss(x.float() - summed, words)
            if self.training:
                self._learn(number, flat, chosen)
            counts = 1.0 if used is None else (used > number).to(words.dtype)[:, None, None]
            summed, residual = summed + words * counts, residual - words
            codes.append(chosen.view(x.shape[:2]))
        if self.training:
            self.begun.fill_(1.0)
        straight = x + (summed.to(x.dtype) - x).detach()
        return Quantised(straight, torch.stack(codes, dim=1), commitment / self.codebooks)

    def encode(self, x: Tensor) -> Tensor:
        """[B, T, D] → codes [B, Q, T]."""
        residual, codes = x.float(), []
        for words in self.vectors:
            chosen = nearest(residual.flatten(0, 1), words)
            residual = residual - F.embedding(chosen, words).view_as(residual)
            codes.append(chosen.view(x.shape[:2]))
        return torch.stack(codes, dim=1)

    def decode(self, codes: Tensor) -> Tensor:
        """Codes [B, Q, T] of the first codebooks → [B, T, D]."""
        parts = [F.embedding(told, words) for told, words in zip(codes.unbind(1), self.vectors, strict=False)]
        return torch.stack(parts).sum(dim=0)

    @torch.no_grad()
    def _begin(self, number: int, x: Tensor) -> None:
        drawn = x[torch.randint(len(x), (self.size,), device=x.device)]
        self.vectors[number] = drawn
        self.sums[number] = drawn
        self.counts[number] = 1.0

    @torch.no_grad()
    def _learn(self, number: int, x: Tensor, chosen: Tensor) -> None:
        counts, sums = self.counts[number], self.sums[number]
        found = torch.bincount(chosen, minlength=self.size).to(counts.dtype)
        summed = torch.zeros_like(sums).index_add_(0, chosen, x)
        counts.lerp_(found, 1.0 - self._decay)
        sums.lerp_(summed, 1.0 - self._decay)
        rare = counts < self._restart_below
        fresh = x[torch.randint(len(x), (self.size,), device=x.device)]
        counts.copy_(torch.where(rare, 1.0, counts))
        sums.copy_(torch.where(rare[:, None], fresh, sums))
        self.vectors[number] = sums / counts[:, None]


def nearest(x: Tensor, words: Tensor) -> Tensor:
    """[N] the word [K, D] nearest to each row of [N, D]; the first of equally near ones."""
    distances = words.square().sum(dim=1) - 2.0 * (x @ words.t())
    return distances.argmin(dim=1)
