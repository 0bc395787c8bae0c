"""LJ Speech 1.1 (Ito and Johnson 2017; public domain): one English voice.

Layout: ``metadata.csv`` beside ``wavs``; one line a recording, ``LJ001-0001|as printed|as read``, no header.
What is read (numerals and abbreviations written out) is the text.
"""

from __future__ import annotations

from pathlib import Path

from components.core.errors import DataError
from components.data.consent import ConsentRecord
from components.data.source import RawRow, Source
from components.data.text_lines import first_line, text_lines

LOOKED_FOR = "metadata.csv of three fields between | beside the folder wavs"

_LIST, _FIELDS = "metadata.csv", 3
_SPEAKER, _LICENCE = "ljspeech", "LicenseRef-public-domain"
_CONSENT = ConsentRecord.of_licence("ljspeech-licence", _SPEAKER)


def matches(folder: Path) -> bool:
    """Whether ``folder`` looks like LJ Speech."""
    return (folder / "wavs").is_dir() and first_line(folder / _LIST).count("|") == _FIELDS - 1


def read(folder: Path) -> Source:
    """Read an LJ Speech folder.

    Raises:
        DataError: no list, or not UTF-8.
    """
    if not (folder / _LIST).is_file():
        raise DataError(
            who=str(folder),
            expected=LOOKED_FOR,
            found=f"no {_LIST}",
            action="point at the folder that holds metadata.csv and wavs",
        )
    lines = text_lines(folder / _LIST)
    rows = tuple(_row(number, line) for number, line in enumerate(lines, start=1) if line.strip())
    return Source(name="ljspeech", folder=folder, rows=rows, consents={_CONSENT.consent_id: _CONSENT})


def _row(number: int, line: str) -> RawRow:
    fields = line.split("|")
    if len(fields) != _FIELDS:
        return RawRow(number, problem=f"{len(fields)} fields between | instead of {_FIELDS}")
    name, printed, said = (field.strip() for field in fields)
    return RawRow(
        number=number,
        utterance_id=f"ljspeech_{name}",
        speaker_id=_SPEAKER,
        language="en",
        text=said or printed,
        audio=f"wavs/{name}.wav",
        role="human",
        licence=_LICENCE,
        consent=_CONSENT.consent_id,
    )
