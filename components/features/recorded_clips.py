"""Stores of recordings that are learned from as they are: what those of several networks can do."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from components.core.utterance import Utterance
from components.features.pcm import as_samples
from components.features.placed_store import PlacedStore, Row

Item = TypeVar("Item")

_ROLES = ("model", "human")
WANTED = f"usable recording of a voice with the role {' or '.join(_ROLES)}"


def teaches_auxiliaries(utterance: Utterance) -> bool:
    """Whether auxiliary networks may learn from a row: never from an evaluator's or an unseen voice."""
    return utterance.role in _ROLES


class RecordedClips(PlacedStore[Row]):
    """Reads a store with an array ``samples`` and rows that have a ``split``."""

    def of_split(self, *splits: str) -> list[Row]:
        """The clips of these splits, in index order."""
        return [row for row in self.rows if row.split in splits]

    def waveform(self, row: Row) -> NDArray[np.float32]:
        """[N] in [-1, 1]."""
        return as_samples(self.part("samples", row))


def spread(rows: Sequence[Item], count: int) -> list[Item]:
    """At most ``count`` of the rows, evenly spread: over all speakers, the index being sorted."""
    return list(rows[:: max(1, math.ceil(len(rows) / count))])
