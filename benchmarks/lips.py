"""What a user of lip sync waits for: the laptop's generator beside the one it had, a still, and pasting.

    python benchmarks/lips.py

Weights are drawn: how long a network takes does not depend on them. One thread, CPU time.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from ratio import Row, in_turns, row, seconds, tell, unmeasured

from components import catalogue
from components.core.params import narrowed
from components.core.paths import project_root
from components.features.faces.track import into_box, pasted
from components.inference.lipsync import soft_mask
from components.models.wav2lip.network import Generator, hidden_below
from components.models.wav2lip.params import Architecture, Section

GOAL_NETWORK, GOAL_STILL, GOAL_PASTING = 1.5, 1.3, 4.0
_REPEATS, _FRAMES = 24, 16
_PICTURE, _BOX = (720, 1280), np.array([500.0, 200.0, 740.0, 440.0], np.float32)
_FORMER = {"embed_dim": 24}
"""Of SwinV2; with a decoder of whole pictures and a convolution at full size, it was the laptop's."""


def rows(short: bool) -> list[Row]:
    """The three comparisons."""
    section = narrowed(catalogue.load(project_root(), "laptop").models["wav2lip"], Section)
    repeats = 1 if short else _REPEATS
    return [
        _network(section.architecture, repeats),
        _still(section.architecture, repeats),
        _pasting(section, repeats),
    ]


def main() -> int:
    """Measure; 1 when a goal is missed."""
    torch.set_num_threads(1)
    return tell(rows(short=False))


def _network(architecture: Architecture, repeats: int) -> Row:
    former = architecture.model_copy(
        update={
            "decoder_top": "convolution",
            "decoder_rows": "all",
            "decoder_channels": (8, 16, 32, 64, 96, 128),
            "visual_encoder": architecture.visual_encoder.model_copy(update=_FORMER),
        }
    )
    empty = unmeasured(
        "lips1", f"{_FRAMES} frames of a face", GOAL_NETWORK, "decoder of whole faces, SwinV2 of width 24",
        "SwinV2 and the audio tower are more than half of what is left",
    )  # fmt: skip
    return row(empty, *in_turns(_timed(_rendering(architecture)), _timed(_rendering(former)), repeats))


def _still(architecture: Architecture, repeats: int) -> Row:
    empty = unmeasured(
        "lips2", f"{_FRAMES} frames of a still", GOAL_STILL, "the same picture looked at for every frame",
        "the decoder paints every frame",
    )  # fmt: skip
    once, each = _rendering(architecture, 1), _rendering(architecture)
    return row(empty, *in_turns(_timed(once), _timed(each), repeats))


def _pasting(section: Section, repeats: int) -> Row:
    draw = np.random.default_rng(0)
    image = draw.integers(0, 255, (*_PICTURE, 3), dtype=np.uint8)
    size = section.architecture.image_size
    crop, mask = image[:size, :size], soft_mask(size, section.inference.feather)
    empty = unmeasured(
        "lips3", "a face of 240 pixels pasted into 1280 x 720", GOAL_PASTING, "the whole picture blended",
        "the frame is copied",
    )  # fmt: skip
    return row(
        empty,
        *in_turns(
            _timed(lambda: pasted(image, crop, _BOX, mask)),
            _timed(lambda: _whole(image, crop, mask)),
            repeats,
        ),
    )


def _whole(image: NDArray[np.uint8], crop: NDArray[np.uint8], mask: NDArray[np.float32]) -> NDArray[np.uint8]:
    """As `pasted` did it until 29 November."""
    size, matrix = (image.shape[1], image.shape[0]), into_box(_BOX, len(crop))
    placed = cv2.warpAffine(crop, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    share = cv2.warpAffine(mask, matrix, size, flags=cv2.INTER_LINEAR)[:, :, None]
    blended = image + share * (placed.astype(np.float32) - image)
    return np.where(share > 0, np.rint(blended), image).astype(np.uint8)


def _rendering(architecture: Architecture, pictures: int = _FRAMES) -> Callable[[], object]:
    torch.manual_seed(0)
    generator = Generator(architecture).eval().requires_grad_(False)
    size, bands = architecture.image_size, architecture.n_mels
    faces, mel = (
        torch.rand(pictures, 3, size, size),
        torch.randn(_FRAMES, bands, architecture.mel_window_frames),
    )
    given = torch.cat([hidden_below(faces), faces], dim=1)

    def render() -> object:
        with torch.inference_mode():
            return generator(given, mel)

    render()
    return render


def _timed(work: Callable[[], object]) -> Callable[[], float]:
    return lambda: seconds(work)


if __name__ == "__main__":
    sys.exit(main())
