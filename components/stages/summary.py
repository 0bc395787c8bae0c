"""The machine-readable end of an embedded run (``summary.json``) and the same told to a person."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from components.core.metrics import Decision, Evidence
from components.core.params import Params
from components.core.paths import Workspace
from components.core.stage_graph import STAGES
from components.reporting.korean import reason_korean
from components.reporting.names import kpi_title
from components.stages.gate import sentences_needed
from components.stages.journal import Attempt
from components.stages.records import read_record

_MARKS = {"PASS": "✔", "FAIL": "✘", "INCONCLUSIVE": "?"}


def summarise(
    workspace: Workspace,
    params: Params,
    attempts: Sequence[Attempt],
    models: Sequence[str],
    seconds: float,
    setup_seconds: float,
) -> dict[str, Any]:
    """The contract of ``summary.json``.

    ``orchestration_share`` is the part of the wall time that no stage was running: Airflow, imports, tables.
    """
    version = read_record(workspace, "version", None)
    in_stages = sum(attempt.seconds for attempt in attempts)
    return {
        "seconds": round(seconds, 1),
        "setup_seconds": setup_seconds,
        "orchestration_share": round(max(0.0, 1 - in_stages / seconds), 4),
        "data_md5": version.summary["md5"] if version else "",
        "stages": [_stage_entry(attempt) for attempt in _in_order(attempts)],
        "models": {model: _model_entry(workspace, params, model) for model in models},
        "reports": _reports(workspace),
    }


def _in_order(attempts: Sequence[Attempt]) -> list[Attempt]:
    order = {stage.name: index for index, stage in enumerate(STAGES)}
    return sorted(attempts, key=lambda a: (order.get(a.stage, len(order)), a.model or ""))


def _stage_entry(attempt: Attempt) -> dict[str, Any]:
    return {
        "name": attempt.stage,
        "model": attempt.model,
        "seconds": attempt.seconds,
        "state": attempt.state,
        "skipped": attempt.state in {"skipped", "refused"},
        "message": attempt.message,
    }


def _model_entry(workspace: Workspace, params: Params, model: str) -> dict[str, Any]:
    gate, evaluation = read_record(workspace, "gate", model), read_record(workspace, "evaluate", model)
    if gate is None or evaluation is None:
        reason = "the run did not reach the gate; see the failed stage"
        nothing: dict[str, Any] = {
            "reasons_ko": [],
            "sentences_needed": {},
            "run_id": None,
            "version": None,
            "kpis": {},
        }
        return {"verdict": None, "reasons": [reason], **nothing}
    decision = Decision.model_validate_json(gate.output(workspace.root, "decision").read_bytes())
    evidence = Evidence.model_validate_json(evaluation.output(workspace.root, "evidence").read_bytes())
    return {
        "verdict": decision.verdict,
        "reasons": [reason.text for reason in decision.reasons],
        "reasons_ko": [f"{kpi_title(one.kpi).ko}: {reason_korean(one)}" for one in decision.reasons],
        "sentences_needed": sentences_needed(decision),
        "run_id": evidence.run_id,
        "version": gate.summary.get("version"),
        "kpis": _kpis(params, evidence),
    }


def _kpis(params: Params, evidence: Evidence) -> dict[str, dict[str, Any]]:
    kpis: dict[str, dict[str, Any]] = {
        metric.name: {
            "value": metric.value,
            "low": metric.low,
            "high": metric.high,
            "n": metric.n,
            "unit": metric.unit,
            "evidence": metric.evidence,
            "device": metric.device,
            "target": params.kpi.target(metric.name),
            "ceiling": metric.ceiling,
            "floor": metric.floor,
        }
        for metric in evidence.metrics
    }
    nothing = dict.fromkeys(("value", "low", "high", "unit", "evidence", "device", "ceiling", "floor"))
    for missing in evidence.not_measured:
        target = params.kpi.target(missing.name)
        kpis[missing.name] = {**nothing, "n": 0, "target": target, "reason": missing.reason}
    return kpis


def _reports(workspace: Workspace) -> dict[str, str]:
    record = read_record(workspace, "report", None)
    if record is None:
        return {}
    wanted = {name: name for name in ("xlsx", "note_html", "note_md", "review")}
    return {key: str(record.output(workspace.root, name)) for key, name in wanted.items()}


def load(workspace: Workspace) -> dict[str, Any]:
    """The summary of the last embedded run."""
    values: dict[str, Any] = json.loads((workspace.root / "summary.json").read_text(encoding="utf-8"))
    return values


def reality(summary: Mapping[str, Any]) -> str:
    """One line: what these figures show and what they do not."""
    devices = sorted(
        {k["device"] for m in summary["models"].values() for k in m["kpis"].values() if k["device"]}
    )
    return (
        "What this shows: the whole path runs and the models learn, on mostly synthetic speech (espeak-ng), "
        f"measured on {', '.join(devices) or 'this machine'}. "
        "What it does not show: quality on Korean speakers, or latency on an A100. "
        "(합성 음성·노트북 측정값이며, 한국어 화자 품질이나 A100 지연을 보여 주지 않습니다.)"
    )


def view(summary: Mapping[str, Any]) -> Group:
    """What a person sees at the end: reality, KPI tables, verdicts with reasons, report paths."""
    models = [part for model, entry in summary["models"].items() for part in _model_view(model, entry)]
    failed = [
        Text(f"✘ {stage['name']} {stage['model'] or ''} failed: {stage['message']}", style="red")
        for stage in summary["stages"]
        if stage["state"] == "failed"
    ]
    reports = [Text(f"{name:<10} {path}") for name, path in summary["reports"].items()]
    return Group(Text(reality(summary), style="italic"), *models, *failed, Text(""), *reports)


def _model_view(model: str, entry: Mapping[str, Any]) -> list[RenderableType]:
    table = Table(title=model, title_justify="left", box=box.SIMPLE_HEAD, collapse_padding=True)
    for column in ("KPI", "value", "95 %", "n", "target", "ceiling / floor", "evidence"):
        table.add_column(column, justify="left" if column in {"KPI", "evidence"} else "right", no_wrap=True)
    absent = []
    for name, kpi in sorted(entry["kpis"].items(), key=lambda item: item[1]["target"] is None):
        if kpi["value"] is None:
            absent.append(Text(f"    not measured: {name} ({kpi.get('reason', '')})"))
        else:
            table.add_row(name, *_cells(kpi))
    verdict = entry["verdict"] or "no verdict"
    reasons = [Text(f"    {reason}") for reason in entry["reasons"]]
    said = Text(f"{_MARKS.get(verdict, '✘')} {model}: {verdict}", style="bold")
    return [table, *absent, said, *reasons]


def _cells(kpi: Mapping[str, Any]) -> list[str]:
    unit = "" if kpi["unit"] == "1" else kpi["unit"]
    bounds = [kpi["ceiling"], kpi["floor"]]
    return [
        f"{_number(kpi['value'])} {unit}".strip(),
        f"{_number(kpi['low'])} – {_number(kpi['high'])}",
        str(kpi["n"]),
        _number(kpi["target"]),
        "–" if bounds == [None, None] else " / ".join(map(_number, bounds)),
        kpi["evidence"],
    ]


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.0f}"
