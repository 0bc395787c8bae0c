"""What differs: between the previous report and this one, and between the two latest runs of a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from components.core.ports import RunSummary
from components.reporting.definitions import flat_values
from components.reporting.inputs import ReportInputs, Snapshot


@dataclass(frozen=True)
class Change:
    """One value, before and after; None where it did not exist."""

    path: str
    before: Any
    after: Any


def snapshot(inputs: ReportInputs) -> Snapshot:
    """What the next report will compare itself with."""
    return Snapshot(
        stamp=inputs.file_time.isoformat(),
        definitions=flat_values(inputs.base.models),
        data_md5=inputs.data.version.md5 if inputs.data.version else "",
        git_sha=inputs.git_sha,
        figures=_figures(inputs),
        verdicts={model.name: model.decision.verdict for model in inputs.models if model.decision},
    )


def figures_since_previous(inputs: ReportInputs) -> tuple[Change, ...]:
    """``<model>.<kpi>`` and ``<model>.verdict`` that differ from the previous report, or are new or gone."""
    if inputs.previous is None:
        return ()
    now = snapshot(inputs)
    before = {f"{model}.verdict": verdict for model, verdict in inputs.previous.verdicts.items()}
    after = {f"{model}.verdict": verdict for model, verdict in now.verdicts.items()}
    return differences({**inputs.previous.figures, **before}, {**now.figures, **after})


def _figures(inputs: ReportInputs) -> dict[str, float]:
    """Results only; an expected figure never becomes the past of a measured one."""
    return {
        f"{model.name}.{metric.name}": metric.value
        for model in inputs.models
        if model.evidence
        for metric in model.evidence.metrics
        if metric.evidence in {"measured", "certified"}
    }


def changes_since_previous(inputs: ReportInputs) -> tuple[Change, ...]:
    """Definitions and data that differ from the previous report; nothing for a first one."""
    if inputs.previous is None:
        return ()
    now = snapshot(inputs)
    before = {**inputs.previous.definitions, "data.md5": inputs.previous.data_md5}
    return differences(before, {**now.definitions, "data.md5": now.data_md5})


def changes_between_runs(
    inputs: ReportInputs, model: str
) -> tuple[tuple[str, str], tuple[Change, ...]] | None:
    """The ids of a model's two latest runs (older first) and the parameters in which they differ."""
    runs = model_runs(inputs, model)
    if len(runs) < 2:
        return None
    older, newer = runs[-2], runs[-1]
    return (older.run_id, newer.run_id), differences(older.params, newer.params)


def model_runs(inputs: ReportInputs, model: str) -> tuple[RunSummary, ...]:
    """A model's runs, oldest first."""
    mine = [run for run in inputs.runs if run.tags.get("model") == model]
    return tuple(sorted(mine, key=lambda run: (run.started, run.run_id)))


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Change, ...]:
    """Only what differs, by path."""
    paths = sorted({*before, *after})
    return tuple(
        Change(path, before.get(path), after.get(path))
        for path in paths
        if before.get(path) != after.get(path)
    )
