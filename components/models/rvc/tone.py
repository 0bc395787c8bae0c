"""The pitch of a stretch of frames, with the phase that runs through it: what a decoder makes audible."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

from torch import Tensor


@dataclass(frozen=True)
class Tone:
    """Of T frames.

    Attributes:
        f0: [T] Hz, 0 where unvoiced.
        frequency: [T] Hz by which the phase moves on.
        phase: [T + 1] cycles at each frame and after the last one, float64; whole cycles mean nothing.
        begin: number of the first frame in its recording; noise belongs to places in the recording.
    """

    f0: Tensor
    frequency: Tensor
    phase: Tensor
    begin: int

    def through(self, frame: int, phase: float) -> Tone:
        """The same with that phase at that frame."""
        return replace(self, phase=self.phase - self.phase[frame] + phase)

    def part(self, start: int, stop: int) -> Tone:
        """Frames [start, stop)."""
        return Tone(
            self.f0[start:stop], self.frequency[start:stop], self.phase[start : stop + 1], self.begin + start
        )


class ToneDecoder(Protocol):
    """What conversion asks of a decoder."""

    @property
    def reach_frames(self) -> int:
        """Frames on either side of a hop that its samples depend on, at most."""

    def tone(self, f0: Tensor, begin: int) -> Tone:
        """Of f0 [T], with the phase 0 at first; the phase of every frame follows from those before it."""

    def samples(self, z: Tensor, tone: Tone, condition: Tensor) -> Tensor:
        """[T · hop] of latent vectors [1, C, T] and a speaker's vector [1, S]."""
