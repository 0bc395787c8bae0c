"""The IRIS research note (연구노트 초안): one tree, printed as Markdown, plain text and paste-in HTML."""

from __future__ import annotations

import datetime
import re
import unicodedata
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Literal

import nh3
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from components.core.errors import ReportRefusedError
from components.reporting.inputs import ReportInputs
from components.reporting.note import Claim, Note
from components.reporting.note_content import build_note
from components.reporting.note_lint import check_note, check_same_words

HtmlProfile = Literal["strict", "table"]
STRICT_TAGS = frozenset({"p", "br", "hr", "h3", "ol", "ul", "li", "strong", "sup"})
TABLE_TAGS = STRICT_TAGS | {"table", "caption", "thead", "tbody", "tr", "th", "td"}
_TABLE_ATTRIBUTES = {"table": {"border"}, "th": {"colspan", "rowspan", "scope"}, "td": {"colspan", "rowspan"}}
_TABLE_SECTION = "3. 결과 및 정량 지표"
_TABLE_CAPTION = "정량 지표 (측정값 열에는 자체측정·공인시험 값만 기재)"
_VOID = re.compile(r"<(br|hr)\s*/?>")
_INVISIBLE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2066-\u2069\ufdd0-\ufdef\ufffe\uffff\ud800-\udfff]"
)
_MARKDOWN_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~&])")


@dataclass(frozen=True)
class NoteTexts:
    """The three outputs; they say the same words."""

    markdown: str
    text: str
    html: str


def write_note(inputs: ReportInputs, today: datetime.date, profile: HtmlProfile = "strict") -> NoteTexts:
    """Build, lint and print the note.

    Args:
        inputs: the reporting period.
        today: the date in Korea; the note may not be dated after it.
        profile: ``strict``: p br hr h3 ol ul li strong sup, no attributes; ``table`` adds the KPI table.

    Raises:
        ReportRefusedError: the lint found something; nothing is written then.
    """
    note = tidy(build_note(inputs, today))
    check_note(note, inputs.params.report.next_plans, today)
    texts = NoteTexts(markdown(note), plain_text(note), html_fragment(note, "strict"))
    check_same_words(texts.markdown, texts.text, texts.html)
    if profile == "strict":
        return texts
    return NoteTexts(texts.markdown, texts.text, html_fragment(note, profile))


def tidy(note: Note) -> Note:
    """The note with every text on one line, NFC, control and direction marks turned into spaces.

    Done once and before printing, so that the three outputs cannot tidy differently.
    """

    def claim(one: Claim) -> Claim:
        return replace(one, text=_one_line(one.text), children=tuple(claim(child) for child in one.children))

    return replace(
        note,
        author=_one_line(note.author),
        reviewer=_one_line(note.reviewer),
        phase=_one_line(note.phase),
        keywords=tuple(_one_line(keyword) for keyword in note.keywords),
        sections=tuple(
            replace(section, claims=tuple(claim(one) for one in section.claims)) for section in note.sections
        ),
        footer=tuple(_one_line(line) for line in note.footer),
        table=tuple(tuple(_one_line(cell) for cell in row) for row in note.table),
    )


def _one_line(text: str) -> str:
    return " ".join(_INVISIBLE.sub(" ", unicodedata.normalize("NFC", text)).split())


def html_fragment(note: Note, profile: HtmlProfile) -> str:
    """The fragment: escaped by the template, then held against the allow-list.

    Raises:
        ReportRefusedError: the sanitiser would change what the template made (a defect of the template).
    """
    raw = (
        _environment()
        .get_template("note.html.j2")
        .render(note=note, table=profile == "table", table_section=_TABLE_SECTION, caption=_TABLE_CAPTION)
    )
    clean = sanitise(clean_text(raw), profile)
    if sanitise(clean, profile) != clean:
        raise ReportRefusedError(
            who="IRIS note",
            expected="HTML that the sanitiser leaves as it is",
            found="a fragment that changes when it is cleaned again",
            action="report this with the run ids; the note was not written",
        )
    return clean


def sanitise(fragment: str, profile: HtmlProfile) -> str:
    """Only the allowed tags and attributes, XHTML void tags."""
    table = profile == "table"
    cleaned = nh3.clean(
        fragment,
        tags=set(TABLE_TAGS if table else STRICT_TAGS),
        attributes=_TABLE_ATTRIBUTES if table else {},
        link_rel=None,
    )
    return _VOID.sub(r"<\1 />", cleaned)


def markdown(note: Note) -> str:
    """Markdown, every special character of the content escaped."""
    lines = [f"**{label}**: {_escaped(content)}  ".rstrip() + "  " for label, content in note.head]
    lines += ["", "---", ""]
    for section in note.sections:
        lines += [
            f"### {section.heading}",
            "",
            *_bullets(section.claims, section.ordered, 0, escape=True),
            "",
        ]
    lines += [
        "### 참고 자료",
        "",
        *(f"- {_escaped(reference)}" for reference in note.references),
        "",
        "---",
        "",
    ]
    lines += [f"{_escaped(line)}  " for line in note.footer]
    return clean_text("\n".join(lines)) + "\n"


def plain_text(note: Note) -> str:
    """Plain text for forms that take nothing else."""
    lines = [f"{label}: {content}".rstrip() for label, content in note.head]
    lines += ["-" * 40]
    for section in note.sections:
        lines += ["", section.heading, *_bullets(section.claims, section.ordered, 0, escape=False)]
    lines += ["", "참고 자료", *(f"- {reference}" for reference in note.references), "-" * 40, *note.footer]
    return clean_text("\n".join(lines)) + "\n"


def clean_text(text: str) -> str:
    """NFC without control or direction-changing characters (they could make a figure read otherwise)."""
    return _INVISIBLE.sub("", unicodedata.normalize("NFC", text)).strip()


def _bullets(claims: tuple[Claim, ...], ordered: bool, depth: int, *, escape: bool) -> list[str]:
    lines = []
    for index, claim in enumerate(claims, start=1):
        mark = f"{index}." if ordered else "-"
        text = " ".join(claim.text.split())
        lines.append(f"{'   ' * depth}{mark} {_escaped(text) if escape else text}")
        lines += _bullets(claim.children, False, depth + 1, escape=escape)
    return lines


def _escaped(text: str) -> str:
    return _MARKDOWN_SPECIAL.sub(r"\\\1", " ".join(text.split()))


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        keep_trailing_newline=False,
    )
