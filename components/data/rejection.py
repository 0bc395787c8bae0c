"""A row that was not taken, and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from components.data.csv_table import table_text
from components.data.source import RawRow

REJECTED_COLUMNS = ("corpus", "row", "utterance_id", "audio", "reason", "expected", "found")


@dataclass(frozen=True)
class Rejection:
    """One rejected row of a source."""

    row: int
    utterance_id: str
    audio: str
    reason: str
    expected: str
    found: str

    def __str__(self) -> str:
        """One line for a person."""
        who = self.utterance_id or self.audio or "(no id)"
        return f"row {self.row} {who}: {self.reason}: expected {self.expected}, found {self.found}"


class Refused(Exception):  # noqa: N818 - a verdict on one row, not an error of the run
    """Raised where a row fails a check, caught where rows are counted."""

    def __init__(self, reason: str, expected: str, found: str) -> None:
        super().__init__(reason, expected, found)
        self.reason, self.expected, self.found = reason, expected, found

    def of(self, row: RawRow) -> Rejection:
        """The rejection of ``row`` for this reason."""
        return Rejection(row.number, row.utterance_id, row.audio, self.reason, self.expected, self.found)


def rejected_text(by_corpus: Iterable[tuple[str, Rejection]]) -> str:
    """``rejected.csv``: every rejected row with its reason."""
    return table_text(
        REJECTED_COLUMNS,
        (
            (corpus, str(no.row), no.utterance_id, no.audio, no.reason, no.expected, no.found)
            for corpus, no in by_corpus
        ),
    )
