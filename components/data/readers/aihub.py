"""AI-Hub (한국지능정보사회진흥원): Korean speech, a JSON a recording, labels and audio in separate folders.

Two layouts are read, wherever the files lie below the folder; a label names its recording:

- ``발화정보.stt`` (text), ``발화정보.fileNm``, ``녹음자정보.recorderId``: free talk and commands;
- ``전사정보`` (text), ``파일정보.FileName``, ``기본정보.NumberOfSpeaker`` with ``화자정보.SpeakerName``:
  speech synthesis.

A label with several utterances of one long recording (dialects, broadcasts) is a row that says so: cutting is
not done here. Names on disk may be in NFC or NFD, also labels in one and audio in the other.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from components.core.errors import DataError
from components.data.consent import ConsentRecord
from components.data.source import RawRow, Source

LOOKED_FOR = "labels (*.json) with 발화정보, 전사정보 or utterance"

_KINDS = ("발화정보", "전사정보", "utterance")
_LABELS_LOOKED_AT = 20
_LICENCE = "LicenseRef-AI-Hub"
#: What was really said first; where a label has none of it, what was to be read.
_TEXTS = ("RefinedLabelText", "TransLabelText", "LabelText", "OrgLabelText")
_NOTHING = ("", "N/A")
#: Two spellings of one word, ``(10분)/(십 분)``; noises, ``b/``; repetition and mumbling, ``+`` and ``*``.
_TWO_FORMS = re.compile(r"\(([^()]*)\)\s*/\s*\(([^()]*)\)")
_NOISE = re.compile(r"(?<!\S)[bnloun]/|/\((?:bgm|noise|laugh|bgs)\)|(?<=\S)[+*](?=\s|$)")
#: A name that was taken out of the text but not out of the sound, say.
_MASKED = re.compile(r"&[\w-]+&|[@#][가-힣\w]+")


def matches(folder: Path) -> bool:
    """Whether ``folder`` looks like a corpus of AI-Hub."""
    labels = islice(folder.rglob("*.json"), _LABELS_LOOKED_AT)
    return any(isinstance(told := _told(path), dict) and _kind(told) for path in labels)


def read(folder: Path) -> Source:
    """Read a folder of AI-Hub.

    Raises:
        DataError: no label.
    """
    labels = sorted(path for path in folder.rglob("*.json") if path.is_file())
    if not labels:
        raise DataError(
            who=str(folder),
            expected=LOOKED_FOR,
            found="no *.json",
            action="unpack labels and audio below one folder and point at it",
        )
    audio = _by_stem(folder)
    rows = tuple(_row(number, path, folder, audio) for number, path in enumerate(labels, start=1))
    speakers = {row.speaker_id for row in rows if row.speaker_id}
    named = {row.audio for row in rows}
    unlabelled = sum(path not in named for paths in audio.values() for path in paths)
    return Source(
        name="aihub",
        folder=folder,
        rows=rows,
        consents={f"{name}-licence": ConsentRecord.of_licence(f"{name}-licence", name) for name in speakers},
        left_out={"recordings without a label": unlabelled} if unlabelled else {},
    )


def _by_stem(folder: Path) -> dict[str, list[str]]:
    """Name without its ending, in NFC → recordings, relative to the folder as they are spelled on disk."""
    found: dict[str, list[str]] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in (".wav", ".flac"):
            found.setdefault(_nfc(path.stem), []).append(path.relative_to(folder).as_posix())
    return found


def _row(number: int, label: Path, folder: Path, audio: Mapping[str, Sequence[str]]) -> RawRow:
    where = label.relative_to(folder).as_posix()
    told = _told(label)
    if isinstance(told, str):
        return RawRow(number, audio=where, problem=f"{where}: {told}"[:200])
    kind = _kind(told)
    if not kind:
        return RawRow(number, audio=where, problem=f"{where}: no {' or '.join(_KINDS)}")
    if kind == "utterance":
        problem = f"{where}: several utterances of one recording; cut it and label each"
        return RawRow(number, audio=where, problem=problem)
    text, name, speaker = _fields(told, kind)
    stem = _nfc(Path(name).stem if name else label.stem)
    offered = audio.get(stem) or audio.get(_nfc(label.stem), ())
    chosen = [path for path in offered if Path(path).parent.name == label.parent.name] or offered
    if len(chosen) > 1:
        problem = f"{len(chosen)} recordings named {stem}: {', '.join(chosen)}"
        return RawRow(number, stem, audio=where, problem=problem[:200])
    heard = chosen[0] if chosen else (name or f"{label.stem}.wav")
    masked = _MASKED.search(text)
    if masked:
        return RawRow(number, stem, audio=heard, problem=f"{masked[0]} stands for something that is said")
    speaker_id = f"aihub_{speaker}" if speaker else ""
    return RawRow(
        number=number,
        utterance_id=f"aihub_{stem}",
        speaker_id=speaker_id,
        language="ko",
        text=spoken_form(text),
        audio=heard,
        role="human",
        licence=_LICENCE,
        consent=f"{speaker_id}-licence",
    )


def _fields(told: Mapping[str, Any], kind: str) -> tuple[str, str, str]:
    """Text, name of the recording, speaker; "" for what a label lacks."""
    if kind == "발화정보":
        return (
            _value(told, kind, "stt"),
            _value(told, kind, "fileNm"),
            _value(told, "녹음자정보", "recorderId"),
        )
    text = next((said for name in _TEXTS if (said := _value(told, kind, name))), "")
    parts = (_value(told, "기본정보", "NumberOfSpeaker"), _value(told, "화자정보", "SpeakerName"))
    return text, _value(told, "파일정보", "FileName"), "_".join(part for part in parts if part)


def _value(told: Mapping[str, Any], group: str, name: str) -> str:
    inner = told.get(group)
    value = inner.get(name) if isinstance(inner, dict) else None
    text = str(value).strip() if isinstance(value, str | int) else ""
    return "" if text in _NOTHING else text


def spoken_form(text: str) -> str:
    """A transcript without its marks: of two spellings the one without digits, else the second."""

    def chosen(forms: re.Match[str]) -> str:
        first, second = forms.groups()
        return first if re.search(r"\d", second) and not re.search(r"\d", first) else second

    return " ".join(_NOISE.sub(" ", _TWO_FORMS.sub(chosen, text)).split())


def _told(path: Path) -> dict[str, Any] | str:
    """What a label holds, or why it cannot be read."""
    try:
        told = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        return " ".join(str(error).split())
    return told if isinstance(told, dict) else f"a {type(told).__name__} instead of an object"


def _kind(told: Mapping[str, Any]) -> str:
    return next((kind for kind in _KINDS if kind in told), "")


def _nfc(name: str) -> str:
    return unicodedata.normalize("NFC", name)
