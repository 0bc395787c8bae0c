"""A speaker takes a consent back: the register says so from that day, and recordings and videos leave the corpora."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from components.core.errors import DataError
from components.core.paths import DATA_LOCK
from components.data.consent import CONSENT_NAME, consent_text
from components.data.corpus import Corpus
from components.data.manifest import MANIFEST_NAME, manifest_text
from components.data.origins import ORIGINS_NAME, origins_text, read_origins
from components.data.staging import Plan, realise, tidy
from components.data.timings import ALIGNMENTS_NAME, timings_text
from components.data.video.lrs2 import VIDEO_FOLDER, remove_speaker


@dataclass(frozen=True)
class Withdrawn:
    """What a withdrawal changed in one corpus."""

    corpus: str
    consents: tuple[str, ...]
    recordings: tuple[str, ...]
    videos: tuple[str, ...]


def withdraw(data: Path, locks: Path, speaker: str, day: datetime.date) -> list[Withdrawn]:
    """End every consent of a speaker on ``day``, and take the recordings out of all corpora.

    A consent that was withdrawn earlier keeps its day. Data versions, features and models of before stay as
    they are: `components.stages.lineage` lists them.

    Args:
        day: not after today (UTC); recordings of a consent that still holds would stay.

    Raises:
        DataError: nobody of that name here, or a voice that no person owns.
        StorageError: no space or no permission; corpora that were not reached yet are as they were.
    """
    locks.mkdir(parents=True, exist_ok=True)
    with FileLock(locks / DATA_LOCK):
        corpora = [Corpus(path.parent) for path in sorted(data.glob(f"*/{MANIFEST_NAME}")) if path.parent.name[0] != "."]
        for corpus in corpora:
            tidy(corpus.folder)
        records = [one for corpus in corpora for one in corpus.consents.values() if one.speaker_id == speaker]
        if not records:
            raise _unusable(speaker, "a speaker with a consent in data/*/consent.csv", "none of that name")
        if all(one.basis == "synthetic" for one in records):
            raise _unusable(speaker, "a person", "a generated voice: no consent stands behind it")
        return list(_changed(corpora, speaker, day))


def _changed(corpora: list[Corpus], speaker: str, day: datetime.date) -> Iterator[Withdrawn]:
    for corpus in corpora:
        own = {name: one for name, one in corpus.consents.items() if one.speaker_id == speaker}
        gone = tuple(row.utterance_id for row in corpus.rows if row.speaker_id == speaker)
        if not own and not gone:
            continue
        ended = {name: one.model_copy(update={"withdrawn": one.withdrawn or day}) for name, one in own.items()}
        left = {row.utterance_id: row for row in corpus.rows if row.speaker_id != speaker}
        origins = {i: name for i, name in read_origins(corpus.folder / ORIGINS_NAME).items() if i in left}
        timings = {i: phones for i, phones in corpus.timings.items() if i in left}
        tables = {
            MANIFEST_NAME: manifest_text(left.values()),
            CONSENT_NAME: consent_text({**corpus.consents, **ended}),
            ORIGINS_NAME: origins_text(origins),
            **({ALIGNMENTS_NAME: timings_text(timings)} if timings else {}),
        }
        realise(corpus.folder, Plan(tuple(left.values()), {}, tables))
        videos = remove_speaker(corpus.folder / VIDEO_FOLDER, speaker)
        yield Withdrawn(corpus.name, tuple(sorted(ended)), gone, videos)


def _unusable(speaker: str, expected: str, found: str) -> DataError:
    return DataError(
        who=f"speaker {speaker!r}",
        expected=expected,
        found=found,
        action="look at data/*/consent.csv (a voice behind shipped weights alone: set `withdrawn` in "
        "pretrained/consent.csv and commit it); nothing was changed",
    )
