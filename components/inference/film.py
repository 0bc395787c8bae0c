"""Pictures and a sound into a labelled mp4."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from components.core.progress import Progress
from components.data.video.media import sound
from components.data.video.mp4 import writing
from components.data.video.subtitles import SubtitleTrack
from components.inference.label import MediaLabel, write_sidecar
from components.inference.media_content import packets_sha256
from components.nn.contracts import Speech

Image = NDArray[np.uint8]
Sound = Callable[[int], Iterator[NDArray[np.float32]]]
"""A recording: mono blocks in [-1, 1] of the rate (Hz) that is asked for, each time from the start."""
SOUND_RATE = 48_000
"""Of the sound that is written; AAC has it on every player."""


@dataclass(frozen=True)
class Format:
    """How a film is written.

    Attributes:
        fps: pictures a second.
        quality: constant rate factor of H.264.
        track: texts that a player shows or hides.
    """

    fps: int
    quality: int
    track: SubtitleTrack | None = None


@dataclass(frozen=True)
class Film:
    """What was written: how many pictures, and the label beside the mp4."""

    frames: int
    label: Path


def film(
    images: Iterable[Image],
    loud: Sound,
    seconds: float,
    out: Path,
    form: Format,
    label: MediaLabel,
    progress: Progress,
) -> Film:
    """Write ``images`` and what sounds meanwhile into ``out`` (mp4); the film ends with the pictures.

    Memory holds a picture and a block of sound.

    Args:
        images: [H, W, 3] RGB, all of one size.
        seconds: how long it becomes, as far as is known, for ``progress``.

    Raises:
        StorageError: no space or no permission.
        Whatever ``images`` and ``loud`` raise; nothing is written then.
    """
    heard, frames, started = _Heard(loud, form.fps), 0, time.monotonic()
    with writing(out, form.fps, SOUND_RATE, label.container(), form.quality, form.track) as writer:
        for image in images:
            writer.write(image, heard.of_frame(frames))
            frames += 1
            if frames % form.fps == 0:
                done = frames / form.fps
                progress.update(done, max(seconds, done), started, f"{frames} frames")
    return Film(frames, write_sidecar(out, label, packets_sha256(out)))


def file_sound(path: Path) -> Sound:
    """The sound of a recording or a video.

    Raises:
        DataError: when it is read, where there is none.
    """
    return partial(sound, path)


def speech_sound(speech: Speech) -> Sound:
    """The sound of speech that is in memory."""

    def blocks(rate: int) -> Iterator[NDArray[np.float32]]:
        import soxr

        same = rate == speech.sample_rate
        yield (
            speech.samples if same else soxr.resample(speech.samples, speech.sample_rate, rate, quality="HQ")
        )

    return blocks


def frames_of(speech: Speech, fps: int) -> int:
    """Pictures until the speech has ended, at least one."""
    return max(1, math.ceil(len(speech.samples) * fps / speech.sample_rate))


def exactly(images: Iterable[Image], count: int) -> Iterator[Image]:
    """``count`` pictures: the last one is held, what is beyond is left out; none where there is none."""
    last, shown = None, 0
    for image in islice(images, count):
        yield image
        last, shown = image, shown + 1
    if last is not None:
        for _ in range(shown, count):
            yield last


class _Heard:
    """A recording at the written rate, handed out frame by frame."""

    def __init__(self, loud: Sound, fps: int) -> None:
        self._blocks, self._fps = loud(SOUND_RATE), fps
        self._left = np.zeros(0, np.float32)
        self._ended = False

    def of_frame(self, frame: int) -> NDArray[np.float32]:
        """What sounds during that frame; frames are asked for in order. Empty after the end."""
        count = (frame + 1) * SOUND_RATE // self._fps - frame * SOUND_RATE // self._fps
        while len(self._left) < count and not self._ended:
            block = next(self._blocks, None)
            self._ended = block is None
            if block is not None:
                self._left = np.concatenate([self._left, block])
        given, self._left = self._left[:count], self._left[count:]
        return given
