"""Reads what the stages left: evidence, verdicts, samples, rejected rows, snapshots of earlier reports."""

from __future__ import annotations

import csv
import json
import math
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from components.core.drift import ModelDrift, Shift
from components.core.errors import CorruptFileError
from components.core.storage import write_json
from components.reporting.inputs import RejectedRow, RejectedRows, Sentence, Snapshot

_VALUES = (
    "similarity", "pronunciation", "latency_ms", "duration_s", "source_similarity", "f0_correlation",
    "lse_c", "lse_c_real", "lse_c_shuffled", "lse_d", "offset", "ssim",
)  # fmt: skip
_VIDEOS = ("real", "made", "wrong")
_REJECTED_SHOWN = 20  # rows that a person still reads; the file itself holds them all

Stored = TypeVar("Stored", bound=BaseModel)


def read_stored(path: Path, kind: type[Stored], stage: str) -> Stored:
    """The evidence or the decision that ``stage`` left at ``path``.

    Raises:
        CorruptFileError: the file is gone, or holds something else.
    """
    try:
        return kind.model_validate_json(path.read_bytes())
    except ValidationError as error:
        problem = error.errors()[0]
        found = f"{'.'.join(map(str, problem['loc'])) or 'content'}: {problem['msg']}"
        raise _unreadable(path, kind, stage, found) from error
    except OSError as error:
        raise _unreadable(path, kind, stage, error.strerror or type(error).__name__) from error


def _unreadable(path: Path, kind: type[BaseModel], stage: str, found: str) -> CorruptFileError:
    return CorruptFileError(
        who=str(path),
        expected=f"a whole {kind.__name__} record",
        found=found,
        action=f"run {stage} again with --force",
    )


def read_drift(path: Path) -> tuple[ModelDrift, ...]:
    """What the drift stage found, model by model.

    Raises:
        CorruptFileError: it is something else.
    """
    try:
        models = json.loads(path.read_text(encoding="utf-8"))["models"]
        return tuple(
            ModelDrift(**{**one, "shifts": tuple(Shift(**shift) for shift in one["shifts"])})
            for one in models
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CorruptFileError(
            who=str(path),
            expected="the drift of each model's data",
            found=f"{type(error).__name__}: {error}",
            action="run drift again with --force",
        ) from error


def read_rejected(path: Path) -> RejectedRows:
    """``rejected.csv`` of ingest: how many rows for which reason, and the first of them.

    Raises:
        CorruptFileError: the table lacks a column.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = [RejectedRow(**row) for row in csv.DictReader(file)]
    except (OSError, TypeError, ValueError, csv.Error) as error:
        raise CorruptFileError(
            who=str(path),
            expected="the table of rejected rows",
            found=f"{type(error).__name__}: {error}",
            action="run ingest again with --force",
        ) from error
    reasons = Counter((row.corpus, row.reason) for row in rows)
    counts = tuple(sorted((*key, count) for key, count in reasons.items()))
    return RejectedRows(counts, tuple(rows[:_REJECTED_SHOWN]), len(rows))


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
    videos = {name: _clip(samples, row.get(f"video_{name}") or "") for name in _VIDEOS}
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
        said=row.get("said") or "",
        heard=row.get("heard") or "",
        source=_clip(samples, row.get("source") or ""),
        source_voice=row.get("source_voice") or "",
        videos={name: path for name, path in videos.items() if path is not None},
    )


def _clip(samples: Path, relative: str) -> Path | None:
    if not relative:
        return None
    path = (samples / relative).resolve()
    if not path.is_relative_to(samples.resolve()):
        raise ValueError(f"{relative!r} leads outside the folder")
    return path
