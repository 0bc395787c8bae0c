"""What features are made from, and where they go: one object for every model and auxiliary network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from components.core.params.data import AudioParams, DataParams
from components.core.progress import Progress


@dataclass(frozen=True)
class Extraction:
    """One extraction of features.

    Attributes:
        corpora: folders with manifest.csv; a network may render more speech besides.
        target: what is written there is complete, or as it was before.
        audio, data, seed: of params.yaml.
        workers: processes.
        progress: where it tells how far it is.
        shard: (number, of how many): only compute that share and write no store, for a later call without
            one to find. None: everything.
    """

    corpora: Sequence[Path]
    target: Path
    audio: AudioParams
    data: DataParams
    seed: int
    workers: int
    progress: Progress
    shard: tuple[int, int] | None = None


@dataclass(frozen=True)
class FeatureReport:
    """What an extraction did: ``accepted + len(rejected) = rows``; ``reused`` were not computed this time."""

    rows: int
    accepted: int
    reused: int
    rejected: Mapping[str, str]
