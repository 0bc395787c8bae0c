"""Finding faces: one interface, and the two ways that need no download."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from components.core.errors import EnvironmentFaultError
from components.data.csv_table import records, table_text

Boxes = NDArray[np.float32]
_COLUMNS = ("frame", "left", "top", "right", "bottom")


class FaceDetector(Protocol):
    """Finds the faces of a frame."""

    def find(self, number: int, image: NDArray[np.uint8]) -> Boxes:
        """Boxes [N, 4] (left, top, right, bottom in pixels), surest first; [0, 4] where there is no face.

        Args:
            number: of the frame in its video, from 0.
            image: [H, W, 3] RGB.
        """


class KnownBoxes:
    """Faces that are known: drawn ones, or those that someone marked.

    Args:
        boxes: of each frame; after the last one its boxes stay.
    """

    def __init__(self, boxes: Sequence[Boxes]) -> None:
        self._boxes = [np.asarray(one, dtype=np.float32).reshape(-1, 4) for one in boxes]

    def find(self, number: int, image: NDArray[np.uint8]) -> Boxes:
        """See `FaceDetector`."""
        if not self._boxes:
            return np.zeros((0, 4), np.float32)
        return self._boxes[min(number, len(self._boxes) - 1)]


class YuNet:
    """OpenCV's face detector YuNet (Wu et al. 2023). Its weights are a file of one's own; none is shipped.

    Args:
        model: ``face_detection_yunet_*.onnx``.
        pad: top, bottom, left, right pixels that a box is widened by; it is narrower than a head.

    Raises:
        EnvironmentFaultError: no such file, or not this network.
    """

    def __init__(self, model: Path, pad: tuple[int, int, int, int]) -> None:
        self._pad = pad
        try:
            if not model.is_file():
                raise FileNotFoundError(model)
            self._network = cv2.FaceDetectorYN.create(str(model), "", (320, 320))
        except (cv2.error, OSError) as error:
            raise EnvironmentFaultError(
                who=f"face detector {model}",
                expected="a file of YuNet's weights (ONNX)",
                found=str(error).splitlines()[0],
                action="put the file there, or give the face's box beside the video (<video>.boxes.csv)",
            ) from error

    def find(self, number: int, image: NDArray[np.uint8]) -> Boxes:
        """See `FaceDetector`."""
        height, width = image.shape[:2]
        self._network.setInputSize((width, height))
        _, found = self._network.detect(np.ascontiguousarray(image[:, :, ::-1]))
        if found is None:
            return np.zeros((0, 4), np.float32)
        found = found[np.argsort(-found[:, -1], kind="stable")]
        left, top, wide, high = found[:, :4].T
        up, down, before, after = self._pad
        boxes = [left - before, top - up, left + wide + after, top + high + down]
        return np.stack(boxes, axis=1).astype(np.float32)


def boxes_beside(video: Path) -> Path:
    """Where the known boxes of a video lie."""
    return video.with_name(f"{video.name}.boxes.csv")


def write_boxes(path: Path, boxes: Sequence[Boxes]) -> None:
    """Put down the boxes of each frame; a frame without any has no line."""
    rows = (
        (str(number), *(f"{value:.2f}" for value in box))
        for number, found in enumerate(boxes)
        for box in np.asarray(found).reshape(-1, 4)
    )
    path.write_text(table_text(_COLUMNS, rows), encoding="utf-8")


def read_boxes(path: Path) -> KnownBoxes:
    """What `write_boxes` wrote, or a person.

    Raises:
        DataError: not such a table.
    """
    found: dict[int, list[list[float]]] = {}
    for _, cells in records(path, _COLUMNS):
        found.setdefault(int(cells["frame"]), []).append([float(cells[name]) for name in _COLUMNS[1:]])
    last = max(found, default=-1)
    return KnownBoxes([np.array(found.get(n, []), np.float32).reshape(-1, 4) for n in range(last + 1)])
