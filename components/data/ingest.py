"""Recordings into a corpus: judged row by row, staged, swapped in; a second time nothing changes."""

from __future__ import annotations

import datetime
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from components.core.errors import DataError
from components.core.params.data import DataParams
from components.core.paths import DATA_LOCK
from components.core.progress import Progress
from components.core.storage import sha256_path
from components.core.utterance import PhonemeTiming, Utterance
from components.data.acceptance import Acceptance, Standing, Verdict
from components.data.consent import CONSENT_NAME, Consents, consent_text, merged
from components.data.corpus import Corpus
from components.data.manifest import MANIFEST_NAME, manifest_text
from components.data.names import name_fault
from components.data.origins import ORIGINS_NAME, origins_text, read_origins
from components.data.readers import read_source
from components.data.rejection import Rejection
from components.data.source import Source
from components.data.splits import split_of
from components.data.staging import Plan, realise, tidy
from components.data.timings import ALIGNMENTS_NAME, timings_text

_EXAMPLES_SHOWN = 20


class MostlyRejectedError(DataError):
    """A source of which nothing was taken, because too much of it is bad.

    Attributes:
        rejected: every rejected row, where the message shows the first ones.
    """

    rejected: tuple[Rejection, ...] = ()


@dataclass(frozen=True)
class IngestReport:
    """What became of one source; ``accepted + len(rejected) == rows``.

    Attributes:
        added: recordings whose audio is new in the corpus.
        removed: recordings that left it → why (no longer in their source, or consent ended).
        total: recordings in the corpus now.
    """

    corpus: str
    rows: int
    accepted: int
    added: int
    removed: Mapping[str, str]
    rejected: tuple[Rejection, ...]
    total: int


@dataclass(frozen=True)
class _Before:
    """A corpus as it stood."""

    rows: Mapping[str, Utterance]
    stays: Mapping[str, Utterance]
    removed: Mapping[str, str]
    damaged: frozenset[str]
    origins: Mapping[str, str]
    timings: Mapping[str, tuple[PhonemeTiming, ...]]
    consents: Consents


