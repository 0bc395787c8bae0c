"""Writes the tables of a generic source folder (readers/generic.py): what our own sources hand to ingest."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from components.core.storage import write_text
from components.core.utterance import PhonemeTiming
from components.data.consent import CONSENT_NAME, ConsentRecord, consent_text
from components.data.csv_table import table_text
from components.data.timings import ALIGNMENTS_NAME, timings_text

METADATA_NAME = "metadata.csv"


@dataclass(frozen=True)
class SourceRow:
    """One recording; the columns of ``metadata.csv`` in this order. ``audio`` is relative to the folder."""

    utterance_id: str
    speaker_id: str
    language: str
    text: str
    audio: str
    role: str
    licence: str
    consent: str


SOURCE_COLUMNS: tuple[str, ...] = tuple(field.name for field in dataclasses.fields(SourceRow))


def write_source_tables(
    folder: Path,
    rows: Sequence[SourceRow],
    consents: Sequence[ConsentRecord],
    timings: Mapping[str, tuple[PhonemeTiming, ...]],
) -> None:
    """Write ``metadata.csv``, ``consent.csv`` and, where there are timings, ``alignments.csv``.

    Raises:
        StorageError: no space, or a read-only folder.
    """
    write_text(folder / METADATA_NAME, table_text(SOURCE_COLUMNS, [dataclasses.astuple(row) for row in rows]))
    write_text(folder / CONSENT_NAME, consent_text({record.consent_id: record for record in consents}))
    if timings:
        write_text(folder / ALIGNMENTS_NAME, timings_text(timings))
