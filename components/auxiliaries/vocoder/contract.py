"""What every vocoder offers, and what it refuses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import torch
from torch import Tensor

from components.core.errors import DataError
from components.features.mel import MelAnalysis


class Vocoder(Protocol):
    """Mel → waveform, deterministic: the same mel and f0 give the same samples.

    Attributes:
        analysis: the mel it inverts.
        weights_sha256: of the delivered weights, for the evidence; empty where there are none.
    """

    analysis: MelAnalysis
    weights_sha256: str

    def __call__(self, log_mel: Tensor, f0: Tensor | None = None) -> Tensor:
        """The whole waveform.

        Args:
            log_mel: [T, n_mels] natural log, T ≥ 1.
            f0: [T] Hz, 0 where unvoiced; None where it is not known.

        Returns:
            [(T - 1) · hop_length] samples, not limited to [-1, 1]; none for a single frame.

        Raises:
            DataError: another shape, NaN or infinite values, negative f0.
        """

    def stream(self, log_mel: Tensor, f0: Tensor | None = None) -> Iterator[Tensor]:
        """The same samples in chunks, each computed when it is asked for; at least one (maybe empty) chunk.

        Their concatenation equals the whole to rounding. A vocoder that cannot stream yields one chunk.

        Raises:
            DataError: as above, before the first chunk.
        """


def checked(log_mel: Tensor, f0: Tensor | None, analysis: MelAnalysis, device: torch.device) -> Tensor:
    """``log_mel`` on the device in float32, if it and f0 can be used.

    Raises:
        DataError: another shape, NaN or infinite values, negative f0.
    """
    if log_mel.ndim != 2 or log_mel.shape[1] != analysis.n_mels or len(log_mel) == 0:
        raise _unusable(f"a mel [T ≥ 1, {analysis.n_mels}]", f"shape {tuple(log_mel.shape)}")
    if not bool(torch.isfinite(log_mel).all()):
        count = int((~torch.isfinite(log_mel)).sum())
        raise _unusable("finite mel values", f"{count} of {log_mel.numel()} NaN or infinite")
    if f0 is not None:
        if f0.shape != log_mel.shape[:1]:
            raise _unusable(f"f0 [{len(log_mel)}], one a frame", f"shape {tuple(f0.shape)}")
        if not bool((torch.isfinite(f0) & (f0 >= 0)).all()):
            raise _unusable("f0 ≥ 0 Hz, finite", "NaN, infinite or negative values")
    return log_mel.detach().to(device, torch.float32)


def chunk_bounds(hops: int, first: int, rest: int) -> Iterator[tuple[int, int]]:
    """[start, stop) in hops: one chunk of ``first``, then of ``rest``; a single empty one for no hops."""
    start, size = 0, first
    while start < hops or start == 0:
        stop = min(hops, start + size)
        yield start, stop
        if stop >= hops:
            return
        start, size = stop, rest


def _unusable(expected: str, found: str) -> DataError:
    return DataError(
        who="vocoder", expected=expected, found=found, action="look at what predicted the mel and the f0"
    )
