"""What RVC learns from: slices with samples, f0 and content features, memory-mapped one after the other.

A slice of n features (20 ms each) has 2 n frames of f0 and 2 n hops of samples, so one offset places all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.features.flat_store import Arrays, FlatStore, write_flat_store
from components.features.scratch import Features
from components.features.store import PitchStatistics
from components.features.store_writer import pitch_statistics
from components.models.rvc.params import FRAMES_PER_FEATURE

_TYPES = {"content": np.float16, "f0": np.float32, "samples": np.int16}


@dataclass(frozen=True)
class StoredSlice:
    """One row of the index.

    Attributes:
        slice_id: the utterance's id and the number of the slice in it.
        fingerprint: of the utterance's audio, the analysis and the encoder.
        start: in features, into the flat arrays.
        features: how many.
    """

    slice_id: str
    corpus: str
    speaker_id: str
    language: str
    split: str
    consent: str
    fingerprint: str
    start: int
    features: int

    @property
    def frame_start(self) -> int:
        """First frame of f0."""
        return FRAMES_PER_FEATURE * self.start

    @property
    def frames(self) -> int:
        """Frames of f0, and hops of samples."""
        return FRAMES_PER_FEATURE * self.features


class SliceStore(FlatStore[StoredSlice]):
    """Reads a store; rows are sorted by utterance, ``store.json`` holds analysis, encoder, speakers."""

    row_type = StoredSlice
    fields = _TYPES
    format = 2
    remedy = "run the features stage again; it recomputes what is missing"

    def lengths(self, rows: Sequence[StoredSlice]) -> dict[str, int]:
        """All follow from the number of features."""
        return _lengths(sum(row.features for row in rows), self.hop_length)

    @cached_property
    def by_fingerprint(self) -> dict[str, list[StoredSlice]]:
        """Fingerprint of an utterance → its slices."""
        grouped: dict[str, list[StoredSlice]] = {}
        for row in self.rows:
            grouped.setdefault(row.fingerprint, []).append(row)
        return grouped

    @property
    def hop_length(self) -> int:
        """Samples to a frame."""
        return int(self.summary["analysis"]["mel"]["hop_length"])

    @property
    def content_speeds(self) -> int:
        """At how many speeds each slice was heard."""
        return len(self.summary["analysis"]["content_speeds"])

    @property
    def speakers(self) -> dict[str, PitchStatistics]:
        """Speaker id → statistics of ln f0, sorted."""
        return {name: PitchStatistics(**values) for name, values in sorted(self.summary["speakers"].items())}

    @property
    def consents(self) -> dict[str, str]:
        """Speaker id → id of the consent record of its first recording."""
        return {row.speaker_id: row.consent for row in reversed(self.rows)}

    def views(self, row: StoredSlice, first: int = 0, count: int | None = None) -> Features:
        """Views of features [first, first + count) of a slice and what belongs to them.

        Returns:
            content [n, speeds · D] float16, the first D as the recording is; f0 [2 n] Hz with 0 where
            unvoiced; samples [2 n · hop] int16.
        """
        start = row.start + first
        stop = row.start + row.features if count is None else start + count
        steps = {"content": 1, "f0": FRAMES_PER_FEATURE, "samples": FRAMES_PER_FEATURE * self.hop_length}
        return {name: self.arrays[name][start * step : stop * step] for name, step in steps.items()}


def write_slices(
    target: Path,
    rows: Sequence[StoredSlice],
    features_of: Callable[[StoredSlice], Features],
    summary: Mapping[str, Any],
) -> None:
    """Write a store atomically; an older one there is replaced when the new one is complete.

    Args:
        rows: in order, placed.
        features_of: a row's fields as `SliceStore.views` gives them.
        summary: how they were made, with ``analysis`` and ``encoder``; format and speakers are added.
    """
    analysis = summary["analysis"]
    hop = int(analysis["mel"]["hop_length"])
    width = len(analysis["content_speeds"]) * int(summary["encoder"]["dim"])
    lengths = _lengths(rows[-1].start + rows[-1].features, hop)
    shapes = {name: (length, width) if name == "content" else (length,) for name, length in lengths.items()}

    def parts_of(row: StoredSlice) -> Iterator[tuple[str, int, NDArray[Any]]]:
        made = features_of(row)
        for name, step in _lengths(1, hop).items():
            yield name, row.start * step, made[name]

    def summary_of(arrays: Arrays) -> dict[str, Any]:
        speakers = pitch_statistics(rows, arrays["f0"])
        return {**summary, "speakers": {name: asdict(values) for name, values in speakers.items()}}

    write_flat_store(target, SliceStore, rows, shapes, parts_of, summary_of)


def placed(rows: Iterable[StoredSlice]) -> Iterator[StoredSlice]:
    """The same rows, one after the other from 0."""
    start = 0
    for row in rows:
        yield StoredSlice(**{**asdict(row), "start": start})
        start += row.features


def _lengths(features: int, hop: int) -> dict[str, int]:
    frames = FRAMES_PER_FEATURE * features
    return {"content": features, "f0": frames, "samples": frames * hop}
