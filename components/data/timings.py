"""``alignments.csv``: which phoneme sounds when, where the source knows it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from components.core.utterance import PhonemeTiming
from components.data.csv_table import bad_row, records, table_text

ALIGNMENTS_NAME = "alignments.csv"
ALIGNMENT_COLUMNS: tuple[str, ...] = tuple(PhonemeTiming.model_fields)

Timings = Mapping[str, tuple[PhonemeTiming, ...]]


def timings_text(timings: Timings) -> str:
    """Alignments as CSV text, utterances sorted by id, phonemes in spoken order; seconds."""
    return table_text(
        ALIGNMENT_COLUMNS,
        (
            (phone.utterance_id, phone.symbol, str(phone.start_s), str(phone.end_s))
            for utterance_id in sorted(timings)
            for phone in timings[utterance_id]
        ),
    )


def read_timings(path: Path) -> dict[str, tuple[PhonemeTiming, ...]]:
    """Utterance id → its phonemes in file order; empty where the file does not exist.

    Raises:
        DataError: unreadable, or a row that is no timing (named by its number).
    """
    if not path.exists():
        return {}
    collected: dict[str, list[PhonemeTiming]] = {}
    for number, cells in records(path, ALIGNMENT_COLUMNS):
        try:
            phone = PhonemeTiming(
                utterance_id=cells["utterance_id"],
                symbol=cells["symbol"],
                start_s=float(cells["start_s"]),
                end_s=float(cells["end_s"]),
            )
        except (ValidationError, ValueError) as error:
            raise bad_row(path, number, "a symbol and two times in seconds", repr(dict(cells))) from error
        collected.setdefault(phone.utterance_id, []).append(phone)
    return {utterance_id: tuple(phones) for utterance_id, phones in collected.items()}


def timing_fault(phones: tuple[PhonemeTiming, ...], duration_s: float) -> str:
    """What is wrong with one utterance's timings, "" when nothing is: ordered, and begun before the end."""
    position = 0.0
    for phone in phones:
        if not position <= phone.start_s <= phone.end_s:
            return f"{phone.symbol} at {phone.start_s}–{phone.end_s} s after {position} s"
        if phone.start_s >= duration_s:
            return f"{phone.symbol} starts at {phone.start_s} s of {duration_s} s"
        position = phone.start_s
    return ""
