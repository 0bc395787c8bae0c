"""What the work needs from the platforms, in its own words; ``components.adapters`` implements it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from components.core.metrics import Evidence
from components.core.progress import Progress


@dataclass(frozen=True)
class MetricPoint:
    """One point of a curve."""

    key: str
    value: float
    step: int
    timestamp_ms: int


class TrackedRun(Protocol):
    """One run being written. Logging never blocks and never raises on a dead server: it spools."""

    @property
    def run_id(self) -> str:
        """The run's id in the tracking store."""

    def log_params(self, params: Mapping[str, str]) -> None:
        """Record parameters once."""

    def log_points(self, points: Sequence[MetricPoint]) -> None:
        """Record points of curves; repeated points (same key and step) are kept once."""

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Set tags; the last value wins."""

    def log_file(self, path: Path, folder: str) -> None:
        """Store a file among the run's artefacts under ``folder``."""

    def log_folder(self, path: Path, folder: str) -> None:
        """Store a folder among the run's artefacts under ``folder``."""

    def log_dataset(self, name: str, source: str, md5: str, context: str) -> None:
        """Link the data version that went in."""

    def finish(self, status: str) -> None:
        """Close the run: FINISHED, FAILED or KILLED; replays what is spooled, as far as the server allows."""


@dataclass(frozen=True)
class RunSummary:
    """A run as the reports read it."""

    run_id: str
    name: str
    status: str
    started: str
    ended: str
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]


class Tracker(Protocol):
    """The memory of runs."""

    def start_run(self, name: str, tags: Mapping[str, str]) -> TrackedRun:
        """Open a new run."""

    def open_run(self, run_id: str) -> TrackedRun:
        """Write on into an existing run."""

    def runs(self, model: str | None, limit: int) -> list[RunSummary]:
        """The latest runs, newest first."""

    def curves(self, run_id: str) -> dict[str, list[MetricPoint]]:
        """Every logged curve of a run."""

    def annotate(self, run_id: str, points: Sequence[MetricPoint], tags: Mapping[str, str]) -> None:
        """Add to a run that has ended, whose status and times stay; repeating it changes nothing."""

    def fetch(self, run_id: str, folder: str, target: Path) -> Path:
        """The run's artefacts under ``folder``, laid below ``target``."""

    def address(self, run_id: str) -> str:
        """Where a person looks at the run."""


@dataclass(frozen=True)
class ModelVersion:
    """A candidate in the registry."""

    model: str
    version: str
    run_id: str
    source: str
    tags: Mapping[str, str]


class ModelRegistry(Protocol):
    """Versions and aliases. Aliases are scoped: ``champion_laptop`` is never ``champion_a100``."""

    def register(self, model: str, run_id: str, source: Path, tags: Mapping[str, str]) -> ModelVersion:
        """A new version for the delivered weights at ``source``; same run and sha256 → the same version."""

    def by_alias(self, model: str, alias: str) -> ModelVersion | None:
        """The version an alias points to, read afresh."""

    def by_version(self, model: str, version: str) -> ModelVersion:
        """A version by its number."""

    def versions(self, model: str) -> list[ModelVersion]:
        """Every version, the oldest first; none where the model is not there."""

    def set_alias(self, model: str, alias: str, version: str) -> None:
        """Point the alias at a version."""

    def delete_alias(self, model: str, alias: str) -> None:
        """Remove an alias; absent is fine."""

    def set_version_tags(self, model: str, version: str, tags: Mapping[str, str]) -> None:
        """Tag a version."""

    def weights(self, version: ModelVersion) -> Path:
        """The folder with that version's delivered files, on this machine."""

    def attach_evidence(self, version: ModelVersion, evidence: Evidence) -> None:
        """Keep what was found about a version; the latest counts, earlier ones stay."""

    def evidence_of(self, version: ModelVersion) -> Evidence | None:
        """The latest evidence about a version, None where none was attached."""


@dataclass(frozen=True)
class DataVersion:
    """A version of ``data/``."""

    md5: str
    files: int
    size_bytes: int
    pointer: str


class DataVersions(Protocol):
    """Versions of the data folder."""

    def add_and_push(self) -> DataVersion:
        """Version the data folder and push it to the remote, under a lock."""

    def current(self) -> DataVersion:
        """What the pointer names now."""

    def verify(self, version: DataVersion) -> None:
        """Re-hash every object of a version in cache and remote; raises on the first that differs."""

    def restore(self, pointer: str, target: Path) -> DataVersion:
        """Lay the data of a past pointer (the text of its ``data.dvc``) out in ``target``."""

    def holding(
        self, version_md5: str, size_bytes: int, node_cache: Path, max_bytes: int, progress: Progress
    ) -> AbstractContextManager[Path]:
        """A version laid out read-only in a cache that the processes of a node share, while it is held."""

    def address(self, version: DataVersion) -> str:
        """The remote's URL of that version."""
