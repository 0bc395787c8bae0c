"""JVS (Takamichi et al. 2019, arXiv:1908.06248): 100 Japanese voices at 24 kHz.

Layout: ``jvs001/parallel100/transcripts_utf8.txt`` with lines ``VOICEACTRESS100_001:text``, and
``jvs001/parallel100/wav24kHz16bit/VOICEACTRESS100_001.wav``; ``nonpara30`` likewise. ``whisper10`` and
``falset10`` are left out: whispered and falsetto speech would be other voices under the same name. The audio
is for research and personal use only; read the terms before anything is published.
"""

from __future__ import annotations

from itertools import count
from pathlib import Path

from components.core.errors import DataError
from components.data.consent import ConsentRecord
from components.data.source import RawRow, Source
from components.data.text_lines import text_lines

LOOKED_FOR = "folders like jvs001/parallel100 with transcripts_utf8.txt"

_LIST, _AUDIO = "transcripts_utf8.txt", "wav24kHz16bit"
_PARTS = ("parallel100", "nonpara30")
_OTHER_VOICES = {"whisper10": "whispered", "falset10": "falsetto"}
_LICENCE = "LicenseRef-JVS"


def matches(folder: Path) -> bool:
    """Whether ``folder`` looks like JVS."""
    return any(path.parent.name in _PARTS for path in folder.glob(f"jvs*/*/{_LIST}"))


def read(folder: Path) -> Source:
    """Read a JVS folder.

    Raises:
        DataError: no list, or one that is not UTF-8.
    """
    if not matches(folder):
        raise DataError(
            who=str(folder), expected=LOOKED_FOR, found="none", action="point at the folder jvs_ver1"
        )
    numbers = count(1)
    lists = sorted(path for path in folder.glob(f"jvs*/*/{_LIST}") if path.parent.name in _PARTS)
    rows = tuple(
        _row(next(numbers), line, path.parent.relative_to(folder))
        for path in lists
        for line in text_lines(path)
        if line.strip()
    )
    speakers = {row.speaker_id for row in rows if row.speaker_id}
    others = {
        what: sum(1 for _ in folder.glob(f"jvs*/{part}/{_AUDIO}/*.wav"))
        for part, what in _OTHER_VOICES.items()
    }
    return Source(
        name="jvs",
        folder=folder,
        rows=rows,
        consents={f"{name}-licence": ConsentRecord.of_licence(f"{name}-licence", name) for name in speakers},
        left_out={what: number for what, number in others.items() if number},
    )


def _row(number: int, line: str, below: Path) -> RawRow:
    name, colon, text = line.strip().partition(":")
    if not colon:
        return RawRow(number, problem=f"no : in {line[:40]!r}")
    speaker = below.parts[0]
    return RawRow(
        number=number,
        # The same sentences are read by every voice, and a name may stand in both parts.
        utterance_id=f"{speaker}_{below.name}_{name.strip()}",
        speaker_id=speaker,
        language="ja",
        text=text.strip(),
        audio=(below / _AUDIO / f"{name.strip()}.wav").as_posix(),
        role="human",
        licence=_LICENCE,
        consent=f"{speaker}-licence",
    )
