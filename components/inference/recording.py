"""A recording of any rate and number of channels, as mono blocks of the rate that is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from components.core.errors import DataError


def blocks(path: Path, sample_rate: int, seconds: float) -> Iterator[NDArray[np.float32]]:
    """Mono samples block by block; memory holds one block, however long the file is.

    Channels are averaged. Resampling runs on over the borders of blocks.

    Args:
        path: what libsndfile reads: WAV, FLAC, OGG, MP3 …
        sample_rate: Hz of what comes out.
        seconds: of a block.

    Raises:
        DataError: not readable, empty, or NaN or infinite samples.
    """
    import soundfile
    import soxr

    heard = False
    try:
        with soundfile.SoundFile(path) as file:
            resampler = soxr.ResampleStream(file.samplerate, sample_rate, 1, dtype="float32", quality="HQ")
            for part in file.blocks(
                max(1, round(seconds * file.samplerate)), dtype="float32", always_2d=True
            ):
                if not np.all(np.isfinite(part)):
                    raise _unusable(path, "finite samples", "NaN or infinite ones")
                heard = heard or len(part) > 0
                yield resampler.resample_chunk(np.ascontiguousarray(part.mean(axis=1)))
            yield resampler.resample_chunk(np.zeros(0, np.float32), last=True)
    except (OSError, soundfile.LibsndfileError) as error:
        raise _unusable(path, "audio that decodes", str(error)) from error
    if not heard:
        raise _unusable(path, "at least one sample", "none")


def _unusable(path: Path, expected: str, found: str) -> DataError:
    return DataError(who=path.name, expected=expected, found=found, action="give another recording")
