"""What the content encoder learns from: samples, cepstra and, where known, symbols; memory-mapped."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from components.core.storage import sha256_path
from components.features.flat_store import INDEX_NAME
from components.features.placed_store import FRAMES, SAMPLES
from components.features.recorded_clips import RecordedClips

#: Symbol of a frame in which none is known to sound.
NO_SYMBOL = -1


@dataclass(frozen=True)
class StoredClip:
    """One row of the index; offsets are into the flat arrays.

    Attributes:
        clip_id: the utterance's id.
        speaker, role, split: the utterance's.
        fingerprint: of audio and analysis.
    """

    clip_id: str
    speaker: str
    role: str
    split: str
    fingerprint: str
    sample_start: int = 0
    samples: int = 0
    frame_start: int = 0
    frames: int = 0


class ClipStore(RecordedClips[StoredClip]):
    """Reads a store; its rows are sorted by clip id.

    ``store.json`` tells how the clips were made, and ``symbols``, the names behind their numbers.
    """

    row_type = StoredClip
    fields = MappingProxyType({"samples": np.int16, "cepstra": np.float32, "symbols": np.int16})
    places = MappingProxyType({"samples": SAMPLES, "cepstra": FRAMES, "symbols": FRAMES})
    format = 1
    remedy = "delete the folder and run `make pretrain MODEL=content` again"

    @cached_property
    def sha256(self) -> str:
        """Of the index, whose fingerprints stand for all the arrays hold."""
        return sha256_path(self.folder / INDEX_NAME)

    def cepstra(self, row: StoredClip) -> NDArray[np.float32]:
        """[T, 3 · coefficients], a view."""
        return self.part("cepstra", row)

    def symbols(self, row: StoredClip) -> NDArray[np.int16]:
        """[T] number of the symbol that sounds in the middle of each frame, `NO_SYMBOL` where not known."""
        return self.part("symbols", row)
