"""The seam to the vocoder: frames of mel and f0 in, samples out, whole or chunk by chunk."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import torch
from torch import Tensor

from components.auxiliaries.vocoder.griffin_lim import GriffinLim


class Waveform(Protocol):
    """Whatever makes mel audible."""

    def __call__(self, log_mel: Tensor, f0: Tensor) -> Tensor:
        """Samples of a whole utterance.

        Args:
            log_mel: [T, n_mels] natural log amplitude.
            f0: [T] Hz, 0 where unvoiced.

        Returns:
            [(T - 1) · hop] samples, not limited to [-1, 1].
        """

    def stream(self, log_mel: Tensor, f0: Tensor) -> Iterator[Tensor]:
        """The same samples in pieces, each as soon as it is known."""


class WithoutPitch:
    """`GriffinLim` behind the seam: it finds its own phase, so f0 is ignored and there is only one piece."""

    def __init__(self, vocoder: GriffinLim) -> None:
        self._vocoder = vocoder

    def __call__(self, log_mel: Tensor, f0: Tensor) -> Tensor:
        """See `Waveform`."""
        del f0
        samples: Tensor = self._vocoder(log_mel)
        return samples

    def stream(self, log_mel: Tensor, f0: Tensor) -> Iterator[Tensor]:
        """See `Waveform`."""
        yield self(log_mel, f0)


def limited(samples: Tensor, knee: float, limit: float) -> Tensor:
    """Samples within ±``limit``: as they are up to ``knee``, above it ever less of the excess (tanh).

    It looks at one sample at a time, so a stream and a whole utterance come out alike; turning the whole
    utterance down would need its loudest sample first.

    Args:
        knee, limit: of full scale, 0 ≤ knee < limit.
    """
    room = limit - knee
    excess = (samples.abs() - knee).clamp(min=0.0)
    loud = samples.sign() * (knee + room * torch.tanh(excess / room))
    return torch.where(excess > 0, loud, samples)
