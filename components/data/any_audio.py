"""A recording in whatever form people have it, as mono blocks of its own rate.

libsndfile reads WAV, FLAC, OGG, MP3 and more. What it does not know (the M4A of a telephone, the sound of a
video) goes to FFmpeg through PyAV.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from components.core.errors import DataError

if TYPE_CHECKING:
    from soundfile import SoundFile


@dataclass(frozen=True)
class OpenRecording:
    """A recording whose header was read.

    Attributes:
        rate: Hz.
        seconds: as the header says; 0 where it does not.
        blocks: mono samples [≤ what was asked for], channels averaged; memory holds one block.
    """

    rate: int
    seconds: float
    blocks: Iterator[NDArray[np.float32]]


@contextmanager
def opened(path: Path, block_s: float) -> Iterator[OpenRecording]:
    """Open ``path`` for reading in blocks of ``block_s`` seconds.

    Raises:
        DataError: not readable, without any sample, or NaN or infinite samples (the last two while reading).
    """
    import soundfile

    try:
        with soundfile.SoundFile(path) as file:
            seconds = file.frames / file.samplerate
            yield OpenRecording(file.samplerate, seconds, _sound(path, _sndfile_blocks(file, block_s)))
    except soundfile.LibsndfileError as error:
        if not path.is_file():
            raise unusable(path, "audio that decodes", str(error)) from error
        with _by_ffmpeg(path, block_s) as recording:
            yield recording
    except OSError as error:
        raise unusable(path, "audio that decodes", str(error)) from error


def unusable(path: Path, expected: str, found: str) -> DataError:
    """What is said of a recording that cannot be used."""
    return DataError(who=path.name, expected=expected, found=found, action="give another recording")


@contextmanager
def _by_ffmpeg(path: Path, block_s: float) -> Iterator[OpenRecording]:
    import av

    try:
        with av.open(str(path)) as container:
            if not container.streams.audio:
                raise unusable(path, "audio that decodes", "no sound in it")
            stream = container.streams.audio[0]
            seconds = container.duration / av.time_base if container.duration else 0.0
            parts = _ffmpeg_blocks(container, stream, max(1, round(block_s * stream.rate)))
            yield OpenRecording(stream.rate, seconds, _sound(path, parts))
    except (av.FFmpegError, ValueError) as error:
        raise unusable(path, "audio that decodes", str(error)) from error


def _sndfile_blocks(file: SoundFile, block_s: float) -> Iterator[NDArray[np.float32]]:
    size = max(1, round(block_s * file.samplerate))
    for part in file.blocks(size, dtype="float32", always_2d=True):
        yield np.ascontiguousarray(part.mean(axis=1))


def _ffmpeg_blocks(container: Any, stream: Any, size: int) -> Iterator[NDArray[np.float32]]:
    import av

    planar = av.AudioResampler(format="fltp")
    kept: list[NDArray[np.float32]] = []
    for decoded in container.decode(stream):
        for frame in planar.resample(decoded):
            kept.append(frame.to_ndarray().mean(axis=0, dtype=np.float32))
        if sum(map(len, kept)) >= size:
            yield np.concatenate(kept)
            kept = []
    if kept:
        yield np.concatenate(kept)


def _sound(path: Path, parts: Iterator[NDArray[np.float32]]) -> Iterator[NDArray[np.float32]]:
    """The same blocks, looked at."""
    heard = False
    for part in parts:
        if not np.all(np.isfinite(part)):
            raise unusable(path, "finite samples", "NaN or infinite ones")
        heard = heard or len(part) > 0
        yield part
    if not heard:
        raise unusable(path, "at least one sample", "none")