@dataclass(frozen=True)
class Ingest:
    """The only writer below ``data``.

    Attributes:
        data: the folder of the corpora.
        locks: folder of lock files, outside ``data``.
        today: the day on which a consent must hold.
    """

    data: Path
    locks: Path
    params: DataParams
    seed: int
    today: datetime.date
    progress: Progress

    def take(self, source: Source, corpus: str, *, replace: bool = False) -> IngestReport:
        """Take ``source`` into corpus ``corpus``.

        Args:
            source: what a reader found.
            corpus: folder name below ``data``; made if it does not exist.
            replace: rows that came from this source before and are no longer in it leave the corpus.

        Raises:
            DataError: too many rows rejected, an unusable corpus name, or damaged audio in the corpus.
            StorageError: no space or no permission.
            Nothing has changed in any of these cases.
        """
        fault = name_fault(corpus)
        if fault:
            raise DataError(
                who="--corpus", expected="a name for a folder", found=fault, action="choose a plain name"
            )
        self.locks.mkdir(parents=True, exist_ok=True)
        with FileLock(self.locks / DATA_LOCK):
            folder = self.data / corpus
            tidy(folder)
            before = self._before(Corpus(folder), source, replace)
            standing = Standing(before.stays, self._taken_elsewhere(corpus), before.consents)
            # Beside the locks, where there is room: a published corpus in FLAC is gigabytes.
            with tempfile.TemporaryDirectory(prefix="unpacked-", dir=self.locks) as scratch:
                rules = Acceptance(self.params, self.seed, self.today, Path(scratch))
                verdict = rules.judge(source, standing, self.progress)
                self._check_share(corpus, source, verdict)
                _check_damage(corpus, before, verdict)
                plan = self._plan(source, before, verdict)
                realise(folder, plan)
        kept = {row.utterance_id for row in plan.rows}
        return IngestReport(
            corpus=corpus,
            rows=len(source.rows),
            accepted=len(verdict.accepted),
            added=len(plan.fresh),
            removed={
                utterance_id: why for utterance_id, why in before.removed.items() if utterance_id not in kept
            },
            rejected=verdict.rejected,
            total=len(plan.rows),
        )

    def _before(self, corpus: Corpus, source: Source, replace: bool) -> _Before:
        exists = (corpus.folder / MANIFEST_NAME).is_file()
        consents = merged(corpus.consents, source.consents)
        origins = read_origins(corpus.folder / ORIGINS_NAME)
        rows = corpus.by_id if exists else {}
        removed = {}
        for utterance_id, row in rows.items():
            record = consents.get(row.consent)
            objection = record.objection(row.speaker_id, self.today) if record else "its consent is gone"
            if objection:
                removed[utterance_id] = objection
            elif replace and origins.get(utterance_id) == source.name:
                removed[utterance_id] = f"no longer in source {source.name}"
        return _Before(
            rows=rows,
            stays={utterance_id: row for utterance_id, row in rows.items() if utterance_id not in removed},
            removed=removed,
            damaged=frozenset(i for i, row in rows.items() if not _intact(corpus.audio(row), row)),
            origins=origins,
            timings=corpus.timings,
            consents=consents,
        )

    def _taken_elsewhere(self, corpus: str) -> dict[str, str]:
        return {
            utterance_id: path.parent.name
            for path in sorted(self.data.glob(f"*/{MANIFEST_NAME}"))
            if path.parent.name != corpus and not path.parent.name.startswith(".")
            for utterance_id in Corpus(path.parent).by_id
        }

    def _check_share(self, corpus: str, source: Source, verdict: Verdict) -> None:
        share = len(verdict.rejected) / len(source.rows)
        if share <= self.params.validation.max_rejected_share:
            return
        reasons = Counter(rejection.reason for rejection in verdict.rejected)
        error = MostlyRejectedError(
            who=f"corpus {corpus} from {source.folder}",
            expected=f"at most {self.params.validation.max_rejected_share:.0%} rejected rows",
            found=f"{len(verdict.rejected)} of {len(source.rows)} rejected: "
            + ", ".join(f"{reason} {count}" for reason, count in reasons.most_common()),
            action="mend the source (first rows below); nothing was changed",
            details=[str(rejection) for rejection in verdict.rejected[:_EXAMPLES_SHOWN]],
        )
        error.rejected = verdict.rejected
        raise error

    def _plan(self, source: Source, before: _Before, verdict: Verdict) -> Plan:
        offered = {candidate.utterance.utterance_id: candidate for candidate in verdict.accepted}
        rows = {
            **{utterance_id: self._resplit(row) for utterance_id, row in before.stays.items()},
            **{utterance_id: candidate.utterance for utterance_id, candidate in offered.items()},
        }
        fresh = {
            utterance_id: candidate.audio
            for utterance_id, candidate in offered.items()
            if utterance_id in before.damaged
            or _stored(before.rows.get(utterance_id)) != _stored(candidate.utterance)
        }
        timings = {i: phones for i, phones in before.timings.items() if i in before.stays}
        for utterance_id, candidate in offered.items():
            phones = source.timings.get(candidate.row.utterance_id, ())
            timings[utterance_id] = tuple(p.model_copy(update={"utterance_id": utterance_id}) for p in phones)
        timings = {utterance_id: phones for utterance_id, phones in timings.items() if phones}
        origins = {i: before.origins[i] if i in before.stays else source.name for i in rows}
        tables = {
            MANIFEST_NAME: manifest_text(rows.values()),
            CONSENT_NAME: consent_text(before.consents),
            ORIGINS_NAME: origins_text(origins),
            **({ALIGNMENTS_NAME: timings_text(timings)} if timings else {}),
        }
        return Plan(tuple(rows.values()), fresh, tables)

    def _resplit(self, row: Utterance) -> Utterance:
        """The row under the splits of today's parameters."""
        split = split_of(row.text, row.language, row.utterance_id, self.params.splits, self.seed)
        return row.model_copy(update={"split": split})


def ingest_source(
    source: Path,
    format: str,  # noqa: A002
    corpus: str,
    ingest: Ingest,
    *,
    replace: bool = False,
) -> IngestReport:
    """Add the recordings in folder ``source``, written in ``format``, to corpus ``corpus``.

    Args:
        replace: see `Ingest.take`.

    Raises:
        ConfigError: no such format.
        DataError: see `Ingest.take` and the format's reader.
    """
    return ingest.take(read_source(source, format), corpus, replace=replace)


def _stored(row: Utterance | None) -> tuple[str, str] | None:
    return (row.path, row.sha256) if row else None


def _intact(audio: Path, row: Utterance) -> bool:
    return audio.is_file() and sha256_path(audio) == row.sha256


def _check_damage(corpus: str, before: _Before, verdict: Verdict) -> None:
    """Damaged audio is healed when the source offers it again; otherwise only a person can bring it back."""
    offered = {candidate.utterance.utterance_id for candidate in verdict.accepted}
    lost = sorted((before.damaged & before.stays.keys()) - offered)
    if lost:
        raise DataError(
            who=f"corpus {corpus}",
            expected="every recording as the manifest records it",
            found=f"{len(lost)} missing or altered: {', '.join(lost[:_EXAMPLES_SHOWN])}",
            action="restore the data with `python -m components restore-data`; nothing was changed",
        )
