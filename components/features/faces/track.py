"""One face through a video: which of several, where it is while it is lost, its crops, and back again."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from components.features.faces.detection import FaceDetector

Image = NDArray[np.uint8]
Box = NDArray[np.float32]


@dataclass(frozen=True)
class TrackedFrame:
    """A frame and its face; ``box`` is None where there is none, ``bridged`` where it was guessed."""

    image: Image
    box: Box | None
    bridged: bool


@dataclass
class TrackReport:
    """What happened on the way; filled while the frames are taken."""

    frames: int = 0
    bridged: int = 0
    missing: int = 0
    crowded: int = 0
    details: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """For a person: nothing where every frame had exactly one face."""
        told = {
            "without a face, left as they are": self.missing,
            "with the face bridged over a gap": self.bridged,
            "with several faces, of which one was followed": self.crowded,
        }
        return [f"{count} of {self.frames} frames {what}" for what, count in told.items() if count]


def tracked(
    images: Iterable[Image], detector: FaceDetector, max_gap: int, report: TrackReport
) -> Iterator[TrackedFrame]:
    """Follow one face. A gap of at most ``max_gap`` frames between two sightings is bridged by a straight
    line, a longer one (and one at either end) is left without a face: nothing aborts.

    Of several faces the largest is taken first, then always the one that overlaps the last one most.
    At most ``max_gap + 1`` frames are held.
    """
    waiting: deque[Image] = deque()
    last: Box | None = None
    for number, image in enumerate(images):
        found = detector.find(number, image)
        report.frames += 1
        report.crowded += len(found) > 1
        box = _chosen(found, last)
        if box is not None:
            yield from _bridge(waiting, last, box, report)
            last = box
            yield TrackedFrame(image, box, False)
        elif last is None:
            report.missing += 1
            yield TrackedFrame(image, None, False)
        else:
            waiting.append(image)
            if len(waiting) > max_gap:
                yield from _without(waiting, report)
                last = None
    yield from _without(waiting, report)


def _bridge(
    waiting: deque[Image], before: Box | None, after: Box, report: TrackReport
) -> Iterator[TrackedFrame]:
    """The frames that wait, their box on a straight line; none waits where there is no box before."""
    steps = len(waiting) + 1
    for step in range(1, steps):
        share = step / steps
        between = ((1.0 - share) * (after if before is None else before) + share * after).astype(np.float32)
        report.bridged += 1
        yield TrackedFrame(waiting.popleft(), between, True)


def _without(waiting: deque[Image], report: TrackReport) -> Iterator[TrackedFrame]:
    while waiting:
        report.missing += 1
        yield TrackedFrame(waiting.popleft(), None, False)


def _chosen(found: NDArray[np.float32], last: Box | None) -> Box | None:
    if not len(found):
        return None
    scores = _areas(found) if last is None else _overlaps(found, last)
    chosen: Box = found[int(np.argmax(scores))]
    return chosen


def _areas(boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    sides = np.clip(boxes[:, 2:] - boxes[:, :2], 0, None)
    areas: NDArray[np.float32] = sides[:, 0] * sides[:, 1]
    return areas


def _overlaps(boxes: NDArray[np.float32], last: Box) -> NDArray[np.float32]:
    """Intersection over union; where nothing overlaps, minus the distance of the middles."""
    low, high = np.maximum(boxes[:, :2], last[:2]), np.minimum(boxes[:, 2:], last[2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=1)
    union = _areas(boxes) + _areas(last[None]) - shared
    away = np.linalg.norm(boxes[:, :2] + boxes[:, 2:] - last[:2] - last[2:], axis=1)
    scores: NDArray[np.float32] = np.where(shared > 0, shared / np.maximum(union, 1e-6), -away)
    return scores


def cropped(image: Image, box: Box, size: int) -> Image:
    """The box's picture [size, size, 3]; beyond the frame its border is repeated.

    A face of twice the size or more is averaged down: picking single pixels of it would flicker.
    """
    fold = max(1, int(min(box[2] - box[0], box[3] - box[1]) / size))
    side = fold * size
    inverse = cv2.invertAffineTransform(into_box(box, side))
    crop: Image = cv2.warpAffine(
        image, inverse, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    if fold > 1:
        crop = cv2.resize(crop, (size, size), interpolation=cv2.INTER_AREA)
    return crop


def pasted(image: Image, crop: Image, box: Box, mask: NDArray[np.float32]) -> Image:
    """``crop`` back in its place, as much of it as ``mask`` says; pixels of mask 0 stay to the bit.

    Args:
        image: [H, W, 3]; not changed.
        crop: [S, S, 3].
        mask: [S, S] in [0, 1].
    """
    made = image.copy()
    left, top, right, bottom = _touched(box, len(crop), image.shape[:2])
    if right <= left or bottom <= top:
        return made
    given = image[top:bottom, left:right]
    matrix = into_box(box, len(crop)) - np.array([[0.0, 0.0, left], [0.0, 0.0, top]])
    size = (right - left, bottom - top)  # a face is a small part of a film's picture
    placed = cv2.warpAffine(crop, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    share = cv2.warpAffine(mask, matrix, size, flags=cv2.INTER_LINEAR)[:, :, None]
    blended = given + share * (placed.astype(np.float32) - given)
    made[top:bottom, left:right] = np.where(share > 0, np.rint(blended), given)
    return made


def _touched(box: Box, size: int, shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of the pixels that a crop reaches, and one of the crop around it."""
    around = np.ceil((box[2:] - box[:2]).max() / size) + 1
    low, high = np.floor(box[:2] - around), np.ceil(box[2:] + around)
    return (
        max(0, int(low[0])), max(0, int(low[1])), min(shape[1], int(high[0])), min(shape[0], int(high[1])),
    )  # fmt: skip


def into_box(box: Box, size: int) -> NDArray[np.float64]:
    """Pixel centres of a crop of that size → pixels of the frame, 2 × 3."""
    left, top, right, bottom = (float(value) for value in box)
    across, down = max(right - left, 1.0) / size, max(bottom - top, 1.0) / size
    return np.array([[across, 0.0, left + across / 2 - 0.5], [0.0, down, top + down / 2 - 0.5]])
