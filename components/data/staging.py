"""A corpus folder, replaced as a whole or not at all; files that stay are linked, never rewritten."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from components.core.errors import DataError
from components.core.storage import atomic_folder, recover_folder
from components.core.utterance import Utterance
from components.data.video.lrs2 import VIDEO_FOLDER

_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Plan:
    """What a corpus folder is to hold.

    Attributes:
        rows: every recording.
        fresh: utterance id → audio in the source, for recordings the folder does not hold yet.
        tables: file name → text of the tables beside the audio.
    """

    rows: tuple[Utterance, ...]
    fresh: Mapping[str, Path]
    tables: Mapping[str, str]


def tidy(folder: Path) -> None:
    """Finish what a killed run left: bring a set-aside folder back, drop half-built ones."""
    recover_folder(folder)
    for left in folder.parent.glob(f".{folder.name}.*"):
        if left.suffix in (".tmp", ".old"):
            shutil.rmtree(left, ignore_errors=True)


def realise(folder: Path, plan: Plan) -> bool:
    """Make ``folder`` what ``plan`` says; True when something had to change.

    An unchanged file keeps its inode and time, and an unchanged folder is not touched at all. Videos below
    ``video/`` are no part of a plan and stay.

    Raises:
        StorageError: no space or no permission; the folder is as it was.
        DataError: a recording changed while it was being copied; the folder is as it was.
    """
    if _is_current(folder, plan):
        return False
    with atomic_folder(folder) as staged:
        for row in plan.rows:
            target = staged / row.path
            target.parent.mkdir(parents=True, exist_ok=True)
            if row.utterance_id in plan.fresh:
                _copy(plan.fresh[row.utterance_id], target, row)
            else:
                _keep(folder / row.path, target)
        for name, text in plan.tables.items():
            if _same_text(folder / name, text):
                _keep(folder / name, staged / name)
            else:
                (staged / name).write_text(text, encoding="utf-8", newline="")
        for path in _files(folder / VIDEO_FOLDER):
            target = staged / path.relative_to(folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            _keep(path, target)
    return True


def _is_current(folder: Path, plan: Plan) -> bool:
    if plan.fresh or not all(_same_text(folder / name, text) for name, text in plan.tables.items()):
        return False
    videos = folder / VIDEO_FOLDER
    files = (path for path in _files(folder) if not path.is_relative_to(videos))
    present = {path.relative_to(folder).as_posix() for path in files}
    return present == {*plan.tables, *(row.path for row in plan.rows)}


def _files(folder: Path) -> Iterable[Path]:
    return (path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())


def _same_text(path: Path, text: str) -> bool:
    return path.is_file() and path.read_bytes() == text.encode("utf-8")


def _keep(present: Path, target: Path) -> None:
    try:
        os.link(present, target)
    except OSError:  # a file system without hard links
        shutil.copy2(present, target)


def _copy(source: Path, target: Path, row: Utterance) -> None:
    digest = hashlib.sha256()
    with source.open("rb") as reading, target.open("wb") as writing:
        while chunk := reading.read(_CHUNK_BYTES):
            digest.update(chunk)
            writing.write(chunk)
    if digest.hexdigest() != row.sha256:
        raise DataError(
            who=f"{row.utterance_id} ({source})",
            expected=f"the bytes that were checked (sha256 {row.sha256[:12]}…)",
            found=f"others ({digest.hexdigest()[:12]}…): the file changed meanwhile",
            action="ingest again when nobody writes to the source",
        )
