"""Who is drawn: colours and proportions, a pure function of a name."""

from __future__ import annotations

import random
from dataclasses import dataclass

Colour = tuple[int, int, int]
"""RGB, 0 to 255."""

#: Light, dark and in between; the same range for every pool of identities.
_SKINS: tuple[Colour, ...] = (
    (255, 224, 196), (241, 194, 157), (224, 172, 125), (198, 134, 86), (141, 85, 54), (92, 60, 42),
)  # fmt: skip
_HAIRS: tuple[Colour, ...] = (
    (20, 16, 14), (58, 38, 24), (110, 70, 36), (176, 130, 70), (120, 120, 124), (140, 50, 26),
)  # fmt: skip
_IRISES: tuple[Colour, ...] = ((60, 40, 24), (70, 110, 150), (80, 120, 70), (40, 34, 30))


@dataclass(frozen=True)
class Identity:
    """One drawn person. Lengths are in half face widths.

    Attributes:
        face_height: half of it.
        mouth_y, mouth_width, lip_height: of the resting mouth.
        eye_x, eye_y, eye_size, brow_y, nose_length: of the rest of the face.
        hair_line: where the hair begins.
        glasses: worn or not.
        beard: 0 to 1, how dark the chin is.
    """

    skin: Colour
    hair: Colour
    iris: Colour
    lips: Colour
    background: tuple[Colour, Colour]
    face_height: float
    jaw: float
    mouth_y: float
    mouth_width: float
    lip_height: float
    eye_x: float
    eye_y: float
    eye_size: float
    brow_y: float
    nose_length: float
    hair_line: float
    glasses: bool
    beard: float


def identity(name: str) -> Identity:
    """The person of that name, the same on every machine: ``train-3``, ``evaluator-0``."""
    draw = random.Random(f"identity|{name}")
    skin = _near(draw, draw.choice(_SKINS), 14)
    return Identity(
        skin=skin,
        hair=_near(draw, draw.choice(_HAIRS), 16),
        iris=draw.choice(_IRISES),
        lips=(
            min(255, skin[0] // 2 + draw.randint(70, 110)),
            skin[1] // 2,
            skin[2] // 2 + draw.randint(5, 30),
        ),
        background=(_any(draw), _any(draw)),
        face_height=draw.uniform(1.18, 1.42),
        jaw=draw.uniform(0.78, 1.0),
        mouth_y=draw.uniform(0.58, 0.70),
        mouth_width=draw.uniform(0.34, 0.46),
        lip_height=draw.uniform(0.06, 0.11),
        eye_x=draw.uniform(0.36, 0.46),
        eye_y=draw.uniform(-0.22, -0.10),
        eye_size=draw.uniform(0.12, 0.18),
        brow_y=draw.uniform(0.20, 0.28),
        nose_length=draw.uniform(0.30, 0.42),
        hair_line=draw.uniform(-0.85, -0.55),
        glasses=draw.random() < 0.25,
        beard=draw.choice((0.0, 0.0, 0.0, draw.uniform(0.1, 0.4))),
    )


def _near(draw: random.Random, colour: Colour, spread: int) -> Colour:
    red, green, blue = (max(0, min(255, part + draw.randint(-spread, spread))) for part in colour)
    return red, green, blue


def _any(draw: random.Random) -> Colour:
    return draw.randint(30, 225), draw.randint(30, 225), draw.randint(30, 225)
