"""What a note must not do before it is written: claim without a run, lose a unit, contradict itself."""

from __future__ import annotations

import datetime
import html
import re
import unicodedata
from collections.abc import Iterator

from components.core.errors import ReportRefusedError
from components.core.params.platform import NextPlan
from components.reporting.figures import Status
from components.reporting.note import Note, every_claim

_RESULTS = {Status.MEASURED, Status.CERTIFIED}
_LIST_MARK = re.compile(r"^\s*(?:-{3,}\s*$|(?:(?:#+|-|\d+\.)\s+)*)", re.MULTILINE)
_INLINE_TAG = re.compile(r"</?(?:strong|sup)>")
_BLOCK_TAG = re.compile(r"<[^>]+>")


def check_note(note: Note, plans: tuple[NextPlan, ...], today: datetime.date) -> None:
    """Refuse a note that says what it may not.

    Raises:
        ReportRefusedError: with one detail line a finding.
    """
    findings = [*_dates(note, plans, today), *_people(note), *_claims(note)]
    if findings:
        raise _refused(findings)


def check_same_words(markdown: str, text: str, fragment: str) -> None:
    """Refuse outputs that differ: the log's own HTML had lost batch 16, 420 ms and the 120 sentences.

    Raises:
        ReportRefusedError: with the first words that one has and the other lacks.
    """
    plain = words(text)
    for name, other in (
        ("Markdown", words(unescape_markdown(markdown))),
        ("HTML", words(html_text(fragment))),
    ):
        if other != plain:
            index = next(
                (i for i, (a, b) in enumerate(zip(plain, other, strict=False)) if a != b),
                min(len(plain), len(other)),
            )
            said = f"{' '.join(plain[index : index + 6])!r} / {' '.join(other[index : index + 6])!r}"
            raise _refused([f"text and {name} differ at word {index}: {said}"])


def words(text: str) -> list[str]:
    """The words of a printing without list marks and rules."""
    return _LIST_MARK.sub("", unicodedata.normalize("NFC", text)).split()


def html_text(fragment: str) -> str:
    """What a reader sees of an HTML fragment."""
    return html.unescape(_BLOCK_TAG.sub("\n", _INLINE_TAG.sub("", fragment)))


def unescape_markdown(text: str) -> str:
    """What a reader sees of our Markdown: emphasis marks and escapes gone."""
    return html.unescape(re.sub(r"\\([\\`*_{}\[\]<>#|~&])", r"\1", re.sub(r"(?<!\\)\*\*", "", text)))


def _dates(note: Note, plans: tuple[NextPlan, ...], today: datetime.date) -> Iterator[str]:
    if note.date > today:
        yield f"the note's date {note.date} lies in the future (today is {today})"
    for plan in plans:
        if datetime.date.fromisoformat(plan.date) < note.date:
            yield f"plan {plan.date} {plan.text!r} lies before the note's date {note.date}"


def _people(note: Note) -> Iterator[str]:
    if note.author and note.author == note.reviewer:
        yield f"reviewer (확인) and author (작성자) are the same person: {note.author}"


def _claims(note: Note) -> Iterator[str]:
    for section in note.sections:
        for claim in every_claim(section.claims):
            if claim.status in _RESULTS and not claim.run_id:
                yield f"a claim without a run: {claim.text!r}"
            if claim.quantity and not claim.unit:
                yield f"a figure without a unit: {claim.text!r}"
            elif claim.quantity and claim.unit not in claim.text:
                yield f"the unit {claim.unit!r} is not printed: {claim.text!r}"
            if claim.quantity and claim.status is None:
                yield f"a figure without a status: {claim.text!r}"
            if claim.quantity and claim.status is Status.EXPECTED and Status.EXPECTED.value not in claim.text:
                yield f"an expected figure that does not say so: {claim.text!r}"


def _refused(findings: list[str]) -> ReportRefusedError:
    return ReportRefusedError(
        who="IRIS note",
        expected="a note that its runs support and whose outputs agree",
        found=findings[0] if len(findings) == 1 else f"{findings[0]} (and {len(findings) - 1} more)",
        action="mend params.yaml `report:` or run what is claimed; nothing was written",
        details=findings,
    )
