"""What the vocoder learns from: clips with samples, mel and f0, memory-mapped one after the other."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from components.features.placed_store import FRAMES, SAMPLES
from components.features.recorded_clips import RecordedClips, spread


@dataclass(frozen=True)
class StoredClip:
    """One row of the index; offsets are into the flat arrays.

    Attributes:
        clip_id: the utterance's id and the number of the copy; copy 0 is the recording as it is.
        split: the utterance's.
        fingerprint: of audio, analysis and speed.
    """

    clip_id: str
    split: str
    fingerprint: str
    sample_start: int = 0
    samples: int = 0
    frame_start: int = 0
    frames: int = 0

    @property
    def is_copy(self) -> bool:
        """Whether its speed was changed."""
        return not self.clip_id.endswith("/0")


class ClipStore(RecordedClips[StoredClip]):
    """Reads a store; its rows are sorted by clip id, ``store.json`` holds the analyses of mel and pitch.

    Views: samples [N] int16, mel [T, n_mels], f0 [T] Hz with 0 where unvoiced.
    """

    row_type = StoredClip
    fields = MappingProxyType({"samples": np.int16, "mel": np.float32, "f0": np.float32})
    places = MappingProxyType({"samples": SAMPLES, "mel": FRAMES, "f0": FRAMES})
    format = 1
    remedy = "delete the folder and run `make pretrain MODEL=vocoder` again"

    def spread(self, split: str, count: int) -> list[StoredClip]:
        """At most ``count`` unchanged clips of a split, evenly spread over the index: over all speakers."""
        return spread([row for row in self.of_split(split) if not row.is_copy], count)
