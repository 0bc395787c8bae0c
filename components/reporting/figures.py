"""Figures and their status. A report prints no bare number: it prints one of these.

The measured (실적) column takes a `Result`, and a `Measured` cannot be built from a figure that was only
expected or simulated: the types refuse it before running, the constructor refuses it at run time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from components.core.errors import ReportRefusedError
from components.core.metrics import Metric
from components.core.params.kpi import ExpectedValue


class Status(StrEnum):
    """What kind of figure it is, in the words of the Korean forms."""

    TARGET = "목표"
    EXPECTED = "예상"
    MEASURED = "자체측정"
    CERTIFIED = "공인시험"
    UNMEASURED = "미측정"


STATUS_EN: dict[Status, str] = {
    Status.TARGET: "target",
    Status.EXPECTED: "expected",
    Status.MEASURED: "measured",
    Status.CERTIFIED: "certified",
    Status.UNMEASURED: "not measured",
}
_RESULT_STATUS = {"measured": Status.MEASURED, "certified": Status.CERTIFIED}
_UNMEASURED_KO = {"simulated": "모의", "expected": "예상"}


@dataclass(frozen=True)
class Target:
    """A figure that was promised."""

    value: float
    unit: str
    status: Status = Status.TARGET


@dataclass(frozen=True)
class Expected:
    """A figure that somebody expects: simulated, or written down without a measurement.

    ``note`` says on what it rests, in Korean; ``note_en`` the same in English.
    """

    value: float
    before: float | None
    unit: str
    note: str
    note_en: str = ""
    kind_ko: str = "예상"
    status: Status = Status.EXPECTED

    @classmethod
    def of_log(cls, expected: ExpectedValue) -> Expected:
        """The research log's expectation."""
        note = expected.note
        return cls(expected.value, expected.before, expected.unit, note.ko, note.en)

    @classmethod
    def of_metric(cls, metric: Metric) -> Expected:
        """A simulated or expected record among the evidence.

        Raises:
            ReportRefusedError: it was measured; hiding a result is no better than inventing one.
        """
        if metric.evidence in _RESULT_STATUS:
            raise _refused(metric, "a simulated or expected record", "print it in the measured column")
        kind = _UNMEASURED_KO.get(metric.evidence, metric.evidence)
        english = f"{metric.evidence}, {metric.device}"
        return cls(metric.value, None, metric.unit, f"{kind}, {metric.device}", english, kind)


@dataclass(frozen=True)
class Measured:
    """A figure that a run measured, or a laboratory certified.

    Raises:
        ReportRefusedError: the record is simulated or expected, not finite, or names no run.
    """

    metric: Metric

    def __post_init__(self) -> None:
        if self.metric.evidence not in _RESULT_STATUS:
            raise _refused(self.metric, "measured or certified evidence", "print it in the expected column")
        if not math.isfinite(self.metric.value):
            raise _refused(self.metric, "a finite value", "report the KPI as not measured, with its reason")
        if not self.metric.run_id:
            raise _refused(
                self.metric, "the id of the run that measured it", "evaluate again with tracking on"
            )

    @property
    def value(self) -> float:
        """The measured value in ``unit``."""
        return self.metric.value

    @property
    def unit(self) -> str:
        """Unit; "1" for a dimensionless figure."""
        return self.metric.unit

    @property
    def status(self) -> Status:
        """자체측정 or 공인시험."""
        return _RESULT_STATUS[self.metric.evidence]


@dataclass(frozen=True)
class Unmeasured:
    """No figure, and why: in Korean for the forms, in English for the page's other view."""

    reason: str
    english: str
    status: Status = Status.UNMEASURED


Result = Measured | Unmeasured


def result_value(result: Result) -> float | None:
    """What the measured column prints: the value, or None for 미측정.

    Raises:
        ReportRefusedError: anything else was smuggled past the type checker.
    """
    if isinstance(result, Measured):
        return result.value
    if isinstance(result, Unmeasured):
        return None
    raise ReportRefusedError(
        who="measured (실적) column",
        expected="Measured or Unmeasured",
        found=f"{type(result).__name__}",
        action="an expected figure stands in the expected (예상) column, nowhere else",
    )


def number_text(value: float, unit: str) -> str:
    """``0.87``, ``360``, ``1.25``: enough digits to tell, none to impress (unit "1" is a ratio)."""
    if unit == "1":
        return f"{value:.3f}".rstrip("0").rstrip(".") if value else "0"
    if abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.2f}".rstrip("0").rstrip(".")


def unit_word(unit: str) -> str:
    """A unit in a heading: a dimensionless figure is called so."""
    return "무차원" if unit == "1" else unit


def with_unit(value: float, unit: str) -> str:
    """``360 ms``; a dimensionless figure says so, because a bare 0.87 may be anything."""
    return f"{number_text(value, unit)} {'(무차원)' if unit == '1' else unit}"


def _refused(metric: Metric, expected: str, action: str) -> ReportRefusedError:
    return ReportRefusedError(
        who=f"report: {metric.name}",
        expected=expected,
        found=f"evidence={metric.evidence}, value={metric.value}, run={metric.run_id or 'none'}",
        action=action,
    )
