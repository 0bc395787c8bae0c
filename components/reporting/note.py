"""The research note as a tree. Markdown, plain text and HTML are three printings of it, so they agree."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from components.reporting.figures import Status


@dataclass(frozen=True)
class Claim:
    """One line of the note.

    ``status`` and ``run_id`` stand behind every figure that is more than a parameter. ``quantity`` marks a
    line that prints a KPI figure, with its unit, so that the lint can ask for status, unit and run.
    """

    text: str
    status: Status | None = None
    run_id: str = ""
    quantity: bool = False
    unit: str = ""
    children: tuple[Claim, ...] = ()


@dataclass(frozen=True)
class NoteSection:
    """A numbered section."""

    heading: str
    claims: tuple[Claim, ...]
    ordered: bool = False


@dataclass(frozen=True)
class Note:
    """The whole draft. ``table`` is the KPI table that the table profile adds to section 3."""

    date: datetime.date
    author: str
    reviewer: str
    phase: str
    keywords: tuple[str, ...]
    sections: tuple[NoteSection, ...]
    references: tuple[str, ...]
    footer: tuple[str, ...]
    table_headers: tuple[str, ...]
    table: tuple[tuple[str, ...], ...]

    @property
    def head(self) -> tuple[tuple[str, str], ...]:
        """Label and content of the note's first lines; an unset name stays empty."""
        weekday = "월화수목금토일"[self.date.weekday()]
        date = f"{self.date.year}년 {self.date.month}월 {self.date.day}일({weekday})"
        return (
            ("날짜", date),
            ("작성자", self.author),
            ("확인", self.reviewer),
            ("진행 단계", self.phase),
            ("키워드", ", ".join(self.keywords)),
        )


def every_claim(claims: tuple[Claim, ...]) -> tuple[Claim, ...]:
    """Claims and their children, in reading order."""
    return tuple(found for claim in claims for found in (claim, *every_claim(claim.children)))
