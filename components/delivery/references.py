"""Sentences of an evaluation that an exported model has to say again."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from components.core.exported import Reference
from components.core.utterance import LANGUAGES
from components.data.csv_table import cell_rows

_INDEX, _SOURCE = "index.csv", "source-"


@dataclass(frozen=True)
class Heard:
    """A sentence with the files of the evaluation that belong to it."""

    reference: Reference
    sample: Path
    source: Path | None

    def copy(self, folder: Path) -> None:
        """Lay sample and source out under the names that the reference gives them."""
        shutil.copyfile(self.sample, folder / self.reference.sample)
        if self.source:
            shutil.copyfile(self.source, folder / self.reference.source)


def chosen(samples: Path, per_language: int) -> tuple[Heard, ...]:
    """The shortest sentences of each language without a fault; none where there are no samples.

    Args:
        samples: as `components.evaluation.tables.write_samples` leaves them.

    Raises:
        DataError: an index that cannot be read.
    """
    if not (samples / _INDEX).is_file():
        return ()
    rows = sorted(_usable(samples), key=lambda row: (float(row["duration_s"]), row["sentence_id"]))
    return tuple(
        _heard(row, samples)
        for language in LANGUAGES
        for row in [row for row in rows if row["language"] == language][:per_language]
    )


def _usable(samples: Path) -> Iterable[Mapping[str, str]]:
    rows = cell_rows(samples / _INDEX)
    header = next(rows, [])
    for cells in rows:
        row = dict(zip(header, cells, strict=False))
        sentence = Path(row.get("source", "")).stem in {"", row["sentence_id"]}  # else a recording besides
        if sentence and row.get("path", "").endswith(".wav") and not row.get("fault"):
            yield row


def _heard(row: Mapping[str, str], samples: Path) -> Heard:
    name, source = Path(row["path"]).name, row.get("source", "")
    reference = Reference(
        sentence_id=row["sentence_id"],
        language=row["language"],
        text=row["text"],
        speaker=row["speaker"],
        sample=name,
        source=f"{_SOURCE}{name}" if source else "",
    )
    return Heard(reference, samples / row["path"], samples / source if source else None)
