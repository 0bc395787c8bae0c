"""What a codec offers, which one is meant, and the refusal of another one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from components.core.errors import ConfigError, DataError
from components.nn.timbre import Change, Timbre

NAME = "codec"
#: ``checkpoint`` of the weights that `make pretrain MODEL=codec` delivers; anything else is a hub id.
SHIPPED = f"pretrained/{NAME}"
#: ``checkpoint`` of seeded weights that learned nothing: for tests of the path, never for a voice.
UNTRAINED = "untrained"


@dataclass(frozen=True)
class Choice:
    """Which codec a language model speaks through.

    Attributes:
        checkpoint: ``pretrained/codec``, a hub id, a local folder in the hub's layout, or ``untrained``.
        sample_rate: Hz.
        frame_rate: frames of codes a second.
        n_codebooks: how many of the codec's codebooks are used, the coarsest first.
        codebook_size: entries of each.
        timbre: ``pretrained/timbre``, for the network that lets its sound follow a prompt; "": none.
    """

    checkpoint: str
    sample_rate: int
    frame_rate: int
    n_codebooks: int
    codebook_size: int
    timbre: str = ""


class Codec(Protocol):
    """Samples ↔ codes, deterministic.

    Attributes:
        sample_rate: Hz.
        hop: samples to one frame of codes.
        n_codebooks, codebook_size: Q, and the number of values of each code.
        lookahead: frames of codes that must be known after a frame before its samples are final.
        sha256: of weights, architecture and number of codebooks. Part of the key of stored codes and of a
            checkpoint: codes of one codec are noise to a model that learned another's; see `require_same`.
        weights_sha256: of the weights alone, for the evidence.
        device: where it computes.
        vectors: [Q, codebook_size, D] of every code; `decode` sums those of a frame.
    """

    sample_rate: int
    hop: int
    n_codebooks: int
    codebook_size: int
    lookahead: int
    sha256: str
    weights_sha256: str
    device: torch.device
    vectors: Tensor

    def encode(self, samples: Tensor) -> Tensor:
        """Codes of recordings of equal length.

        Args:
            samples: [B, N] mono at ``sample_rate``, N ≥ 1.

        Returns:
            [B, Q, T] int64 on ``device``, T = ⌈N / hop⌉.

        Raises:
            DataError: another shape, NaN or infinite values.
        """

    def decode(self, codes: Tensor, first: int = 0) -> Tensor:
        """Samples of codes.

        Args:
            codes: [B, Q, T].
            first: the frame from which on samples are wanted; the frames before it are heard all the same.

        Returns:
            [B, (T - first) · hop] float32 on ``device``.

        Raises:
            DataError: another shape, or codes that no codebook has.
        """

    def timbre(self, samples: Tensor) -> Timbre | None:
        """How a voice sounds on average, beside this codec's copy of it.

        Args:
            samples: [1, N], as for `encode`.

        Returns:
            None where too little is voiced, or where the codec's sound has no mel that could be shifted.

        Raises:
            DataError: as `encode`.
        """

    def shift(self, vectors: Tensor, timbre: Timbre, share: float, spread: float = 0.0) -> Change | None:
        """What brings the speech of vectors [1, T, D] nearer to a voice; None: nothing can or has to.

        Args:
            timbre: of the voice.
            share: of the way.
            spread: of the way from each band's spread to the voice's, where a network follows it.
        """

    def decode_vectors(self, vectors: Tensor, first: int = 0, shift: Change | None = None) -> Tensor:
        """Samples of any vectors, as of means over codes that could be.

        Args:
            vectors: [B, T, D].
            first: see `decode`.
            shift: of `shift`, for every frame.

        Returns:
            As `decode`.

        Raises:
            DataError: another shape, NaN or infinite values.
        """


def require_same(codec: Codec, sha256: str, who: str) -> None:
    """Refuse a codec other than the one that something was made with.

    Args:
        codec: the one at hand.
        sha256: what codes or a checkpoint were made with.
        who: whose codes or checkpoint, for the message.

    Raises:
        ConfigError: it is another one.
    """
    if codec.sha256 != sha256:
        raise ConfigError(
            who=who,
            expected=f"the codec {sha256[:12]}… that it was made with",
            found=f"codec {codec.sha256[:12]}…",
            action="use that codec, or compute the codes and train again with this one",
        )


def checked_samples(samples: Tensor, device: torch.device) -> Tensor:
    """``samples`` [B, N] on the device in float32, if they can be encoded.

    Raises:
        DataError: another shape, NaN or infinite values.
    """
    if samples.ndim != 2 or samples.shape[1] == 0:
        raise _unusable("samples [B, N ≥ 1], mono", f"shape {tuple(samples.shape)}")
    if not bool(torch.isfinite(samples).all()):
        raise _unusable("finite samples", f"{int((~torch.isfinite(samples)).sum())} NaN or infinite")
    return samples.detach().to(device, torch.float32)


def checked_codes(codes: Tensor, codec: Codec) -> Tensor:
    """``codes`` [B, Q, T] on the codec's device, if they can be decoded.

    Raises:
        DataError: another shape, or codes that no codebook has.
    """
    if codes.ndim != 3 or codes.shape[1] != codec.n_codebooks or codes.shape[2] == 0:
        raise _unusable(f"codes [B, {codec.n_codebooks}, T ≥ 1]", f"shape {tuple(codes.shape)}")
    if int(codes.min()) < 0 or int(codes.max()) >= codec.codebook_size:
        found = f"{int(codes.min())} to {int(codes.max())}"
        raise _unusable(f"codes of 0 to {codec.codebook_size - 1}", found)
    return codes.detach().to(codec.device)


def checked_vectors(vectors: Tensor, codec: Codec) -> Tensor:
    """``vectors`` [B, T, D] on the codec's device in float32, if they can be decoded.

    Raises:
        DataError: another shape, NaN or infinite values.
    """
    width = codec.vectors.shape[2]
    if vectors.ndim != 3 or vectors.shape[2] != width or vectors.shape[1] == 0:
        raise _unusable(f"vectors [B, T ≥ 1, {width}]", f"shape {tuple(vectors.shape)}")
    if not bool(torch.isfinite(vectors).all()):
        raise _unusable("finite vectors", f"{int((~torch.isfinite(vectors)).sum())} NaN or infinite")
    return vectors.detach().to(codec.device, torch.float32)


def _unusable(expected: str, found: str) -> DataError:
    return DataError(
        who="codec",
        expected=expected,
        found=found,
        action="look at the recording, or at what predicted the codes",
    )
