"""A rendered clip to the last bit: what went into a lip sync, and the pictures that came out.

A video loses what a comparison needs; this is kept beside it so that the same can be rendered again.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from components.core.errors import DataError
from components.nn.lip_sync import LipSynchroniser

_FIELDS = ("crops", "references", "samples", "made")


@dataclass(frozen=True)
class ExactClip:
    """One clip.

    Attributes:
        crops: [T, S, S, 3] RGB, uint8.
        references: [T] int64, which crop each frame looks like.
        samples: [N] int16 of the same time, at the model's rate.
        made: [T, S, S, 3] RGB, what the model made of it.
    """

    crops: NDArray[np.uint8]
    references: NDArray[np.int64]
    samples: NDArray[np.int16]
    made: NDArray[np.uint8]

    def write(self, path: Path) -> None:
        """Keep it in ``path`` (npz, compressed; the same clip gives the same bytes)."""
        np.savez_compressed(path, **{name: getattr(self, name) for name in _FIELDS})

    @classmethod
    def read(cls, path: Path) -> ExactClip:
        """What `write` left.

        Raises:
            DataError: no such file, a damaged one, or parts that do not belong together.
        """
        try:
            with np.load(path, allow_pickle=False) as found:
                clip = cls(**{name: found[name] for name in _FIELDS})
        except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile) as error:
            raise _unusable(path, f"{type(error).__name__}: {error}"[:120]) from error
        frames = len(clip.crops)
        fitting = clip.crops.ndim == 4 and clip.made.shape == clip.crops.shape
        if not fitting or not frames or clip.references.shape != (frames,):
            raise _unusable(path, f"{clip.crops.shape}, {clip.references.shape} and {clip.made.shape}")
        if not np.all((clip.references >= 0) & (clip.references < frames)):
            raise _unusable(path, "references to frames that are not there")
        return clip


def references_apart(count: int, apart: int) -> NDArray[np.int64]:
    """[count] the frame ``apart`` later, or before: a frame's own mouth is nowhere to be copied from."""
    places = np.arange(count, dtype=np.int64)
    return np.where(places + apart < count, places + apart, np.maximum(places - apart, 0))


def rendered(
    model: LipSynchroniser,
    crops: NDArray[np.uint8],
    references: NDArray[np.int64],
    samples: NDArray[np.int16],
    count: int,
) -> NDArray[np.uint8]:
    """The first ``count`` lower faces made anew from the sound, ``model.batch_frames`` at a time.

    Args:
        crops, references, samples: see `ExactClip`.

    Returns:
        [count, S, S, 3].
    """
    looks = crops[references]
    parts = []
    for first in range(0, count, model.batch_frames):
        last = min(count, first + model.batch_frames)
        numbers = np.arange(first, last, dtype=np.int64)
        parts.append(model.faces(crops[first:last], samples, numbers, looks[first:last]))
    return np.concatenate(parts)


def _unusable(path: Path, found: str) -> DataError:
    return DataError(
        who=str(path),
        expected="crops, references, samples and rendered pictures of one clip",
        found=found,
        action="evaluate this version again: python -m components evaluate",
    )
