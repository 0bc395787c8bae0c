"""What a reader yields: recordings as their format describes them, unjudged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from components.data.consent import ConsentRecord
from components.data.timings import Timings


@dataclass(frozen=True)
class RawRow:
    """One row of a source, as text.

    Attributes:
        number: row in the source's list, as a spreadsheet counts.
        audio: path of the recording relative to the source folder, as written there.
        problem: why the row cannot be read at all, "" when it can.
    """

    number: int
    utterance_id: str = ""
    speaker_id: str = ""
    language: str = ""
    text: str = ""
    audio: str = ""
    role: str = ""
    licence: str = ""
    consent: str = ""
    problem: str = ""


@dataclass(frozen=True)
class Source:
    """A folder of recordings in some format.

    Attributes:
        name: where rows come from; ingest replaces rows only of the same name.
        transcribed: False for recordings that have no text by nature (voice conversion only).
        left_out: what the folder holds besides, and is not offered on purpose → how many recordings.
    """

    name: str
    folder: Path
    rows: tuple[RawRow, ...]
    consents: Mapping[str, ConsentRecord] = field(default_factory=dict)
    timings: Timings = field(default_factory=dict)
    transcribed: bool = True
    left_out: Mapping[str, int] = field(default_factory=dict)
