"""Draws one frame of an identity with OpenCV: smooth polygons, placed to a sixteenth of a pixel."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from components.data.talking_face.identity import Colour, Identity

Image = NDArray[np.uint8]
_SHIFT = 4
_ARC = np.linspace(0.0, 2.0 * np.pi, 40, endpoint=False)
_TEETH: Colour = (236, 232, 224)
_THROAT: Colour = (52, 14, 18)
_TONGUE: Colour = (176, 74, 78)
#: Of the box around a face: half its side and how far its middle lies below the face's, in half face widths.
BOX_HALF, BOX_DROP = 1.25, 0.15


@dataclass(frozen=True)
class Pose:
    """Where a head is and what it does in one frame.

    Attributes:
        x, y: middle of the face, pixels.
        scale: half face width, pixels.
        roll: radians.
        turn: [-1, 1] of a quarter, moves the features sideways.
        opening, width, rounding: of the mouth, [0, 1].
        lids: 1 is open, 0 closed.
        brows: raised by so much.
        light: angle, radians, and strength [0, 1].
    """

    x: float
    y: float
    scale: float
    roll: float
    turn: float
    opening: float
    width: float
    rounding: float
    lids: float
    brows: float
    light: tuple[float, float]


def box_of(pose: Pose) -> NDArray[np.float32]:
    """Left, top, right, bottom of the face in pixels; a square. May lie outside the picture."""
    middle = pose.y + BOX_DROP * pose.scale
    half = BOX_HALF * pose.scale
    return np.array([pose.x - half, middle - half, pose.x + half, middle + half], dtype=np.float32)


def draw(person: Identity, pose: Pose, size: int) -> Image:
    """[size, size, 3] RGB."""
    image = _background(person, size)
    pen = _Pen(image, pose)
    jaw_drop = 0.14 * pose.opening
    _head(pen, person, jaw_drop)
    _eyes(pen, person, pose)
    nose = np.array([[0.0, -0.05], [0.1, person.nose_length], [-0.1, person.nose_length]])
    pen.fill(nose + np.array([0.12 * pose.turn, 0.0]), _shade(person.skin, 0.86))
    _mouth(pen, person, pose)
    return _lit(image, pose.light)


class _Pen:
    """Fills polygons given in the face's own coordinates: half face widths, y downwards."""

    def __init__(self, image: Image, pose: Pose) -> None:
        cos, sin = np.cos(pose.roll), np.sin(pose.roll)
        self._matrix = pose.scale * np.array([[cos, -sin], [sin, cos]])
        self._origin, self._image = np.array([pose.x, pose.y]), image

    def fill(self, points: NDArray[np.float64], colour: Colour) -> None:
        placed = (points @ self._matrix.T + self._origin) * (1 << _SHIFT)
        cv2.fillPoly(self._image, [np.rint(placed).astype(np.int32)], colour, cv2.LINE_AA, _SHIFT)


def _ellipse(x: float, y: float, rx: float, ry: float) -> NDArray[np.float64]:
    return np.stack([x + rx * np.cos(_ARC), y + ry * np.sin(_ARC)], axis=1)


def _head(pen: _Pen, person: Identity, jaw_drop: float) -> None:
    height = person.face_height
    pen.fill(_ellipse(0.0, -0.12, 1.1, height * 1.02), person.hair)
    pen.fill(np.array([[-0.4, 0.9], [0.4, 0.9], [0.55, 2.4], [-0.55, 2.4]]), _shade(person.skin, 0.8))
    angle = np.sin(_ARC)
    below = np.clip(angle, 0.0, 1.0)
    outline = np.stack(
        [np.cos(_ARC) * (1.0 - (1.0 - person.jaw) * below), angle * (height + jaw_drop * below)], axis=1
    )
    pen.fill(outline, person.skin)
    if person.beard:
        chin = outline[(outline[:, 1] > 0.35)] * [0.97, 0.98]
        pen.fill(chin, _mixed(person.skin, person.hair, person.beard))
    fringe = outline[outline[:, 1] < person.hair_line]
    pen.fill(fringe * [1.03, 1.04], person.hair)


def _eyes(pen: _Pen, person: Identity, pose: Pose) -> None:
    size = person.eye_size
    for side in (-1.0, 1.0):
        x, y = side * person.eye_x + 0.1 * pose.turn, person.eye_y
        if person.glasses:
            pen.fill(_ellipse(x, y, size * 1.75, size * 1.5), _shade(person.hair, 0.7))
            pen.fill(_ellipse(x, y, size * 1.5, size * 1.28), person.skin)
        pen.fill(_ellipse(x, y, size, 0.02 + 0.55 * size * pose.lids), (245, 245, 242))
        if pose.lids > 0.3:
            look = x + 0.25 * size * pose.turn
            pen.fill(_ellipse(look, y, 0.4 * size, min(0.42, 0.5 * pose.lids) * size), person.iris)
        brow = y - person.brow_y - 0.08 * pose.brows
        pen.fill(_ellipse(x, brow, size * 1.25, 0.035), person.hair)


def _mouth(pen: _Pen, person: Identity, pose: Pose) -> None:
    half = person.mouth_width * (0.72 + 0.42 * pose.width - 0.34 * pose.rounding)
    gap = 0.30 * pose.opening
    lip = person.lip_height * (1.0 + 0.5 * pose.rounding - 0.25 * pose.opening)
    x, y = 0.1 * pose.turn, person.mouth_y + 0.45 * gap
    pen.fill(_ellipse(x, y, half + 0.6 * lip, gap / 2 + lip), person.lips)
    if gap <= 0.012:
        pen.fill(_ellipse(x, y, half, 0.012), _shade(person.lips, 0.55))
        return
    pen.fill(_ellipse(x, y, half, gap / 2), _THROAT)
    if gap > 0.035:
        inner = _ellipse(x, y, half * 0.84, gap / 2)
        pen.fill(np.minimum(inner, [np.inf, y - 0.16 * gap]), _TEETH)
    if gap > 0.12:
        pen.fill(_ellipse(x, y + 0.30 * gap, half * 0.6, 0.16 * gap), _TONGUE)


def _background(person: Identity, size: int) -> Image:
    top, bottom = (np.array(colour, dtype=np.float32) for colour in person.background)
    share = np.linspace(0.0, 1.0, size, dtype=np.float32)[:, None, None]
    column = top * (1.0 - share) + bottom * share
    return np.ascontiguousarray(np.broadcast_to(column, (size, size, 3)).astype(np.uint8))


def _lit(image: Image, light: tuple[float, float]) -> Image:
    """Brighter towards the light."""
    angle, strength = light
    size = len(image)
    line = np.linspace(-0.5, 0.5, size, dtype=np.float32)
    ramp = line[None, :] * np.float32(np.cos(angle)) + line[:, None] * np.float32(np.sin(angle))
    lit = image * (1.0 + np.float32(strength) * ramp)[:, :, None]
    return np.clip(lit, 0, 255).astype(np.uint8)


def _shade(colour: Colour, factor: float) -> Colour:
    return int(colour[0] * factor), int(colour[1] * factor), int(colour[2] * factor)


def _mixed(one: Colour, other: Colour, share: float) -> Colour:
    red, green, blue = (int(a * (1 - share) + b * share) for a, b in zip(one, other, strict=True))
    return red, green, blue
