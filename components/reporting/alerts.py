"""What somebody has to look at: a figure that fell, a verdict that was not reached, data that moved.

Nothing is judged here a second time: verdicts are the gate's, drift is the drift stage's. Only the fall of a
figure is found here, by the margin that ``kpi`` gives it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from components.core.drift import ModelDrift, Shift
from components.core.metrics import HIGHER_IS_BETTER, Metric
from components.reporting.figures import number_text, with_unit
from components.reporting.inputs import ModelReport, ReportInputs
from components.reporting.korean import phrase_korean
from components.reporting.names import kpi_title, model_title

AlertKind = Literal["regression", "missed", "inconclusive", "drift"]
KIND_TITLES: dict[AlertKind, str] = {
    "regression": "성능 하락",
    "missed": "목표 미달",
    "inconclusive": "판정불가",
    "drift": "데이터 변화",
}
PROPERTY_TITLES = {
    "duration_s": ("발화 길이", "duration (s)"),
    "f0_hz": ("기본 주파수(f0)", "f0 (Hz)"),
    "snr_db": ("신호 대 잡음비(추정)", "SNR estimate (dB)"),
    "languages": ("언어 구성", "language mix"),
}
_RESULTS = {"measured", "certified"}


@dataclass(frozen=True)
class Alert:
    """One thing to look at, in Korean and English."""

    kind: AlertKind
    model: str
    ko: str
    en: str

    @property
    def line(self) -> str:
        """``[성능 하락] FastPitch (음성 합성): …``: for a log or a message."""
        return f"[{KIND_TITLES[self.kind]}] {model_title(self.model)}: {self.ko} / {self.en}"


def alerts(inputs: ReportInputs) -> tuple[Alert, ...]:
    """Every alert, model by model; the same inputs give the same."""
    found: list[Alert] = []
    for report in inputs.models:
        found += _regressions(inputs, report)
        found += _verdict(report)
    for drift in inputs.drift:
        found += _moved(drift)
    return tuple(found)


def _regressions(inputs: ReportInputs, report: ModelReport) -> Iterable[Alert]:
    evidence = report.evidence
    if evidence is None:
        return
    earlier = inputs.previous.figures if inputs.previous else {}
    for name in inputs.params.kpi.gated.of(report.name):
        now = evidence.metric(name)
        if now is None or now.evidence not in _RESULTS:
            continue
        last = earlier.get(f"{report.name}.{name}")
        if last is not None:
            yield from _fall(inputs, report.name, now, last, "지난 보고", "the last report")
        champion = report.champion.metric(name) if report.champion else None
        if champion is not None and champion.evidence in _RESULTS and report.decision:
            version = f"v{report.decision.champion_version}"
            yield from _fall(
                inputs, report.name, now, champion.value, f"챔피언 {version}", f"champion {version}"
            )


def _fall(
    inputs: ReportInputs, model: str, now: Metric, before: float, since_ko: str, since_en: str
) -> Iterable[Alert]:
    margin = inputs.params.kpi.margin(now.name, now.ceiling)
    loss = (before - now.value) * (1 if HIGHER_IS_BETTER[now.name] else -1)
    if margin is None or loss <= margin:
        return
    title, values = kpi_title(now.name), f"{number_text(before, now.unit)} → {with_unit(now.value, now.unit)}"
    limit = number_text(margin, now.unit)
    yield Alert(
        "regression",
        model,
        f"{title.ko} {values}, {since_ko}보다 나빠짐(허용 {limit})",
        f"{title.en} {values}, worse than {since_en} by more than {limit}",
    )


def _verdict(report: ModelReport) -> Iterable[Alert]:
    decision = report.decision
    if decision is None or decision.verdict == "PASS":
        return
    names = dict.fromkeys(reason.kpi for reason in decision.reasons if reason.verdict == decision.verdict)
    titles = [kpi_title(name) for name in names]
    ko, en = ", ".join(title.ko for title in titles), ", ".join(title.en for title in titles)
    missed = decision.verdict == "FAIL"
    yield Alert(
        "missed" if missed else "inconclusive",
        report.name,
        f"게이트 판정 {'미달' if missed else '판정불가'}: {ko} (범위 {decision.scope})",
        f"verdict {decision.verdict}: {en} (scope {decision.scope})",
    )


def _moved(drift: ModelDrift) -> Iterable[Alert]:
    against = f"v{drift.champion_version}"
    for shift in drift.drifted:
        ko, en = PROPERTY_TITLES[shift.name]
        moved = f"{shift.before} → {shift.after} ({statistic_text(shift)})"
        yield Alert(
            "drift",
            drift.model,
            f"챔피언 {against}의 데이터와 다름: {ko} {moved}",
            f"data differ from those of champion {against}: {en} {moved}",
        )
    if drift.reason and drift.champion_data_md5:
        told_ko = f"챔피언 {against}의 데이터와 비교하지 못함: {phrase_korean(drift.reason)}"
        yield Alert("drift", drift.model, told_ko, f"not compared with champion {against}: {drift.reason}")


def statistic_text(shift: Shift) -> str:
    """``D 0.31 ≥ 0.2, p 0.001`` or ``PSI 0.05 < 0.2``; empty where nothing was compared."""
    if shift.distance is None:
        return ""
    name = "PSI" if shift.p_value is None else "D"
    chance = "" if shift.p_value is None else f", p {shift.p_value:.2g}"
    sign = "≥" if shift.distance >= shift.limit else "<"
    return f"{name} {shift.distance:.2f} {sign} {shift.limit:g}{chance}"
