"""A face and a recording into a video in which the face says it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from components.core.progress import Progress
from components.data.video.media import PICTURES, frames_at
from components.features.faces.detection import FaceDetector
from components.features.faces.track import TrackedFrame, TrackReport, cropped, pasted, tracked
from components.features.pcm import as_pcm
from components.inference.film import Format, Sound, file_sound, film
from components.inference.label import MediaLabel
from components.nn.lip_sync import LipSynchroniser

Image = NDArray[np.uint8]
_TAIL_FRAMES = 2
"""Sound that outlasts the pictures by less is a codec's padding and ends with them."""
_MIDDLE, _RADII = (0.5, 0.73), (0.33, 0.27)
"""Of what is pasted: an ellipse around mouth and chin, across and down, shares of a crop's side."""


@dataclass(frozen=True)
class Rendering:
    """How it is rendered.

    Attributes:
        max_gap: frames without a face that are bridged.
        feather: share of a crop over which what is pasted fades out.
        quality: constant rate factor of H.264.
    """

    max_gap: int
    feather: float
    quality: int


@dataclass
class LipSynced:
    """What was written.

    Attributes:
        frames: of the video.
        seconds: of the recording.
        held: frames for which the last picture was held, since the recording lasts longer.
        track: what was met on the way.
        label: file beside the video.
    """

    frames: int = 0
    seconds: float = 0.0
    held: int = 0
    track: TrackReport = field(default_factory=TrackReport)
    label: Path = Path()


def lipsync_file(
    model: LipSynchroniser,
    picture: Path,
    speech: Path,
    out: Path,
    label: MediaLabel,
    detector: FaceDetector,
    rendering: Rendering,
    progress: Progress,
) -> LipSynced:
    """Render ``picture`` (a video or a still) speaking ``speech`` into ``out`` (mp4), its label beside it.

    A video of the model's rate comes out with as many frames as it had, each in its place; one of another
    rate is converted. Where the recording ends earlier, the mouth hears silence; where it lasts longer, the
    last picture is held. Frames without a face pass through untouched. Memory holds one batch of frames; the
    recording lies in a temporary file, whatever its length.

    Raises:
        DataError: a picture or a recording that cannot be used; nothing is written then.
        StorageError: no space or no permission.
    """
    made = LipSynced()
    loud = file_sound(speech)
    with heard_in(loud, model.sample_rate) as heard:
        made.seconds = len(heard) / model.sample_rate
        pictures = _lasting(picture, model.fps, model.video_frames(len(heard)), made)
        spoken = speaking(model, pictures, heard, detector, rendering, made.track)
        form = Format(model.fps, rendering.quality)
        written = film(spoken, loud, made.seconds, out, form, label, progress)
    made.frames, made.label = written.frames, written.label
    return made


def speaking(
    model: LipSynchroniser,
    pictures: Iterator[Image],
    heard: NDArray[np.int16],
    detector: FaceDetector,
    rendering: Rendering,
    report: TrackReport,
) -> Iterator[Image]:
    """The pictures at the model's rate, with mouths that say what is ``heard``; as many as came in.

    Args:
        heard: [N] of the model's rate.
        report: filled on the way.
    """
    mask, shown = soft_mask(model.image_size, rendering.feather), 0
    for batch in _batches(tracked(pictures, detector, rendering.max_gap, report), model.batch_frames):
        yield from _rendered(model, batch, heard, shown, mask)
        shown += len(batch)


@contextmanager
def heard_in(loud: Sound, rate: int) -> Iterator[NDArray[np.int16]]:
    """The whole recording as a memory map [N] of that rate, which its pages can leave at any time."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "heard.i16"
        with path.open("wb") as file:
            for block in loud(rate):
                as_pcm(block).tofile(file)
        yield np.memmap(path, dtype=np.int16, mode="r")


def soft_mask(size: int, feather: float) -> NDArray[np.float32]:
    """[size, size]: 1 around the mouth, fading to 0 within the lower half of a face, towards an ellipse.

    The corners of the lower half hold neck, collar and background, which no speech moves: pasted, they
    flicker and show the crop's edge.

    Args:
        feather: width of the fading, a share of ``size``.
    """
    place = (np.arange(size, dtype=np.float32) + 0.5) / size
    across, down = (place - _MIDDLE[0]) / _RADII[0], (place - _MIDDLE[1]) / _RADII[1]
    inside = 1.0 - np.hypot(across[None, :], down[:, None])
    width = max(1.0 / size, feather) / _RADII[1]
    mask: NDArray[np.float32] = np.clip(inside / width, 0.0, 1.0).astype(np.float32)
    return mask


def _rendered(
    model: LipSynchroniser,
    batch: list[TrackedFrame],
    heard: NDArray[np.int16],
    first: int,
    mask: NDArray[np.float32],
) -> Iterator[Image]:
    """The batch's frames, with speaking mouths where there are faces."""
    size = model.image_size
    numbers = np.array([first + n for n, frame in enumerate(batch) if frame.box is not None], dtype=np.int64)
    crops = [cropped(frame.image, frame.box, size) for frame in batch if frame.box is not None]
    faces = iter(list(model.faces(np.stack(crops), heard, numbers)) if crops else [])
    for frame in batch:
        yield frame.image if frame.box is None else pasted(frame.image, next(faces), frame.box, mask)


def _lasting(picture: Path, fps: int, wanted: int, made: LipSynced) -> Iterator[Image]:
    """The pictures at the model's rate; the last one is held until the recording has ended."""
    last, shown = None, 0
    for image in frames_at(picture, fps):
        yield image
        last, shown = image, shown + 1
    still = picture.suffix.lower() in PICTURES
    if last is not None and (still or wanted - shown > _TAIL_FRAMES):
        made.held = 0 if still else wanted - shown
        for _ in range(shown, wanted):
            yield last


def _batches(frames: Iterator[TrackedFrame], count: int) -> Iterator[list[TrackedFrame]]:
    while batch := list(islice(frames, count)):
        yield batch
