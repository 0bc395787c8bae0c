"""A recording of any rate and number of channels, as mono blocks of the rate that is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from components.data.any_audio import opened


def blocks(path: Path, sample_rate: int, seconds: float) -> Iterator[NDArray[np.float32]]:
    """Mono samples block by block; memory holds one block, however long the file is.

    Channels are averaged. Resampling runs on over the borders of blocks.

    Args:
        path: what `components.data.any_audio` reads.
        sample_rate: Hz of what comes out.
        seconds: of a block.

    Raises:
        DataError: not readable, empty, or NaN or infinite samples.
    """
    import soxr

    with opened(path, seconds) as recording:
        resampler = soxr.ResampleStream(recording.rate, sample_rate, 1, dtype="float32", quality="HQ")
        for part in recording.blocks:
            yield resampler.resample_chunk(part)
        yield resampler.resample_chunk(np.zeros(0, np.float32), last=True)


def length_s(path: Path) -> float:
    """Seconds of a recording as its header has it, 0 where it does not say.

    Raises:
        DataError: not readable.
    """
    with opened(path, 1.0) as recording:
        return recording.seconds
