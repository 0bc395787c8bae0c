"""KPI figures of runs in the tracking store: results only where the run says that it measured them."""

from __future__ import annotations

from dataclasses import dataclass

from components.core.ports import RunSummary
from components.reporting.inputs import ReportInputs
from components.reporting.names import kpi_titles

_RESULT = {"measured", "certified"}


@dataclass(frozen=True)
class RunFigures:
    """A run and the KPIs that it measured, by name; what was only expected or simulated is not in here."""

    run: RunSummary
    model: str
    results: dict[str, float]
    verdict: str


def run_figures(inputs: ReportInputs) -> tuple[RunFigures, ...]:
    """Every run, oldest first."""
    runs = sorted(inputs.runs, key=lambda run: (run.started, run.run_id))
    return tuple(_figures(inputs, run) for run in runs)


def _figures(inputs: ReportInputs, run: RunSummary) -> RunFigures:
    model = run.tags.get("model", "")
    report = inputs.model(model)
    evidence = report.evidence if report.evidence and report.evidence.run_id == run.run_id else None
    decision = report.decision if report.decision and report.decision.run_id == run.run_id else None
    results = {}
    for title in kpi_titles():
        metric = evidence.metric(title.name) if evidence else None
        if metric is not None:
            if metric.evidence in _RESULT:
                results[title.name] = metric.value
        elif title.name in run.metrics and _says_measured(run, title.name):
            results[title.name] = run.metrics[title.name]
    verdict = decision.verdict if decision else run.tags.get("verdict", "")
    return RunFigures(run, model, results, verdict)


def _says_measured(run: RunSummary, name: str) -> bool:
    """Evaluation tags each KPI ``evaluation.<kpi>.evidence`` = ``measured on <device>, <dtype>``."""
    return run.tags.get(f"evaluation.{name}.evidence", "").split(" ", 1)[0] in _RESULT
