"""AISHELL-3 (Shi et al. 2020, arXiv:2010.11567, OpenSLR 93, Apache-2.0): 218 Mandarin voices at 44.1 kHz.

Layout: ``train/content.txt`` with lines ``SSB00050001.wav<tab>你 ni3 好 hao3``, and
``train/wav/SSB0005/SSB00050001.wav``; the same below ``test``. The characters are the text; it has no
punctuation.
"""

from __future__ import annotations

import re
from itertools import count
from pathlib import Path

from components.core.errors import DataError
from components.data.consent import ConsentRecord
from components.data.source import RawRow, Source
from components.data.text_lines import first_line, text_lines

LOOKED_FOR = "train/content.txt or test/content.txt with characters and pinyin in turn"

_PARTS, _LIST = ("train", "test"), "content.txt"
_NAME = re.compile(r"(SSB\d{4})\d{4}")
_PINYIN = re.compile(r"[a-zü:]+[0-9]", re.IGNORECASE)
_LICENCE = "Apache-2.0"


def matches(folder: Path) -> bool:
    """Whether ``folder`` looks like AISHELL-3."""
    return any(_NAME.match(first_line(folder / part / _LIST)) for part in _PARTS)


def read(folder: Path) -> Source:
    """Read an AISHELL-3 folder.

    Raises:
        DataError: no list, or one that is not UTF-8.
    """
    parts = [part for part in _PARTS if (folder / part / _LIST).is_file()]
    if not parts:
        raise DataError(
            who=str(folder),
            expected=LOOKED_FOR,
            found="neither",
            action="point at the folder that holds train and test",
        )
    numbers = count(1)
    rows = tuple(
        _row(next(numbers), line, part)
        for part in parts
        for line in text_lines(folder / part / _LIST)
        if line.strip()
    )
    speakers = {row.speaker_id for row in rows if row.speaker_id}
    consents = {f"{name}-licence": ConsentRecord.of_licence(f"{name}-licence", name) for name in speakers}
    return Source(name="aishell3", folder=folder, rows=rows, consents=consents)


def _row(number: int, line: str, part: str) -> RawRow:
    audio, _, said = line.strip().partition("\t")
    stem = audio.removesuffix(".wav")
    named, tokens = _NAME.fullmatch(stem), said.split()
    if not named:
        return RawRow(number, problem=f"{audio[:40]!r} instead of SSB and eight digits")
    if len(tokens) % 2 or not all(_PINYIN.fullmatch(token) for token in tokens[1::2]):
        return RawRow(number, f"aishell3_{stem}", problem="characters and pinyin do not take turns")
    speaker = f"aishell3_{named[1]}"
    return RawRow(
        number=number,
        utterance_id=f"aishell3_{stem}",
        speaker_id=speaker,
        language="zh",
        text="".join(tokens[::2]),
        audio=f"{part}/wav/{named[1]}/{stem}.wav",
        role="human",
        licence=_LICENCE,
        consent=f"{speaker}-licence",
    )
