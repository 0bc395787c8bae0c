"""What a recording is like, measured from its file in blocks: three hours need no more memory."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from components.core.parallel import map_in_processes
from components.core.progress import Progress
from components.core.storage import sha256_path

if TYPE_CHECKING:
    from soundfile import SoundFile

#: A sample counts as clipped from the largest positive 16-bit value on.
FULL_SCALE = 32767.0 / 32768.0
#: Silence is judged in frames of 20 ms.
FRAME_S = 0.02
_FRAMES_PER_BLOCK = 1500
_FLOOR_DBFS = -120.0


@dataclass(frozen=True)
class AudioStatistics:
    """Measured properties of one file.

    Attributes:
        problem: why it could not be measured; "" when it could, and then everything below holds.
        file_sha256: of the file's bytes.
        signal_sha256: of the decoded samples: the same recording in another file format has the same.
        measured_s: seconds that decode.
        measured_rate: Hz.
        channels: 1 is what the models expect.
        non_finite: NaN or infinite samples.
        clipping_share: share of samples at full scale.
        silence_share: share of 20 ms frames below the limit.
        rms_dbfs, peak_dbfs: dB relative to full scale, not below -120.
    """

    problem: str = ""
    file_sha256: str = ""
    signal_sha256: str = ""
    measured_s: float = 0.0
    measured_rate: int = 0
    channels: int = 0
    non_finite: int = 0
    clipping_share: float = 0.0
    silence_share: float = 1.0
    rms_dbfs: float = _FLOOR_DBFS
    peak_dbfs: float = _FLOOR_DBFS


def measure_all(
    files: Sequence[Path], silence_dbfs: float, workers: int, progress: Progress
) -> Iterator[AudioStatistics]:
    """`measure` of every file, in order, on ``workers`` processes."""
    measure_one = partial(measure, silence_dbfs=silence_dbfs)
    return map_in_processes(measure_one, files, workers, progress, "recordings")


def measure(file: Path, silence_dbfs: float) -> AudioStatistics:
    """The statistics of one file. Never raises on a bad one: ``problem`` says what is wrong with it."""
    import soundfile

    try:
        file_sha256 = sha256_path(file)
        with soundfile.SoundFile(file) as audio:
            return _accumulate(audio, file_sha256, silence_dbfs)
    except OSError as error:
        return AudioStatistics(problem=f"cannot be read: {error.strerror or type(error).__name__}")
    except soundfile.LibsndfileError as error:
        return AudioStatistics(problem=f"does not decode: {error.error_string}")


def _accumulate(audio: SoundFile, file_sha256: str, silence_dbfs: float) -> AudioStatistics:
    rate, channels = int(audio.samplerate), int(audio.channels)
    frame = max(1, round(rate * FRAME_S))
    digest = hashlib.sha256()
    samples = clipped = frames = silent = non_finite = 0
    squares, peak = 0.0, 0.0
    for block in _mono_blocks(audio, frame * _FRAMES_PER_BLOCK):
        digest.update(block.tobytes())
        finite = np.isfinite(block)
        non_finite += int(block.size - finite.sum())
        clean = np.where(finite, block, 0.0).astype(np.float64)
        samples += clean.size
        clipped += int(np.sum(np.abs(clean) >= FULL_SCALE))
        squares += float(clean @ clean)
        peak = max(peak, float(np.max(np.abs(clean))))
        levels = _frame_levels(clean, frame)
        frames += len(levels)
        silent += int(np.sum(levels < silence_dbfs))
    if samples == 0:
        return AudioStatistics(problem="holds no samples", file_sha256=file_sha256)
    return AudioStatistics(
        file_sha256=file_sha256,
        signal_sha256=digest.hexdigest(),
        measured_s=samples / rate,
        measured_rate=rate,
        channels=channels,
        non_finite=non_finite,
        clipping_share=clipped / samples,
        silence_share=silent / frames,
        rms_dbfs=_decibels(float(np.sqrt(squares / samples))),
        peak_dbfs=_decibels(peak),
    )


def _mono_blocks(audio: SoundFile, size: int) -> Iterator[NDArray[np.float32]]:
    """Blocks [≤ size]; several channels are averaged for the statistics, ``channels`` tells of them."""
    for block in audio.blocks(blocksize=size, dtype="float32", always_2d=True):
        if len(block):
            yield np.ascontiguousarray(block.mean(axis=1) if block.shape[1] > 1 else block[:, 0])


def _frame_levels(samples: NDArray[np.float64], frame: int) -> NDArray[np.float64]:
    """Level of each frame in dBFS; a last part shorter than a frame counts as one."""
    starts = np.arange(0, len(samples), frame)
    lengths = np.minimum(frame, len(samples) - starts)
    mean_squares = np.add.reduceat(samples * samples, starts) / lengths
    levels: NDArray[np.float64] = 10.0 * np.log10(np.maximum(mean_squares, 10.0 ** (_FLOOR_DBFS / 10.0)))
    return levels


def _decibels(amplitude: float) -> float:
    return max(_FLOOR_DBFS, 20.0 * float(np.log10(max(amplitude, 1e-12))))
