"""Whose recordings a network learned from, and what that asks of whoever passes it on: lines for its card."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from components.core.utterance import Utterance
from components.data.consent import ConsentRecord
from components.data.corpus import Corpus
from components.data.csv_table import cell_rows
from components.data.human import credit
from components.features.flat_store import INDEX_NAME

_GENERATED = "generated voices carry no right of a person"
_SECONDS_A_MINUTE = 60.0


def rights(features: Path, corpora: Sequence[Corpus]) -> list[str]:
    """What stands in a card below "licence".

    Args:
        features: the store that was learned from; what it holds of no corpus was generated for it.
        corpora: those of the profile.

    Raises:
        DataError: a store or a corpus that cannot be read.
    """
    people: dict[tuple[str, str], list[Utterance]] = {}
    records: dict[str, ConsentRecord] = {}
    for row, consent in _recorded(set(_ids(features)), corpora):
        people.setdefault((row.speaker_id, row.licence), []).append(row)
        records[row.speaker_id] = consent
    lines = [_of_person(rows, records[speaker]) for (speaker, _), rows in sorted(people.items())]
    if not lines:
        return [f"licence: that of this repository; the {_GENERATED}"]
    terms = "that of this repository, and for what it learned of recorded people their terms"
    heading = f"licence: {terms}; {_GENERATED}"
    return [
        heading,
        "recorded people, to be named wherever these weights or what they make are passed on:",
        *lines,
    ]


def _ids(features: Path) -> Iterator[str]:
    """Ids of the utterances: a clip or slice has its utterance's, a slash and a number."""
    rows = cell_rows(features / INDEX_NAME)
    next(rows, None)
    return (cells[0].partition("/")[0] for cells in rows)


def _recorded(ids: set[str], corpora: Iterable[Corpus]) -> Iterator[tuple[Utterance, ConsentRecord]]:
    for corpus in corpora:
        for row in corpus.rows:
            consent = corpus.consents[row.consent]
            if row.utterance_id in ids and consent.basis != "synthetic":
                yield row, consent


def _of_person(rows: Sequence[Utterance], consent: ConsentRecord) -> str:
    speaker, licence = rows[0].speaker_id, rows[0].licence
    minutes = sum(row.duration_s for row in rows) / _SECONDS_A_MINUTE
    who = f"  - {speaker} ({credit(speaker)})" if credit(speaker) else f"  - {speaker}"
    terms = f"{who}: {minutes:.1f} minutes, {licence}"
    if consent.basis != "document":
        return terms
    until = f" until {consent.expires}" if consent.expires else ""
    return f"{terms}; by consent {consent.consent_id} for {', '.join(consent.scope)}{until}, and no further"
