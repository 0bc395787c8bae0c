"""The gate's reasons as Korean sentences: from the reason's figures, and a table for its fixed phrases."""

from __future__ import annotations

import csv
import re
from functools import cache
from pathlib import Path

from components.core.metrics import HIGHER_IS_BETTER, Reason, Verdict
from components.reporting.figures import number_text, with_unit
from components.reporting.names import kpi_title

_TABLE = Path(__file__).with_name("korean_phrases.csv")
_AGAINST = re.compile(r"against champion v(?P<version>\S+): .* n = (?P<n>\d+), margin")
_PART = re.compile(r"^\w+ \((?P<part>[^)]+)\) ")
_COUNTED = re.compile(r", n = (?P<n>\d+), ")
_PARTS = {"mean of the languages": "언어 평균"}
_RELATIVE: dict[Verdict, str] = {
    "PASS": "열등하지 않음",
    "INCONCLUSIVE": "열등할 수 있음(95 % 하한이 허용 폭을 벗어남)",
    "FAIL": "열등함",
}
_ABSOLUTE: dict[Verdict, str] = {
    "PASS": "95 % 구간 전체가 목표를 만족함",
    "INCONCLUSIVE": "값은 목표를 만족하나 95 % 구간의 경계가 만족하지 못함",
    "FAIL": "값이 목표에 미달함",
}
_BOUND_ONLY = "the value meets it, its 95 % bound does not"


def reason_korean(reason: Reason) -> str:
    """A reason in Korean; a phrase that the table does not know stays as the gate wrote it."""
    if reason.value is None or reason.target is None or reason.margin is None:
        return phrase_korean(reason.text.removeprefix(f"{reason.kpi}: "))
    against = _AGAINST.search(reason.text)
    if against and reason.low is not None and reason.high is not None:
        gain = f"{reason.value:+.4g} (95 % 구간 {reason.low:+.4g} – {reason.high:+.4g}, n={against['n']})"
        allowed = f"허용 폭 {-reason.target:.4g}"
        return f"챔피언 v{against['version']} 대비 이득 {gain}, {allowed}: {_RELATIVE[reason.verdict]}"
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
    judged = reason.verdict != "INCONCLUSIVE" or _BOUND_ONLY in reason.text
    words = f"{_ABSOLUTE[reason.verdict]}, {distance}" if judged else _objections(reason.text)
    return f"{with_unit(value, unit)} ({interval}), {bar}: {words}"


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
