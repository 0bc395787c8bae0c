"""Folders in the style of LRS2 (Afouras et al. 2018): ``<speaker>/<clip>.mp4`` with ``<clip>.txt``."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from pathlib import Path

from components.core.errors import DataError

VIDEO_FOLDER = "video"
"""Below a corpus folder: its videos, taken besides the drawn faces."""
_TEXT = "Text:"
_VIDEOS = frozenset({".mp4", ".mov", ".mkv", ".avi", ".webm"})


@dataclass(frozen=True)
class VideoClip:
    """One clip; ``clip_id`` is ``<speaker>/<name>``, NFC."""

    clip_id: str
    speaker: str
    path: Path
    text: str


@dataclass(frozen=True)
class VideoFolder:
    """What a folder holds: clips sorted by id, and id → reason of those that cannot be used."""

    clips: tuple[VideoClip, ...]
    rejected: dict[str, str]


def read_lrs2(folder: Path) -> VideoFolder:
    """Every video two levels below ``folder`` or deeper; the folder it lies in names the speaker.

    The text is the line that begins with ``Text:`` (LRS2 has confidence and word lines besides), or the whole
    file where no line does.

    Raises:
        DataError: no video at all.
    """
    clips, rejected = [], {}
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() not in _VIDEOS:
            continue
        speaker = unicodedata.normalize("NFC", path.parent.name)
        name = f"{speaker}/{unicodedata.normalize('NFC', path.stem)}"
        if path.parent == folder:
            rejected[name] = "lies in no speaker's folder"
            continue
        text = _text(path.with_suffix(".txt"))
        if text is None:
            rejected[name] = f"no readable {path.stem}.txt beside it"
            continue
        clips.append(VideoClip(name, speaker, path, text))
    if not clips and not rejected:
        raise DataError(
            who=str(folder),
            expected="videos as <speaker>/<clip>.mp4 with <clip>.txt",
            found="none",
            action="name the folder above the speakers' folders",
        )
    return VideoFolder(tuple(clips), rejected)


def _text(path: Path) -> str | None:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError):
        return None
    marked = [line.removeprefix(_TEXT) for line in lines if line.startswith(_TEXT)]
    text = marked[0] if marked else " ".join(lines)
    return unicodedata.normalize("NFC", " ".join(text.split())) or None


def remove_speaker(folder: Path, speaker: str) -> tuple[str, ...]:
    """Delete whatever lies in the folders of a speaker; gives the videos' names, sorted.

    Raises:
        OSError: no permission; what was not reached yet is still there.
    """
    gone = []
    for path in sorted(folder.rglob("*")):
        if path.is_file() and unicodedata.normalize("NFC", path.parent.name) == speaker:
            path.unlink()
            if path.suffix.lower() in _VIDEOS:
                gone.append(f"{speaker}/{unicodedata.normalize('NFC', path.stem)}")
    for path in [*sorted((one for one in folder.rglob("*") if one.is_dir()), reverse=True), folder]:
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()  # an empty folder of videos would be an error to whoever reads it
    return tuple(gone)
