"""KSS, the Korean Single Speaker corpus (Park 2018, CC-BY-NC-SA-4.0).

Layout: ``transcript.v.1.4.txt`` beside the folders ``1`` to ``4``; one line a recording, separated by ``|``:
``1/1_0000.wav|original|expanded|jamo|seconds|English``. The expanded form (numerals written out in Hangul) is
the text: it is what the speaker says.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from components.core.errors import DataError
from components.data.consent import ConsentRecord
from components.data.source import RawRow, Source
from components.data.text_lines import first_line, text_lines

_FIELDS = 6
_SPEAKER = "kss"
_LICENCE = "CC-BY-NC-SA-4.0"
_CONSENT = ConsentRecord.of_licence("kss-licence", _SPEAKER)

LOOKED_FOR = "transcript.v.*.txt of six fields between |"


def matches(folder: Path) -> bool:
    """Whether ``folder`` looks like KSS."""
    return any(first_line(path).count("|") == _FIELDS - 1 for path in folder.glob("transcript*.txt"))


def read(folder: Path) -> Source:
    """Read a KSS folder.

    Raises:
        DataError: no transcript or several, or not UTF-8.
    """
    lines = text_lines(_transcript(folder))
    rows = tuple(_row(number, line) for number, line in enumerate(lines, start=1) if line.strip())
    return Source(name="kss", folder=folder, rows=rows, consents={_CONSENT.consent_id: _CONSENT})


def _transcript(folder: Path) -> Path:
    found = sorted(folder.glob("transcript*.txt"))
    if len(found) != 1:
        raise DataError(
            who=str(folder),
            expected="one transcript.v.*.txt",
            found=", ".join(path.name for path in found) or "none",
            action="point --source at the folder that holds the transcript and the folders 1 to 4",
        )
    return found[0]


def _row(number: int, line: str) -> RawRow:
    fields = line.split("|")
    if len(fields) != _FIELDS:
        return RawRow(number, problem=f"{len(fields)} fields between | instead of {_FIELDS}")
    audio, _original, expanded, _jamo, _seconds, _english = fields
    return RawRow(
        number=number,
        utterance_id=f"kss_{PurePosixPath(audio).stem}",
        speaker_id=_SPEAKER,
        language="ko",
        text=expanded.strip(),
        audio=audio.strip(),
        role="human",
        licence=_LICENCE,
        consent=_CONSENT.consent_id,
    )
