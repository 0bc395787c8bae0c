"""Features computed once: an earlier run's are copied from its store, a killed run's are taken up."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar

from components.core.errors import DataError
from components.core.extraction import FeatureReport
from components.core.parallel import map_in_processes
from components.core.progress import Progress
from components.core.storage import recover_folder
from components.features.flat_store import columns, nothing_usable
from components.features.placed_store import PlacedStore, Row, write_counting
from components.features.scratch import Features, Scratch


@dataclass(frozen=True)
class Job(Generic[Row]):
    """One row to compute; what from stands in a subclass. Small, because it travels to a worker."""

    row: Row

    @property
    def name(self) -> str:
        """The row's id, its first column."""
        return str(getattr(self.row, columns(type(self.row))[0]))


AnyJob = TypeVar("AnyJob", bound=Job[Any])


class Known(Generic[Row]):
    """What is known already of the rows of a store.

    Args:
        store: reads what an earlier run left at ``target``.
        target: folder; the scratch folder beside it is made if need be.
    """

    def __init__(self, store: type[PlacedStore[Row]], target: Path) -> None:
        self._old, self.scratch = store.earlier(target), Scratch.beside(target)
        self._rows: Mapping[str, Row] = self._old.by_fingerprint if self._old else {}

    def lacks(self, jobs: Sequence[AnyJob]) -> list[AnyJob]:
        """The jobs that have to be computed."""
        return [
            job
            for job in jobs
            if job.row.fingerprint not in self._rows and not self.scratch.holds(job.row.fingerprint)
        ]

    def compute(
        self,
        jobs: Sequence[AnyJob],
        make: Callable[[AnyJob], Features],
        workers: int,
        progress: Progress,
        note: str,
    ) -> dict[str, str]:
        """Make features in worker processes, into the scratch folder.

        Args:
            jobs: what `lacks` gave.
            make: a module-level function, or a partial of one; what it refuses with a DataError is rejected.
            note: what is counted, for the bar.

        Returns:
            The rejected: id → reason.
        """
        reasons = map_in_processes(
            partial(_saved, make=make, scratch=self.scratch), jobs, workers, progress, note
        )
        return {job.name: reason for job, reason in zip(jobs, reasons, strict=True) if reason}

    def features_of(self, row: Row) -> Features:
        """A row's features, copied or as computed."""
        if self._old is not None and row.fingerprint in self._rows:
            return self._old.as_computed(self._rows[row.fingerprint])
        return self.scratch.load(row.fingerprint)


def reason_of(error: DataError) -> str:
    """Why something was rejected, in a line of a report."""
    return f"{error.who}: expected {error.expected}, found {error.found}"


def extract(
    target: Path,
    store: type[PlacedStore[Row]],
    jobs: Sequence[AnyJob],
    make: Callable[[AnyJob], Features],
    summary: Mapping[str, Any],
    workers: int,
    progress: Progress,
    *,
    who: str,
    wanted: str,
) -> FeatureReport:
    """Write the store of all jobs that can be computed, sorted by id.

    Incremental: a row with a fingerprint as before is copied from the old store or from what a killed run
    computed, and killed at any moment the old store stays.

    Args:
        make: a job's part of each array; see `Known.compute`.
        summary: how they were made, for the reader; JSON.
        who, wanted: of the error's text.

    Raises:
        DataError: no usable row (``details`` has the reasons).
    """
    recover_folder(target)
    known = Known(store, target)
    pending = known.lacks(jobs)
    rejected = known.compute(pending, make, workers, progress, "clips")
    accepted = sorted((job for job in jobs if job.name not in rejected), key=lambda job: job.name)
    if not accepted:
        raise nothing_usable(who, wanted, len(jobs), rejected)
    write_counting(target, store, [job.row for job in accepted], known.features_of, summary)
    known.scratch.remove()
    return FeatureReport(len(jobs), len(accepted), len(jobs) - len(pending), dict(sorted(rejected.items())))


def _saved(job: AnyJob, make: Callable[[AnyJob], Features], scratch: Scratch) -> str:
    """Runs in a worker: features into the scratch folder, or the reason why there are none."""
    try:
        made = make(job)
    except DataError as error:
        return reason_of(error)
    scratch.save(job.row.fingerprint, made)
    return ""
