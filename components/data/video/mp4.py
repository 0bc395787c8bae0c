"""Writes H.264 and AAC into an mp4, frame by frame, each with the sound of its time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.core.storage import atomic_file
from components.data.video.subtitles import SubtitleTrack, SubtitleWriter

Image = NDArray[np.uint8]


class Mp4Writer:
    """See `writing`."""

    def __init__(
        self, container: Any, fps: float, sample_rate: int, quality: int, track: SubtitleTrack | None
    ) -> None:
        self._container, self._rate = container, sample_rate
        self._fps = Fraction(fps).limit_denominator(1001)
        self._quality = str(quality)
        self._video: Any = None
        self._audio = container.add_stream("aac", rate=sample_rate, layout="mono") if sample_rate else None
        self._track = SubtitleWriter(container, track) if track else None
        self._heard = 0
        self.frames = 0

    def write(self, image: Image, samples: NDArray[np.float32]) -> None:
        """One frame [H, W, 3] RGB of the first one's size, and the samples [n] that sound meanwhile.

        An odd side is made even by repeating the last row or column: H.264 in 4:2:0 has even sides only.
        """
        import av

        height, width = image.shape[:2]
        even = np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        if self._video is None:
            self._video = self._stream(even.shape[1], even.shape[0])
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(even), format="rgb24")
        frame.pts, frame.time_base = self.frames, 1 / self._fps
        self._container.mux(self._video.encode(frame))
        self.frames += 1
        self._sound(samples)
        if self._track:
            self._track.up_to(float(self.frames / self._fps))

    def _stream(self, width: int, height: int) -> Any:
        stream = self._container.add_stream("libx264", rate=self._fps)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.options = {"crf": self._quality, "preset": "veryfast"}
        return stream

    def _sound(self, samples: NDArray[np.float32]) -> None:
        import av

        if self._audio is None or not len(samples):
            return
        frame = av.AudioFrame.from_ndarray(samples.astype(np.float32)[None], format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = self._rate, self._heard, Fraction(1, self._rate)
        self._container.mux(self._audio.encode(frame))
        self._heard += len(samples)

    def finish(self) -> None:
        """What the encoders still hold, and texts that nothing was shown for."""
        for stream in (self._video, self._audio):
            if stream is not None:
                self._container.mux(stream.encode(None))
        if self._track and self.frames:
            self._track.up_to(None)


@contextmanager
def writing(
    path: Path,
    fps: float,
    sample_rate: int,
    label: Mapping[str, str],
    quality: int,
    track: SubtitleTrack | None = None,
) -> Iterator[Mp4Writer]:
    """An mp4 that appears at ``path`` when it is complete, and not at all after an error.

    Args:
        fps: frames a second.
        sample_rate: Hz of the sound; 0: none.
        label: what the file says of itself, the container's metadata: title, comment, date.
        quality: constant rate factor of H.264; 18 is hardly told from the source, 51 is worst.
        track: texts that a player shows or hides; None: no such track.

    Raises:
        StorageError: no space or no permission.
    """
    import av

    with atomic_file(path) as temporary, av.open(str(temporary), "w", format="mp4") as container:
        container.metadata.update(label)
        writer = Mp4Writer(container, fps, sample_rate, quality, track)
        yield writer
        writer.finish()
