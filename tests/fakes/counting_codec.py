"""A codec without weights: loudness of a frame as codes, codes as a constant level."""

from __future__ import annotations

import torch
from torch import Tensor

from components.nn.timbre import Shift, Timbre


class CountingCodec:
    """A `components.auxiliaries.codec.contract.Codec` of the ci profile's dimensions."""

    sample_rate, hop, n_codebooks, codebook_size, lookahead = 24000, 480, 3, 16, 2
    device = torch.device("cpu")
    vectors = torch.tensor([1.0, 0.1, 0.01])[:, None, None] * torch.arange(16)[:, None] / 16 / 2

    def __init__(self, sha256: str = "c" * 64) -> None:
        self.sha256 = self.weights_sha256 = sha256

    def encode(self, samples: Tensor) -> Tensor:
        frames = -(-samples.shape[1] // self.hop)
        padded = torch.nn.functional.pad(samples, (0, frames * self.hop - samples.shape[1]))
        parts = padded.view(len(samples), frames, self.n_codebooks, -1)
        level = parts.abs().mean(dim=3) * 60
        return level.long().clamp(max=self.codebook_size - 1).transpose(1, 2)

    def decode(self, codes: Tensor, first: int = 0) -> Tensor:
        assert codes.shape[1] == self.n_codebooks
        weights = torch.tensor([1.0, 0.1, 0.01])
        level = (codes * weights[:, None]).sum(dim=1) / self.codebook_size / 2
        return level[:, first:].repeat_interleave(self.hop, dim=1)

    def timbre(self, samples: Tensor) -> Timbre | None:
        """Its loudness stands for the voice."""
        return Timbre(samples.abs().mean()[None], 0.0, 1.0)

    def shift(self, vectors: Tensor, timbre: Timbre, share: float, spread: float = 0.0) -> Shift | None:
        return Shift(share * (timbre.mel - vectors.mean()), 0.0)

    def decode_vectors(self, vectors: Tensor, first: int = 0, shift: Shift | None = None) -> Tensor:
        vectors = vectors if shift is None else vectors + shift.mel
        return vectors[:, first:, 0].repeat_interleave(self.hop, dim=1)
