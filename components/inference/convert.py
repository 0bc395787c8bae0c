"""A recording into another voice, from file to labelled file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from components.inference.label import MediaLabel
from components.inference.recording import blocks
from components.inference.synthesise import blocks_to_wav
from components.nn.contracts import Speech
from components.nn.conversion import VoiceConverter


def convert_file(converter: VoiceConverter, source: Path, speaker: str, out: Path, label: MediaLabel) -> Path:
    """Convert ``source`` into ``out``, both in blocks: an hour takes the memory of a block.

    The file is read twice where the key is found automatically: its mean pitch is known at its end only.

    Returns:
        The label beside ``out``.

    Raises:
        DataError: a source that cannot be used, or an unknown speaker; nothing is written then.
        StorageError: no space or no permission.
    """
    return blocks_to_wav(out, converted(converter, source, speaker), converter.sample_rate, label)


def converted(converter: VoiceConverter, source: Path, speaker: str) -> Iterator[NDArray[np.float32]]:
    """The samples of a converted file, as they become ready.

    Raises:
        DataError: as `convert_file`.
    """
    semitones = converter.key(speaker, mean_log_f0(converter, source))
    conversion = converter.begin(speaker, semitones, live=False)
    for samples in blocks(source, converter.source_rate, converter.block_s):
        yield conversion.push(samples)
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


def mean_log_f0(converter: VoiceConverter, source: Path) -> float | None:
    """Mean of ln f0 over the voiced frames of a file, or None where nothing is voiced."""
    total, count = 0.0, 0
    for samples in blocks(source, converter.source_rate, converter.block_s):
        logs = _voiced(converter, samples)
        total, count = total + float(logs.sum(dtype=np.float64)), count + len(logs)
    return total / count if count else None


def _voiced(converter: VoiceConverter, samples: NDArray[np.float32]) -> NDArray[np.float32]:
    return converter.log_f0(samples) if len(samples) else samples
