"""Zeroth-Korean (Atlas Guide and Gridspace 2017, OpenSLR 40, CC-BY-4.0): 115 Korean voices, FLAC at 16 kHz.

Layout: ``train_data_01/003/106/106_003.trans.txt`` with lines ``106_003_0001 text``, and
``106_003_0001.flac`` beside it; the same below ``test_data_01``. The first number is the speaker.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from components.core.errors import DataError
from components.data.consent import ConsentRecord
from components.data.source import RawRow, Source
from components.data.text_lines import text_lines

LOOKED_FOR = "lists like train_data_01/003/106/106_003.trans.txt"

_LIST = re.compile(r"\d+_\d+\.trans\.txt")
_NAME = re.compile(r"(\d+)_\d+_\d+")
_LICENCE = "CC-BY-4.0"


def matches(folder: Path) -> bool:
    """Whether ``folder`` looks like Zeroth-Korean. LibriSpeech's lists have dashes in their names."""
    return next(_lists(folder), None) is not None


def read(folder: Path) -> Source:
    """Read a Zeroth-Korean folder.

    Raises:
        DataError: no list, or one that is not UTF-8.
    """
    lists = sorted(_lists(folder))
    if not lists:
        raise DataError(
            who=str(folder),
            expected=LOOKED_FOR,
            found="none",
            action="unpack zeroth_korean.tar.gz and point at the folder that holds train_data_01",
        )
    numbers = count(1)
    rows = tuple(
        _row(next(numbers), line, path.parent.relative_to(folder))
        for path in lists
        for line in text_lines(path)
        if line.strip()
    )
    speakers = {row.speaker_id for row in rows if row.speaker_id}
    consents = {f"{name}-licence": ConsentRecord.of_licence(f"{name}-licence", name) for name in speakers}
    return Source(name="zeroth", folder=folder, rows=rows, consents=consents)


def _lists(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*.trans.txt") if _LIST.fullmatch(path.name))


def _row(number: int, line: str, below: Path) -> RawRow:
    name, _, text = line.strip().partition(" ")
    named = _NAME.fullmatch(name)
    if not named:
        return RawRow(number, problem=f"{name[:40]!r} instead of speaker_script_number")
    speaker = f"zeroth_{named[1]}"
    return RawRow(
        number=number,
        utterance_id=f"zeroth_{name}",
        speaker_id=speaker,
        language="ko",
        text=text.strip(),
        audio=(below / f"{name}.flac").as_posix(),
        role="human",
        licence=_LICENCE,
        consent=f"{speaker}-licence",
    )
