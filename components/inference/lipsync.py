"""A face and a recording into a video in which the face says it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from components.core.progress import Progress
from components.data.video.media import PICTURES, frames_at, sound
from components.data.video.mp4 import writing
from components.features.faces.detection import FaceDetector
from components.features.faces.track import TrackedFrame, TrackReport, cropped, pasted, tracked
from components.features.pcm import as_pcm
from components.inference.label import MediaLabel, write_sidecar
from components.inference.media_content import packets_sha256
from components.nn.lip_sync import LipSynchroniser

Image = NDArray[np.uint8]
_SOUND_RATE = 48_000
"""Of the sound that is written; AAC has it on every player."""
_TAIL_FRAMES = 2
"""Sound that outlasts the pictures by less is a codec's padding and ends with them."""


@dataclass(frozen=True)
class Rendering:
    """How it is rendered.

    Attributes:
        max_gap: frames without a face that are bridged.
        feather: share of a crop over which its border fades out.
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
    with tempfile.TemporaryDirectory() as folder:
        heard = _spooled(speech, model.sample_rate, Path(folder) / "heard.i16")
        made.seconds = len(heard) / model.sample_rate
        wanted = model.video_frames(len(heard))
        pictures = tracked(
            _lasting(picture, model.fps, wanted, made), detector, rendering.max_gap, made.track
        )
        mask = soft_mask(model.image_size, rendering.feather)
        loud = _Sound(speech, model.fps)
        with writing(out, model.fps, _SOUND_RATE, label.container(), rendering.quality) as writer:
            for batch in _batches(pictures, model.batch_frames):
                for image in _rendered(model, batch, heard, made.frames, mask):
                    writer.write(image, loud.of_frame(made.frames))
                    made.frames += 1
                progress.say(f"{made.frames} frames, {made.frames / model.fps:.1f} s of {made.seconds:.1f} s")
    made.label = write_sidecar(out, label, packets_sha256(out))
    return made


def soft_mask(size: int, feather: float) -> NDArray[np.float32]:
    """[size, size]: 1 over the lower half of a face, fading to 0 towards every border of it."""
    width = max(1.0, feather * size)
    place = np.arange(size, dtype=np.float32) + 0.5
    across = np.clip(np.minimum(place, size - place) / width, 0.0, 1.0)
    down = np.clip((place - size / 2 + width) / width, 0.0, 1.0) * np.clip((size - place) / width, 0.0, 1.0)
    mask: NDArray[np.float32] = (down[:, None] * across[None, :]).astype(np.float32)
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


def _spooled(speech: Path, rate: int, path: Path) -> NDArray[np.int16]:
    """The whole recording as a memory map; its pages can leave the memory at any time."""
    with path.open("wb") as file:
        for block in sound(speech, rate):
            as_pcm(block).tofile(file)
    return np.memmap(path, dtype=np.int16, mode="r")


class _Sound:
    """The recording at the written rate, handed out frame by frame."""

    def __init__(self, speech: Path, fps: int) -> None:
        self._blocks, self._fps = sound(speech, _SOUND_RATE), fps
        self._left = np.zeros(0, np.float32)
        self._ended = False

    def of_frame(self, frame: int) -> NDArray[np.float32]:
        """What sounds during that frame; frames are asked for in order. Empty after the end."""
        count = (frame + 1) * _SOUND_RATE // self._fps - frame * _SOUND_RATE // self._fps
        while len(self._left) < count and not self._ended:
            block = next(self._blocks, None)
            self._ended = block is None
            if block is not None:
                self._left = np.concatenate([self._left, block])
        given, self._left = self._left[:count], self._left[count:]
        return given
