"""The gate's reasons as Korean sentences: from the reason's figures, and a table for its fixed phrases."""

from __future__ import annotations

import csv
import re
from functools import cache
from pathlib import Path
from typing import Any

from components.core.metrics import HIGHER_IS_BETTER, Reason, Verdict
from components.reporting.figures import number_text, with_unit
from components.reporting.names import fact_korean, kpi_title

_TABLE = Path(__file__).with_name("korean_phrases.csv")
_AGAINST = re.compile(r"against champion v(?P<version>\S+): .* at (?P<level>\S+) %, n = (?P<n>\d+), margin")
_BOUND = re.compile(r"its (?P<level>\S+) % bound (?P<bound>[^\s,]+) ")
_PART = re.compile(r"^\w+ \((?P<part>[^)]+)\) ")
_COUNTED = re.compile(r", n = (?P<n>\d+), ")
_PARTS = {"mean of the languages": "언어 평균"}
_RELATIVE: dict[Verdict, str] = {
    "PASS": "열등하지 않음",
    "INCONCLUSIVE": "열등할 수 있음(하한이 허용 폭을 벗어남)",
    "FAIL": "열등함",
}
_ABSOLUTE: dict[Verdict, str] = {
    "PASS": "{level} % 경계 {bound}까지 목표를 만족함",
    "INCONCLUSIVE": "값은 목표를 만족하나 {level} % 경계 {bound}이(가) 만족하지 못함",
    "FAIL": "값이 목표에 미달함",
}


def reason_korean(reason: Reason) -> str:
    """A reason in Korean; a phrase that the table does not know stays as the gate wrote it."""
    if reason.value is None or reason.target is None or reason.margin is None:
        return phrase_korean(reason.text.removeprefix(f"{reason.kpi}: "))
    against = _AGAINST.search(reason.text)
    if against and reason.low is not None and reason.high is not None:
        interval = f"{against['level']} % 구간 {reason.low:+.4g} – {reason.high:+.4g}, n={against['n']}"
        gain, allowed = f"{reason.value:+.4g} ({interval})", f"허용 폭 {-reason.target:.4g}"
        words = f"{_RELATIVE[reason.verdict]}{_wanting(reason)}"
        return f"챔피언 v{against['version']} 대비 이득 {gain}, {allowed}: {words}"
    return _against_target(reason, reason.value, reason.target, reason.margin)


def phrase_korean(text: str) -> str:
    """A fixed phrase of evaluation or gate in Korean; several joined by ``; `` one by one."""
    for pattern, korean in _phrases():
        found = pattern.fullmatch(text)
        if found:
            parts = {name: phrase_korean(value) for name, value in found.groupdict().items()}
            return korean.format(**parts)
    first, separator, rest = text.partition("; ")
    return f"{phrase_korean(first)}; {phrase_korean(rest)}" if separator else text


def told_korean(value: Any) -> Any:
    """A state by its name, a sentence phrase by phrase; what is no text stays."""
    if not isinstance(value, str):
        return value
    return phrase_korean(value) if " " in value else fact_korean(value)


def _against_target(reason: Reason, value: float, target: float, margin: float) -> str:
    unit = kpi_title(reason.kpi).unit
    bar = f"목표 {with_unit(target, unit)} {'이상' if HIGHER_IS_BETTER.get(reason.kpi, True) else '이하'}"
    distance = f"{number_text(abs(margin), unit)} {'여유' if margin >= 0 else '부족'}"
    if reason.low is None or reason.high is None:
        part = _PART.match(reason.text)
        label = f"{_PARTS.get(part['part'], part['part'])} " if part else ""
        return f"{label}{with_unit(value, unit)}, {bar}: {distance}{_after(reason.text)}"
    counted = _COUNTED.search(reason.text)
    sentences = f", n={counted['n']}" if counted else ""
    interval = f"95 % 구간 {number_text(reason.low, unit)}–{number_text(reason.high, unit)}{sentences}"
    bound = _BOUND.search(reason.text)
    if bound or reason.verdict == "FAIL":
        said = _ABSOLUTE[reason.verdict].format(**(bound.groupdict() if bound else {}))
        words = f"{said}, {distance}{_wanting(reason)}"
    else:
        words = _objections(reason.text)
    return f"{with_unit(value, unit)} ({interval}), {bar}: {words}"


def _wanting(reason: Reason) -> str:
    """What an open comparison would take."""
    if reason.verdict != "INCONCLUSIVE":
        return ""
    if reason.sentences_needed is None:
        return "; 기준에 너무 가까워 문장 수를 늘려도 판정할 수 없음"
    return f"; 판정하려면 문장 약 {reason.sentences_needed}개 필요"


def _objections(text: str) -> str:
    """What stands after the bar: ``…, target ≤ 500 ms: 53 sentences scored, at least 60 count``."""
    return phrase_korean(text.partition(", target ")[2].partition(": ")[2] or text)


def _after(text: str) -> str:
    """A restriction behind a language's figure, with its separator."""
    rest = text.partition("; ")[2]
    return f"; {phrase_korean(rest)}" if rest else ""


@cache
def _phrases() -> tuple[tuple[re.Pattern[str], str], ...]:
    with _TABLE.open(encoding="utf-8", newline="") as file:
        return tuple((re.compile(row["english"]), row["korean"]) for row in csv.DictReader(file))
