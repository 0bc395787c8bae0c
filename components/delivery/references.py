"""Sentences and clips of an evaluation that an exported model has to make again."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from components.core.errors import DataError
from components.core.exported import Reference
from components.core.params.base import ModelKind
from components.core.utterance import LANGUAGES
from components.data.csv_table import cell_rows

_INDEX = "index.csv"
Row = Mapping[str, str]


@dataclass(frozen=True)
class Heard:
    """A sentence or clip with the files of the evaluation that belong to it.

    Attributes:
        files: name below the references → file of the evaluation.
    """

    reference: Reference
    files: Mapping[str, Path]

    def copy(self, folder: Path) -> None:
        """Lay its files out under the names that the reference gives them."""
        for name, path in self.files.items():
            shutil.copyfile(path, folder / name)


def chosen(samples: Path, per_language: int, kind: ModelKind) -> tuple[Heard, ...]:
    """The shortest of each language that can be made again; none where there are no such samples.

    Args:
        samples: as `components.evaluation.tables.write_samples` leaves them, or, of a model that moves lips,
            `components.evaluation.video_samples.write_video_samples`.

    Raises:
        DataError: an index that cannot be read, or a file that it names and that is not there.
    """
    if not (samples / _INDEX).is_file():
        return ()
    usable = {"lip_sync": _is_clip, "prompted_speech": _is_prompted}.get(kind, _is_sentence)
    rows = [row for row in _rows(samples) if not row.get("fault") and usable(row)]
    rows.sort(key=lambda row: (float(row["duration_s"]), row["sentence_id"]))
    languages = dict.fromkeys([*LANGUAGES, *(row["language"] for row in rows)])  # a video's may be unknown
    made = _clip if kind == "lip_sync" else _sentence
    return tuple(
        _whole(made(row, samples))
        for language in languages
        for row in [row for row in rows if row["language"] == language][:per_language]
    )


def _whole(heard: Heard) -> Heard:
    for path in heard.files.values():
        if not path.is_file():
            raise DataError(
                who=f"sample {heard.reference.sentence_id} of the evaluation",
                expected=f"{path}, which its index names",
                found="no file",
                action="evaluate this version again with --force / 평가를 다시 실행하십시오(--force)",
            )
    return heard


def _rows(samples: Path) -> Iterable[Row]:
    rows = cell_rows(samples / _INDEX)
    header = next(rows, [])
    return (dict(zip(header, cells, strict=False)) for cells in rows)


def _is_sentence(row: Row) -> bool:
    own = Path(row.get("source", "")).stem in {"", row["sentence_id"]}  # else a recording besides
    return own and row.get("path", "").endswith(".wav")


def _is_prompted(row: Row) -> bool:
    """An evaluation of before seeds were kept has no such row."""
    return _is_sentence(row) and all(row.get(name) for name in ("reference", "prompt_text", "seed"))


def _is_clip(row: Row) -> bool:
    return bool(row.get("exact"))


def _sentence(row: Row, samples: Path) -> Heard:
    name = Path(row["path"]).name
    given = {"source": row.get("source", ""), "prompt": row["reference"] if row.get("seed") else ""}
    names = {role: f"{role}-{name}" if path else "" for role, path in given.items()}
    reference = Reference(
        sentence_id=row["sentence_id"],
        language=row["language"],
        text=row["text"],
        speaker=row["speaker"],
        sample=name,
        source=names["source"],
        prompt=names["prompt"],
        prompt_text=row.get("prompt_text", ""),
        prompt_language=row.get("prompt_language", ""),
        seed=int(row["seed"]) if row.get("seed") else None,
    )
    beside = {names[role]: samples / path for role, path in given.items() if path}
    return Heard(reference, {name: samples / row["path"], **beside})


def _clip(row: Row, samples: Path) -> Heard:
    name = Path(row["exact"]).name
    reference = Reference(
        sentence_id=row["sentence_id"],
        language=row["language"],
        text=row["text"],
        speaker=row["speaker"],
        sample=name,
        source="",
    )
    return Heard(reference, {name: samples / row["exact"]})
