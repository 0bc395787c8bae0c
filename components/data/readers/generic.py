"""A list of recordings as CSV or Parquet beside the audio: ``metadata.csv`` or ``metadata.parquet``.

Columns, with the other names they may have (case and surrounding spaces do not count):

=============  ==========================================  ==============================================
utterance_id   id, utt_id, utterance, name                 required
speaker_id     speaker, spk, spk_id, speaker_name          required
language       lang, locale                                required; ``ko``, also ``ko-KR`` or ``ko_KR``
text           transcript, transcription, sentence         required; may be empty for it, ru, es, fr
audio          path, file, file_name, filename, wav        required; relative to the folder
role           (none)                                      "human" where absent
licence        license                                     required
consent        consent_id                                  required; an id in ``consent.csv``
=============  ==========================================  ==============================================

``consent.csv`` and ``alignments.csv`` are optional and have the columns of the corpus's own files.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from components.core.errors import DataError
from components.data.consent import CONSENT_NAME, read_consents
from components.data.csv_table import FIRST_ROW, cell_rows
from components.data.source import RawRow, Source
from components.data.text_lines import first_line
from components.data.timings import ALIGNMENTS_NAME, read_timings

CSV_NAME = "metadata.csv"
PARQUET_NAME = "metadata.parquet"

ALIASES: dict[str, tuple[str, ...]] = {
    "utterance_id": ("id", "utt_id", "utterance", "name"),
    "speaker_id": ("speaker", "spk", "spk_id", "speaker_name"),
    "language": ("lang", "locale"),
    "text": ("transcript", "transcription", "sentence"),
    "audio": ("path", "file", "file_name", "filename", "wav"),
    "role": (),
    "licence": ("license",),
    "consent": ("consent_id",),
}
_OPTIONAL = {"role": "human"}


LOOKED_FOR = f"{CSV_NAME} with a header of our columns, or {PARQUET_NAME}"


def matches(folder: Path) -> bool:
    """Whether ``folder`` holds a list of ours; `read` says what is wrong with one that is not complete."""
    header = {cell.strip().casefold() for cell in first_line(folder / CSV_NAME).split(",")}
    known = sum(bool(header & {name, *others}) for name, others in ALIASES.items())
    return (folder / PARQUET_NAME).is_file() or known > len(ALIASES) // 2


def read(folder: Path) -> Source:
    """Read a generic source folder.

    Raises:
        DataError: no list or two, a required column missing, or a column given twice.
    """
    path = _list_file(folder)
    table = _parquet_rows(path) if path.name == PARQUET_NAME else cell_rows(path)
    columns = _columns(path, next(table, []))
    width = len(columns)
    rows = tuple(
        _row(number, cells, columns)
        if len(cells) == width
        else RawRow(number, problem=f"{len(cells)} cells instead of {width}")
        for number, cells in enumerate(table, start=FIRST_ROW)
    )
    return Source(
        name="generic",
        folder=folder,
        rows=rows,
        consents=read_consents(folder / CONSENT_NAME),
        timings=read_timings(folder / ALIGNMENTS_NAME),
    )


def _list_file(folder: Path) -> Path:
    present = [folder / name for name in (CSV_NAME, PARQUET_NAME) if (folder / name).is_file()]
    if len(present) != 1:
        raise DataError(
            who=str(folder),
            expected=f"either {CSV_NAME} or {PARQUET_NAME}",
            found=" and ".join(path.name for path in present) or "neither",
            action="put one list of the recordings into the folder",
        )
    return present[0]


def _columns(path: Path, header: list[str]) -> list[str]:
    """The name of each column in our words, "" for a column that means nothing here."""
    meaning = {alias: name for name, aliases in ALIASES.items() for alias in (name, *aliases)}
    columns = [meaning.get(cell.strip().casefold(), "") for cell in header]
    missing = [name for name in ALIASES if name not in columns and name not in _OPTIONAL]
    twice = sorted({name for name in columns if name and columns.count(name) > 1})
    if missing or twice:
        raise DataError(
            who=f"{path} row 1",
            expected=f"one column each for {', '.join(name for name in ALIASES if name not in _OPTIONAL)}",
            found=f"without {', '.join(missing)}" if missing else f"{', '.join(twice)} twice",
            action="rename the columns (the accepted names stand in components/data/readers/generic.py)",
        )
    return columns


def _row(number: int, cells: list[str], columns: list[str]) -> RawRow:
    values = _OPTIONAL | {name: cell.strip() for name, cell in zip(columns, cells, strict=True) if name}
    language = values["language"].replace("_", "-").split("-")[0].casefold()
    return RawRow(
        number=number,
        utterance_id=values["utterance_id"],
        speaker_id=values["speaker_id"],
        language=language or values["language"],
        text=values["text"],
        audio=values["audio"],
        role=values["role"],
        licence=values["licence"],
        consent=values["consent"],
    )


def _parquet_rows(path: Path) -> Iterator[list[str]]:
    import pandas as pd

    try:
        frame = pd.read_parquet(path)
    except (OSError, ValueError) as error:  # pyarrow's errors are ValueErrors
        raise DataError(
            who=str(path),
            expected="a readable Parquet file",
            found=" ".join(str(error).split())[:200],
            action="export it again, or as metadata.csv",
        ) from error
    yield [str(name) for name in frame.columns]
    for values in frame.astype(object).where(frame.notna(), "").itertuples(index=False, name=None):
        yield [str(value) for value in values]
