"""What the codec learns from: clips with samples and f0, memory-mapped one after the other."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from components.features.placed_store import FRAMES, SAMPLES
from components.features.recorded_clips import RecordedClips


@dataclass(frozen=True)
class StoredClip:
    """One row of the index; offsets are into the flat arrays.

    Attributes:
        clip_id, speaker, split: the utterance's.
        fingerprint: of audio and analysis.
    """

    clip_id: str
    speaker: str
    split: str
    fingerprint: str
    sample_start: int = 0
    samples: int = 0
    frame_start: int = 0
    frames: int = 0


class ClipStore(RecordedClips[StoredClip]):
    """Reads a store; rows are sorted by clip id, ``store.json`` holds the analyses of mel and pitch.

    Views: samples [N] int16, f0 [1 + N // hop] Hz with 0 where unvoiced.
    """

    row_type = StoredClip
    fields = MappingProxyType({"samples": np.int16, "f0": np.float32})
    places = MappingProxyType({"samples": SAMPLES, "f0": FRAMES})
    format = 1
    remedy = "delete the folder and run `make pretrain MODEL=codec` again"
