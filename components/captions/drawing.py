"""Captions drawn into pictures: white letters with a dark outline, within the margins of the picture.

OpenCV 5 draws them; its wheel carries a font that has Hangul, kana and Han (WenQuanYi Micro Hei, Apache
License 2.0). Another font is a file that ``captions.burn.font`` names.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.captions.cues import Cue, at
from components.captions.widths import clusters
from components.core.errors import EnvironmentFaultError
from components.core.params.captions import BurnParams, CaptionParams
from components.core.utterance import Language

Image = NDArray[np.uint8]
_BUILT_IN = "uni"
_PROBES: dict[Language, str] = {"ko": "한", "en": "a", "ja": "あ", "zh": "字"}
#: What OpenCV draws for a letter that its font lacks.
_LACKING = "?"
#: Letters that the built-in font lacks, and others of the same look that it has.
_SAME_LOOK = str.maketrans(
    {"₩": "￦", "〜": "～", "\u2060": None, "\u200d": None, "\ufe0f": None, "\ufe0e": None}
)
_PROBE_PIXELS = 24
_DESCENT = 0.24
"""Of the letters' size, below the base line."""


class Lettering:
    """A font.

    Args:
        font: a TrueType file; empty: the one that OpenCV has built in.

    Raises:
        EnvironmentFaultError: no such file, not a font, or an OpenCV without one.
    """

    def __init__(self, font: str) -> None:
        import cv2

        try:
            self._face = cv2.FontFace(_BUILT_IN)
            found = "another kind of file" if font and not self._face.set(font) else ""
        except (AttributeError, cv2.error) as error:
            found = " ".join(str(error).split())[:120]
        if found:
            raise _no_font(font or "the font built into OpenCV", "a font to draw captions with", found)
        self._unknown = self._mark(_LACKING)

    def require(self, language: Language) -> None:
        """Refuse a font that cannot write a language.

        Raises:
            EnvironmentFaultError: its letters are missing.
        """
        if not self.has(_PROBES[language]):
            raise _no_font("the captions' font", f"letters of the language {language}", "none")

    def has(self, cluster: str) -> bool:
        """Whether what is seen as one character can be drawn."""
        return cluster in (" ", _LACKING) or all(
            not np.array_equal(self._mark(letter), self._unknown) for letter in cluster
        )

    def width(self, text: str, pixels: int) -> int:
        """How wide a line becomes."""
        import cv2

        left, _, wide, _ = cv2.getTextSize((0, 0), text, (0, 0), self._face, pixels)
        return int(left + wide)

    def mask(self, text: str, pixels: int, size: tuple[int, int], corner: tuple[int, int]) -> Image:
        """[H, W] of ``size`` (width, height): 255 where there is ink.

        Args:
            corner: left end of the base line.
        """
        import cv2

        canvas = np.zeros((size[1], size[0], 3), np.uint8)
        cv2.putText(canvas, text, corner, (255, 255, 255), self._face, pixels)
        return canvas[:, :, 0]

    def _mark(self, letter: str) -> Image:
        side = 2 * _PROBE_PIXELS
        return self.mask(letter, _PROBE_PIXELS, (side, side), (_PROBE_PIXELS // 2, side - _PROBE_PIXELS // 2))


def fitting(params: CaptionParams, width: int, height: int) -> CaptionParams:
    """The limits of captions in a picture of that size: narrow ones get shorter lines, so that letters keep
    ``captions.burn.min_pixels``.

    Args:
        width, height: pixels.
    """
    burn = params.burn
    room = width - 2 * _margin(burn, width)
    most = max(1, room // min(burn.min_pixels, _wished(burn, height)))
    if most >= max(params.line_width.values()):
        return params
    # A Latin letter is about half as wide as it is high, and counts whole in English.
    wide = {
        language: min(now, 2 * most if language == "en" else most)
        for language, now in params.line_width.items()
    }
    return params.model_copy(update={"line_width": wide})


def drawable(cues: Sequence[Cue], lettering: Lettering) -> tuple[tuple[Cue, ...], str]:
    """The captions without what the font cannot draw, and what that was (each character once)."""
    missing: dict[str, None] = {}

    def kept(line: str) -> str:
        parts = []
        for cluster in clusters(line.translate(_SAME_LOOK)):
            if lettering.has(cluster):
                parts.append(cluster)
            else:
                missing[cluster] = None
        return "".join(parts).strip()

    shown = [Cue(c.start_ms, c.end_ms, tuple(filter(None, map(kept, c.lines)))) for c in cues]
    return tuple(cue for cue in shown if cue.lines), "".join(missing)


def burned(
    images: Iterable[Image], fps: float, cues: Sequence[Cue], lettering: Lettering, params: BurnParams
) -> Iterator[Image]:
    """The pictures [H, W, 3] RGB with the caption of their time; those without one are the very same."""
    shown: Cue | None = None
    block: _Block | None = None
    for number, image in enumerate(images):
        cue = at(cues, (number + 0.5) / fps)
        if cue is None:
            yield image
            continue
        if block is None or cue is not shown:
            block, shown = _set(cue.lines, image.shape[1], image.shape[0], lettering, params), cue
        yield block.on(image)


@dataclass(frozen=True)
class _Block:
    """A caption as pixels: ``image · keep + ink`` in the rows from ``top`` on."""

    top: int
    keep: NDArray[np.float32]
    ink: NDArray[np.float32]

    def on(self, image: Image) -> Image:
        made = image.copy()
        rows = slice(self.top, self.top + len(self.keep))
        made[rows] = np.rint(image[rows] * self.keep + self.ink).astype(np.uint8)
        return made


def _set(lines: Sequence[str], width: int, height: int, lettering: Lettering, params: BurnParams) -> _Block:
    """Lines centred at the lower margin, as large as the picture's height wishes and its width allows."""
    import cv2

    across, below = _margin(params, width), _margin(params, height)
    pixels = _wished(params, height)
    while pixels > 1 and max(lettering.width(line, pixels) for line in lines) > width - 2 * across:
        pixels -= 1
    outline, step = max(1, round(params.outline_share * pixels)), round(params.line_spacing * pixels)
    high = min(height, step * len(lines) + 2 * outline)
    letters = np.zeros((high, width), np.uint8)
    for place, line in enumerate(lines):
        base = high - outline - step * (len(lines) - 1 - place) - round(_DESCENT * pixels)
        left = (width - lettering.width(line, pixels)) // 2
        letters = np.maximum(letters, lettering.mask(line, pixels, (width, high), (left, base)))
    disc: Any = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * outline + 1, 2 * outline + 1))
    white = letters[:, :, None].astype(np.float32) / 255.0
    dark = cv2.dilate(letters, disc)[:, :, None].astype(np.float32) / 255.0
    return _Block(max(0, height - below - high), (1.0 - dark) * (1.0 - white), 255.0 * white)


def _wished(params: BurnParams, height: int) -> int:
    return max(params.min_pixels, round(params.height_share * height))


def _margin(params: BurnParams, side: int) -> int:
    return round(params.margin_share * side)


def _no_font(who: str, expected: str, found: str) -> EnvironmentFaultError:
    return EnvironmentFaultError(
        who=who,
        expected=expected,
        found=found,
        action="install opencv-python-headless 5 (requirements.lock has it), set captions.burn.font to "
        "a TrueType file (Noto Sans KR, say), or leave `--captions burn` out",
    )
