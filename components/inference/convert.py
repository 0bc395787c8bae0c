"""A recording into another voice, from file to labelled file."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from components.core.errors import BadInputError
from components.core.progress import Progress, duration
from components.inference.label import MediaLabel
from components.inference.live import BLOCK_S, Playback
from components.inference.recording import blocks, length_s
from components.inference.synthesise import blocks_to_wav
from components.nn.contracts import Speech
from components.nn.conversion import VoiceConverter


@dataclass(frozen=True)
class Manner:
    """How a file is gone through.

    Attributes:
        source_hz: what the voice is usually at, so that the key need not be found; None: it is found
            in the file, and a stream has none.
        playback: plays the file to a stream of short chunks; None: long chunks, as fast as it goes.
        progress: told how far it is.
    """

    source_hz: float | None = None
    playback: Playback | None = None
    progress: Progress | None = None


AS_A_FILE = Manner()


def convert_file(
    converter: VoiceConverter,
    source: Path,
    speaker: str,
    out: Path,
    label: MediaLabel,
    manner: Manner = AS_A_FILE,
) -> Path:
    """Convert ``source`` into ``out``, both in blocks: an hour takes the memory of a block.

    The file is read twice where the key is found automatically: its mean pitch is known at its end only.

    Returns:
        The label beside ``out``.

    Raises:
        DataError: a source that cannot be used, or an unknown speaker; nothing is written then.
        BadInputError: a ``source_hz`` that is no pitch.
        StorageError: no space or no permission.
    """
    return blocks_to_wav(out, converted(converter, source, speaker, manner), converter.sample_rate, label)


def converted(
    converter: VoiceConverter, source: Path, speaker: str, manner: Manner = AS_A_FILE
) -> Iterator[NDArray[np.float32]]:
    """The samples of a converted file, as they become ready.

    Raises:
        DataError, BadInputError: as `convert_file`.
    """
    playback = manner.playback
    semitones = converter.key(speaker, _mean_of(converter, source, manner))
    conversion = converter.begin(speaker, semitones, live=playback is not None)
    for samples in _read(converter, source, manner, f"in the voice of {speaker}"):
        yield playback.push(conversion, samples) if playback else conversion.push(samples)
    yield conversion.finish()


def convert(converter: VoiceConverter, speech: Speech, speaker: str) -> Speech:
    """A recording that is in memory; of the same length in seconds.

    Raises:
        DataError: not mono, NaN or infinite samples, or an unknown speaker.
    """
    import soxr

    samples = speech.samples
    if speech.sample_rate != converter.source_rate and len(samples):
        samples = soxr.resample(samples, speech.sample_rate, converter.source_rate, quality="HQ")
    logs = _voiced(converter, samples)
    mean = float(logs.mean(dtype=np.float64)) if len(logs) else None
    conversion = converter.begin(speaker, converter.key(speaker, mean), live=False)
    return Speech(np.concatenate([conversion.push(samples), conversion.finish()]), converter.sample_rate)


def mean_log_f0(converter: VoiceConverter, source: Path, manner: Manner = AS_A_FILE) -> float | None:
    """Mean of ln f0 over the voiced frames of a file, or None where nothing is voiced."""
    total, count = 0.0, 0
    for samples in _read(converter, source, manner, "finding the key"):
        logs = _voiced(converter, samples)
        total, count = total + float(logs.sum(dtype=np.float64)), count + len(logs)
    return total / count if count else None


def _mean_of(converter: VoiceConverter, source: Path, manner: Manner) -> float | None:
    if manner.source_hz is None:
        return None if manner.playback else mean_log_f0(converter, source, manner)
    if not (math.isfinite(manner.source_hz) and manner.source_hz > 0):
        raise BadInputError(
            who="--source-hz",
            expected="the usual pitch of the speaker, in Hz above 0",
            found=f"{manner.source_hz:g}",
            action="a man's is about 110, a woman's about 200; leave it out where it is not known",
        )
    return math.log(manner.source_hz)


def _read(
    converter: VoiceConverter, source: Path, manner: Manner, what: str
) -> Iterator[NDArray[np.float32]]:
    """The file in blocks; the progress is of seconds that were worked off, not of those that were read."""
    total = length_s(source) if manner.progress else 0.0
    started, done = time.monotonic(), 0
    for samples in blocks(source, converter.source_rate, BLOCK_S if manner.playback else converter.block_s):
        yield samples
        done += len(samples)
        if manner.progress:
            seconds = done / converter.source_rate
            manner.progress.update(min(seconds, total), total, started, f"{what}, {duration(seconds)}")


def _voiced(converter: VoiceConverter, samples: NDArray[np.float32]) -> NDArray[np.float32]:
    return converter.log_f0(samples) if len(samples) else samples
