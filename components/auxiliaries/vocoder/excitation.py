"""The source of the source-filter model: pulses at the pitch, noise elsewhere; any stretch of it on its own.

The phase of the pulses at every frame is a running sum over the frames before, in double precision; between
frames it is the integral of a frequency that changes linearly. So a stretch in the middle can be made without
the rest and is equal to the bit: that is what makes streaming equal to offline.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_NOISE_SEED = 0
"""Any seed: the noise is the same in every utterance, and the same mel must give the same audio."""
_NOISE_SAMPLES = 1 << 17
"""The noise repeats after six seconds at 22.05 kHz, long past anything that is heard as a repetition."""


@dataclass(frozen=True)
class Source:
    """Frame-wise course of the pulses, padded by ``pad`` frames on both sides (ends held).

    Attributes:
        frequency: [T + 2 · pad] Hz, never 0: through unvoiced stretches it runs from neighbour to neighbour.
        phase: [T + 2 · pad] pulses since the beginning, float64.
        voiced: [T + 2 · pad].
        pad: frames.
        noise_from: place of frame 0 in the endless row of noise, samples.
    """

    frequency: NDArray[np.float64]
    phase: NDArray[np.float64]
    voiced: NDArray[np.bool_]
    pad: int
    noise_from: int = 0


def source(f0: NDArray[np.float32], hop_s: float, pad: int) -> Source:
    """The course of the pulses.

    Args:
        f0: [T] Hz, 0 where unvoiced.
        hop_s: seconds between frames.
        pad: frames to hold at both ends.
    """
    padded = np.pad(f0.astype(np.float64), pad, mode="edge")
    voiced = padded > 0
    frequency = _without_gaps(padded, voiced)
    phase = np.cumsum(np.concatenate([[0.0], 0.5 * (frequency[:-1] + frequency[1:]) * hop_s]))
    return Source(frequency, phase, voiced, pad)


def _without_gaps(f0: NDArray[np.float64], voiced: NDArray[np.bool_]) -> NDArray[np.float64]:
    if not voiced.any():
        return np.ones_like(f0)  # 1 Hz: any frequency will do where no pulse is let through
    places = np.arange(len(f0))
    return np.asarray(np.exp(np.interp(places, places[voiced], np.log(f0[voiced]))))


class Excitation:
    """Makes stretches of pulses and noise, both with a mean power of about 1.

    Args:
        sample_rate: Hz.
        hop: samples between frames.
        device: where the stretches go.
    """

    def __init__(self, sample_rate: int, hop: int, device: torch.device) -> None:
        self._rate, self._hop, self._device = sample_rate, hop, device
        generator = torch.Generator().manual_seed(_NOISE_SEED)
        self._noise = torch.randn(_NOISE_SAMPLES, generator=generator).to(device)
        self._ramp = np.arange(hop) / sample_rate
        self._curve = np.arange(hop) ** 2 / (2.0 * hop * sample_rate)

    def noise(self, start: int, stop: int) -> Tensor:
        """White noise of variance 1 over samples [start, stop); sample 0 is the first frame's middle."""
        offset = start % _NOISE_SAMPLES
        copies = -(-(offset + stop - start) // _NOISE_SAMPLES)
        return self._noise.repeat(copies)[offset : offset + stop - start]

    def pulses(self, course: Source, start: int, stop: int) -> Tensor:
        """Unit-power pulses in voiced stretches over samples [start, stop).

        A pulse falls between two samples and is shared out between them by its distance. A sample belongs to
        the nearer frame, voiced or not.
        """
        hop = self._hop
        # One hop more on either side: a pulse's second half may lie across the border.
        first, last = start // hop - 1 + course.pad, -(-stop // hop) + 1 + course.pad
        frames = slice(first, last)
        here, there = course.frequency[frames], course.frequency[first + 1 : last + 1]
        phase = course.phase[frames, None] + here[:, None] * self._ramp
        phase = (phase + (there - here)[:, None] * self._curve).ravel()
        whole = np.floor(phase)
        at = np.flatnonzero(whole[1:] > whole[:-1]) + 1
        step = phase[at] - phase[at - 1]
        late = (phase[at] - whole[at]) / step  # in samples: how long before sample ``at`` the pulse fell
        nearer = course.voiced[(at + hop // 2) // hop + first]
        height = nearer / np.sqrt(step)
        made = np.zeros(len(phase), dtype=np.float32)
        made[at] += (height * (1.0 - late)).astype(np.float32)
        made[at - 1] += (height * late).astype(np.float32)
        skipped = start - (first - course.pad) * hop
        return torch.from_numpy(made[skipped : skipped + stop - start]).to(self._device)
