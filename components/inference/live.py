"""How late a listener would hear a conversion: what a stream costs in waiting and in computing."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from components.nn.conversion import Conversion

BLOCK_S = 0.02
"""What a sound card hands over at once."""


@dataclass(frozen=True)
class Delays:
    """Measured, of one recording that was played to the conversion.

    Attributes:
        chunks: that were computed while it played.
        p50_ms, p95_ms, max_ms: from the moment a sample was spoken until it could be heard, over the first
            samples of all chunks: waiting for the chunk and what lies ahead of it, and computing.
        real_time_factor: seconds of computing for a second of sound; from 1 on it falls behind for ever.
    """

    chunks: int
    p50_ms: float
    p95_ms: float
    max_ms: float
    real_time_factor: float

    @property
    def keeps_up(self) -> bool:
        """Whether the delay stays what it is."""
        return self.real_time_factor < 1.0


@dataclass
class Playback:
    """A conversion that is played to in real time, on a clock of its own: nobody has to wait for it.

    A block arrives when its last sample was spoken; computing begins then, or when the one before is done.

    Args:
        source_rate, made_rate: Hz of what goes in and comes out.
    """

    source_rate: int
    made_rate: int
    _spoken: int = 0
    _made: int = 0
    _free_at: float = 0.0
    _computed_s: float = 0.0
    _delays: list[float] = field(default_factory=list)

    def push(self, conversion: Conversion, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """What became ready with these samples."""
        self._spoken += len(samples)
        begun = max(self._spoken / self.source_rate, self._free_at)
        clock = time.perf_counter()
        made = conversion.push(samples)
        seconds = time.perf_counter() - clock
        self._computed_s += seconds
        self._free_at = begun + seconds
        if len(made):
            self._delays.append(self._free_at - self._made / self.made_rate)
            self._made += len(made)
        return made

    def delays(self) -> Delays | None:
        """What was measured; None where the recording was shorter than a chunk."""
        if not self._delays:
            return None
        p50, p95 = np.quantile(self._delays, (0.5, 0.95))
        return Delays(
            chunks=len(self._delays),
            p50_ms=1000 * float(p50),
            p95_ms=1000 * float(p95),
            max_ms=1000 * max(self._delays),
            real_time_factor=self._computed_s * self.source_rate / self._spoken,
        )
