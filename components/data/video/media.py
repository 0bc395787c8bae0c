"""Reads pictures and sound of a file: upright RGB frames with their times, mono samples."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.core.errors import DataError

Image = NDArray[np.uint8]
PICTURES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".webp"})
"""Files that are one still picture."""
_QUARTER = 90


@dataclass(frozen=True)
class VideoFacts:
    """What a container says of itself.

    Attributes:
        fps: average; 0 where unknown.
        steady: every frame lasts as long as the others, as far as the container tells.
        seconds: of the pictures.
        sound: whether there is any.
        sound_late_s: how much later the sound begins than the pictures; negative: earlier.
    """

    fps: float
    steady: bool
    seconds: float
    sound: bool
    sound_late_s: float


@dataclass(frozen=True)
class TimedFrame:
    """A picture [H, W, 3] RGB and when it is shown, seconds from the first."""

    seconds: float
    image: Image


def facts_of(path: Path) -> VideoFacts:
    """Read the header.

    Raises:
        DataError: not a video.
    """
    with _opened(path) as container:
        stream = _pictures(container, path)
        average, base = stream.average_rate, stream.base_rate
        seconds = float((stream.duration or 0) * stream.time_base) if stream.duration else 0.0
        sound = container.streams.audio[0] if container.streams.audio else None
        late = 0.0
        if sound is not None:
            late = _start_s(sound) - _start_s(stream)
        return VideoFacts(
            fps=float(average or 0),
            steady=bool(average and base and abs(float(average) - float(base)) < 1e-3 * float(base)),
            seconds=seconds or float((container.duration or 0) / 1_000_000),
            sound=sound is not None,
            sound_late_s=late,
        )


def frames(path: Path) -> Iterator[TimedFrame]:
    """All frames in order, upright whatever the container's rotation; grey becomes RGB.

    Raises:
        DataError: nothing decodes.
    """
    if path.suffix.lower() in PICTURES:
        yield TimedFrame(0.0, _still(path))
        return
    first: float | None = None
    with _opened(path) as container:
        stream = _pictures(container, path)
        for number, frame in enumerate(_decoded(container, stream, path)):
            moment = float(frame.time) if frame.time is not None else number / float(stream.average_rate or 1)
            first = moment if first is None else first
            image = frame.to_ndarray(format="rgb24")
            turns = round(-(getattr(frame, "rotation", 0) or 0) / _QUARTER) % 4
            yield TimedFrame(
                moment - first, np.ascontiguousarray(np.rot90(image, -turns) if turns else image)
            )
    if first is None:
        raise _unusable(path, "at least one frame", "none")


def frames_at(path: Path, fps: float) -> Iterator[Image]:
    """The video at a constant rate: frame i is what is shown in the middle of [i, i + 1) / fps.

    A video of n frames at that very rate comes out as these n frames. One of another or a varying rate loses
    or repeats some, and never drifts. A still picture is one frame.

    Raises:
        DataError: as `frames`.
    """
    shown: TimedFrame | None = None
    made, last_step = 0, 1.0 / fps
    for frame in frames(path):
        if shown is not None:
            last_step = frame.seconds - shown.seconds
            while (made + 0.5) / fps < frame.seconds:
                yield shown.image
                made += 1
        shown = frame
    if shown is None:
        return
    end = shown.seconds + last_step
    while (made + 0.5) / fps < end or made == 0:
        yield shown.image
        made += 1


def sound(path: Path, rate: int) -> Iterator[NDArray[np.float32]]:
    """Mono samples in blocks, at ``rate`` Hz, in [-1, 1]; channels are averaged.

    Raises:
        DataError: no sound in the file, or NaN or infinite samples.
    """
    import av

    with _opened(path) as container:
        if not container.streams.audio:
            raise _unusable(path, "sound", "a file without any")
        stream = container.streams.audio[0]
        resampler = av.AudioResampler(format="flt", layout="mono", rate=rate)
        heard = False
        for frame in _decoded(container, stream, path):
            for part in resampler.resample(frame):
                heard = True
                yield _finite(part.to_ndarray().reshape(-1), path)
        for part in resampler.resample(None):
            yield _finite(part.to_ndarray().reshape(-1), path)
    if not heard:
        raise _unusable(path, "at least one sample", "none")


def _finite(samples: NDArray[np.float32], path: Path) -> NDArray[np.float32]:
    if not np.all(np.isfinite(samples)):
        raise _unusable(path, "finite samples", "NaN or infinite ones")
    return samples.astype(np.float32)


def _still(path: Path) -> Image:
    import cv2

    found = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if found is None:
        raise _unusable(path, "a picture that decodes", "something else, or nothing")
    return np.ascontiguousarray(found[:, :, ::-1])


def _start_s(stream: Any) -> float:
    return float((stream.start_time or 0) * stream.time_base)


def _pictures(container: Any, path: Path) -> Any:
    if not container.streams.video:
        raise _unusable(path, "a video stream", "none")
    stream = container.streams.video[0]
    stream.thread_type = "AUTO"
    return stream


def _decoded(container: Any, stream: Any, path: Path) -> Iterator[Any]:
    import av

    try:
        yield from container.decode(stream)
    except av.FFmpegError as error:
        raise _unusable(path, "frames that decode", str(error)) from error


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    import av

    try:
        container = av.open(str(path))
    except (av.FFmpegError, OSError) as error:
        raise _unusable(path, "a video or a recording", str(error)) from error
    with container:
        yield container


def _unusable(path: Path, expected: str, found: str) -> DataError:
    return DataError(who=path.name, expected=expected, found=found, action="give another file")
