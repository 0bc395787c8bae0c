"""Reads what the stages left: sample lists, snapshots of earlier reports, and writes the next snapshot."""

from __future__ import annotations

import csv
import json
import math
from dataclasses import asdict
from pathlib import Path

from components.core.errors import CorruptFileError
from components.core.storage import write_json
from components.reporting.inputs import Sentence, Snapshot

_VALUES = ("similarity", "latency_ms", "duration_s")


def read_sentences(samples: Path) -> tuple[Sentence, ...]:
    """The rows of ``samples/index.csv`` with the clips that lie beside it.

    Raises:
        CorruptFileError: the list lacks a column, or a clip's path leads outside the folder.
    """
    index = samples / "index.csv"
    try:
        with index.open(encoding="utf-8", newline="") as file:
            return tuple(_sentence(samples, row) for row in csv.DictReader(file))
    except (OSError, KeyError, ValueError) as error:
        raise CorruptFileError(
            who=str(index),
            expected="a list of samples (sentence_id, language, text, speaker, path, reference, ...)",
            found=f"{type(error).__name__}: {error}",
            action="run evaluate again with --force",
        ) from error


def previous_snapshot(folder: Path, before: str) -> Snapshot | None:
    """The latest snapshot older than ``before`` (ISO 8601, UTC); a repeated report sees the same.

    Raises:
        CorruptFileError: that snapshot cannot be read.
    """
    names = sorted(path for path in folder.glob("*.json") if path.stem < _name(before))
    if not names:
        return None
    try:
        return Snapshot(**json.loads(names[-1].read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise CorruptFileError(
            who=str(names[-1]),
            expected="the snapshot of an earlier report",
            found=f"{type(error).__name__}: {error}",
            action="delete it; the report then compares with the one before",
        ) from error


def write_snapshot(folder: Path, snapshot: Snapshot) -> None:
    """Keep what this report printed for the next one."""
    write_json(folder / f"{_name(snapshot.stamp)}.json", asdict(snapshot))


def _name(stamp: str) -> str:
    return stamp.replace(":", "").replace("+0000", "Z")


def _sentence(samples: Path, row: dict[str, str]) -> Sentence:
    values = {name: float(row[name]) for name in _VALUES if row.get(name)}
    return Sentence(
        sentence_id=row["sentence_id"],
        language=row["language"],
        speaker=row["speaker"],
        text=row["text"],
        values={name: value for name, value in values.items() if math.isfinite(value)},
        audio=_clip(samples, row["path"]),
        reference=_clip(samples, row["reference"]),
        fault=row.get("fault") or "",
    )


def _clip(samples: Path, relative: str) -> Path | None:
    if not relative:
        return None
    path = (samples / relative).resolve()
    if not path.is_relative_to(samples.resolve()):
        raise ValueError(f"{relative!r} leads outside the folder")
    return path
