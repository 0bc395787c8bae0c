"""The KPI table, made once and printed by the sheet, the note and the review page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from components.core.metrics import HIGHER_IS_BETTER, Decision, EvaluatorClass, Metric
from components.core.params.kpi import KpiParams
from components.reporting.figures import Expected, Measured, Result, Target, Unmeasured
from components.reporting.inputs import ModelReport, ReportInputs
from components.reporting.korean import phrase_korean
from components.reporting.names import KpiTitle, kpi_titles

Judgement = Literal["달성", "미달", "미측정", "판정불가", "대상 아님"]
_JUDGEMENT_EN: dict[Judgement, str] = {
    "달성": "met",
    "미달": "missed",
    "미측정": "not measured",
    "판정불가": "inconclusive",
    "대상 아님": "not gated",
}
_JUDGES_KO: dict[EvaluatorClass, str] = {"reference": "기준 평가기", "proxy": "대리 평가기"}
_WORST_FIRST: tuple[tuple[str, Judgement], ...] = (
    ("FAIL", "미달"),
    ("INCONCLUSIVE", "판정불가"),
    ("PASS", "달성"),
)


@dataclass(frozen=True)
class KpiRow:
    """One KPI of one model, or (``model`` None) of the project as the research log states it."""

    title: KpiTitle
    model: str | None
    gated: bool
    target: Target | None
    expected: Expected | None
    result: Result
    judgement: Judgement
    scope: str

    @property
    def higher_is_better(self) -> bool:
        """Direction of the KPI."""
        return HIGHER_IS_BETTER[self.title.name]

    @property
    def metric(self) -> Metric | None:
        """The measured record, for interval, ceiling, floor and circumstances."""
        return self.result.metric if isinstance(self.result, Measured) else None

    @property
    def verdict_text(self) -> str:
        """``달성 (laptop 범위)``: a verdict holds in its scope, a laptop's is none about an A100."""
        return f"{self.judgement} ({self.scope} 범위)" if self._judged else self.judgement

    @property
    def verdict_text_en(self) -> str:
        """The same in English."""
        word = _JUDGEMENT_EN[self.judgement]
        return f"{word} (scope {self.scope})" if self._judged else word

    @property
    def _judged(self) -> bool:
        return self.judgement in {"달성", "미달"}

    @property
    def conditions(self) -> str:
        """측정조건: device, precision, batch, sentences, evaluator, scope."""
        metric = self.metric
        if metric is None:
            return ""
        return (
            f"장치 {metric.device} · {metric.dtype} · 배치 {metric.batch} · {metric.n}건 · "
            f"평가기 {_evaluator_korean(metric)} · 범위 {self.scope}"
        )

    @property
    def conditions_en(self) -> str:
        """The same in English."""
        metric = self.metric
        if metric is None:
            return ""
        return (
            f"device {metric.device} · {metric.dtype} · batch {metric.batch} · n = {metric.n} · "
            f"evaluator {_evaluator(metric)} · scope {self.scope}"
        )


def _evaluator(metric: Metric) -> str:
    judge = metric.evaluator
    return f"{judge.id} {judge.version} ({judge.kind})".replace("  ", " ")


def _evaluator_korean(metric: Metric) -> str:
    judge = metric.evaluator
    return f"{phrase_korean(f'{judge.id} {judge.version}'.strip())} ({_JUDGES_KO[judge.kind]})"


def project_rows(inputs: ReportInputs) -> tuple[KpiRow, ...]:
    """Targets and expectations of the project; measured figures stand in the models' rows."""
    kpi = inputs.params.kpi
    expected: dict[str, Expected] = {row.name: Expected.of_log(row) for row in kpi.expected}
    rows = []
    for title in kpi_titles():
        target = kpi.target(title.name)
        if target is None and title.name not in expected:
            continue
        rows.append(
            KpiRow(
                title=title,
                model=None,
                gated=target is not None,
                target=None if target is None else Target(target, title.unit),
                expected=expected.get(title.name),
                result=Unmeasured(
                    "과제 전체로는 측정하지 않음, 모델별 행 참조", "not measured as a whole, see the models"
                ),
                judgement="미측정",
                scope=inputs.params.evaluation.scope,
            )
        )
    return tuple(rows)


def model_rows(inputs: ReportInputs, model: str) -> tuple[KpiRow, ...]:
    """A model's KPIs: those that gate it, whatever else was scored, and figures beside them that were not."""
    report = inputs.model(model)
    unscored = {missing.name for missing in report.evidence.not_measured} if report.evidence else set()
    gated = inputs.params.kpi.gated.of(model)
    rows = [_row(inputs, report, title, title.name in gated) for title in kpi_titles()]
    return tuple(
        row
        for row in rows
        if row.gated or row.metric or row.expected or (row.title.beside and row.title.name in unscored)
    )


def all_rows(inputs: ReportInputs) -> tuple[KpiRow, ...]:
    """The project's rows, then each model's."""
    return project_rows(inputs) + tuple(
        row for name in inputs.base.models for row in model_rows(inputs, name)
    )


def _row(inputs: ReportInputs, report: ModelReport, title: KpiTitle, gated: bool) -> KpiRow:
    metric = report.evidence.metric(title.name) if report.evidence else None
    result, expected = _result(report, title.name, metric)
    return KpiRow(
        title=title,
        model=report.name,
        gated=gated,
        target=target_of(inputs.params.kpi, title, metric) if gated else None,
        expected=expected,
        result=result,
        judgement=_judgement(report.decision, title.name, result) if gated else "대상 아님",
        scope=report.decision.scope if report.decision else inputs.params.evaluation.scope,
    )


def _result(report: ModelReport, name: str, metric: Metric | None) -> tuple[Result, Expected | None]:
    if metric is None:
        if report.evidence is None:
            return Unmeasured("실행 기록 없음", "no run"), None
        reason = report.evidence.reason_missing(name)
        return Unmeasured(phrase_korean(reason), reason), None
    if metric.evidence in {"measured", "certified"}:
        return Measured(metric), None
    only = f"{metric.evidence} figure only, see the expected column"
    expected = Expected.of_metric(metric)
    return Unmeasured(f"{expected.kind_ko} 값만 있음, 예상 열 참조", only), expected


def target_of(kpi: KpiParams, title: KpiTitle, metric: Metric | None) -> Target | None:
    """The target of a KPI; lip sync's is a share of the real clips' score, known once that was measured."""
    fixed = kpi.target(title.name)
    if fixed is not None:
        return Target(fixed, title.unit)
    if title.name == "lse_c" and metric is not None and metric.ceiling is not None:
        return Target(kpi.lip_sync.target_share_of_real * metric.ceiling, title.unit)
    return None


def _judgement(decision: Decision | None, name: str, result: Result) -> Judgement:
    """The gate's word, never a comparison of our own: the gate knows device, evidence and sample size."""
    if isinstance(result, Unmeasured):
        return "미측정"
    verdicts = {reason.verdict for reason in decision.reasons if reason.kpi == name} if decision else set()
    return next((word for verdict, word in _WORST_FIRST if verdict in verdicts), "판정불가")
