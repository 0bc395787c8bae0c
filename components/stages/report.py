"""report: the runs so far → parameter sheet, IRIS note, review page."""

from __future__ import annotations

import datetime
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from components import catalogue
from components.core.drift import ModelDrift
from components.core.errors import BadInputError
from components.core.metrics import Decision, Evidence
from components.core.ports import DataVersion, MetricPoint, RunSummary, Tracker
from components.core.provenance import lock_sha
from components.core.spending import Spent
from components.core.storage import sha256_json, sha256_path, write_json, write_text
from components.reporting.alerts import alerts
from components.reporting.changes import snapshot
from components.reporting.inputs import (
    KST,
    NO_RUN_TIME,
    DataReport,
    Failure,
    ModelReport,
    RejectedRows,
    ReportInputs,
    latest_time,
)
from components.reporting.iris_note import write_note
from components.reporting.listening_results import MOS
from components.reporting.parameter_sheet import file_name, write_parameter_sheet
from components.reporting.reading import (
    previous_snapshot,
    read_drift,
    read_rejected,
    read_sentences,
    read_stored,
    write_snapshot,
)
from components.reporting.review_page import review_page
from components.stages import services
from components.stages.bill import log_bills
from components.stages.contract import Outcome, Record, StageContext
from components.stages.journal import KILLED, attempts
from components.stages.records import read_record
from components.stages.spent import run_spending

#: Verdicts of this stage: whether there is something that somebody has to look at.
ALERT, QUIET = "ALERT", "QUIET"
_RUN_LIMIT = 200  # rows of the run history that a person still reads
_SNAPSHOTS = "snapshots"


def run(context: StageContext) -> Outcome:
    """Collect, render, write.

    Raises:
        CorruptFileError: evidence, verdict or a list that a stage left cannot be read; it is named.
        ReportRefusedError: a figure without a run, or an expected one as a result; nothing is written.
        TrackingUnavailableError: the tracking store does not answer.
    """
    inputs = collect(context)
    folder = context.workspace.reports
    outputs = {
        "xlsx": folder / file_name(inputs),
        "note_html": folder / "iris_note.html",
        "note_md": folder / "iris_note.md",
        "note_txt": folder / "iris_note.txt",
        "review": folder / "review.html",
        "alerts": folder / "alerts.json",
    }
    found = alerts(inputs)
    note = write_note(
        inputs, datetime.datetime.now(KST).date()
    )  # the lint refuses before anything is written
    page = review_page(inputs)
    write_parameter_sheet(inputs, outputs["xlsx"])
    write_text(outputs["note_html"], note.html + "\n")
    write_text(outputs["note_md"], note.markdown)
    write_text(outputs["note_txt"], note.text)
    write_text(outputs["review"], page)
    write_json(outputs["alerts"], [asdict(alert) for alert in found])
    write_snapshot(folder / _SNAPSHOTS, snapshot(inputs))
    for alert in found:
        context.progress.say(alert.line)
    context.progress.say(f"{len(inputs.models)} models, {len(inputs.runs)} runs → {folder}")
    return Outcome(outputs=outputs, summary={"verdict": ALERT if found else QUIET})


def fingerprint(context: StageContext) -> Mapping[str, str]:
    """A failed or killed attempt alone makes a new report; skipped, done and refused ones do not.

    Nor does a look at the data that found what the last one found. A listening test that was read does.
    """
    asked = context.workspace.listening
    return {
        "failures": sha256_json([asdict(failure) for failure in _failures(context)]),
        "drift": sha256_json([asdict(one) for one in _drift(context)]),
        **({"listening": sha256_path(asked)} if asked.is_dir() else {}),
    }


def collect(context: StageContext) -> ReportInputs:
    """Everything the reports are made from; nothing else is read afterwards."""
    tracker = services.tracker(context)
    spending = _spending(context)
    log_bills(tracker, context, spending)  # before the runs are read: a second report then reads the same
    models = tuple(_model(context, tracker, name) for name in catalogue.trainable() if _ran(context, name))
    runs = tuple(tracker.runs(None, _RUN_LIMIT))
    records = tuple(context.upstream.values())
    failures = _failures(context)
    stamp = _stamp(models, runs, records, failures)
    return ReportInputs(
        params=context.params,
        base=catalogue.load(context.project, None),
        models=models,
        runs=runs,
        data=_data(context),
        records=records,
        git_sha=context.git_sha,
        lock_sha=lock_sha(context.project),
        stamp=stamp,
        previous=previous_snapshot(
            context.workspace.reports / _SNAPSHOTS,
            (stamp or NO_RUN_TIME).astimezone(datetime.UTC).isoformat(),
        ),
        failures=failures,
        spending=spending,
        drift=_drift(context),
    )


def _drift(context: StageContext) -> tuple[ModelDrift, ...]:
    """What the drift stage found out about this very data version; nothing where it has not looked."""
    record = read_record(context.workspace, "drift", None)
    if record is None or record.data_md5 != context.data_md5:
        return ()
    return read_drift(record.output(context.workspace.root, "drift"))


def _ran(context: StageContext, model: str) -> bool:
    return f"evaluate.{model}" in context.upstream


def _model(context: StageContext, tracker: Tracker, name: str) -> ModelReport:
    root = context.workspace.root
    records = {
        stage: context.upstream.get(f"{stage}.{name}") for stage in ("train", "evaluate", "gate", "promote")
    }
    evidence = read_stored(_output(root, records["evaluate"], "evidence"), Evidence, "evaluate")
    gate = records["gate"]
    decision = _decision(context, gate, evidence) if gate else None
    return ModelReport(
        name=name,
        evidence=_with_opinion(context, name, gate, evidence),
        decision=decision,
        curves=_curves(tracker, evidence.run_id),
        sentences=read_sentences(_output(root, records["evaluate"], "samples")),
        training=_summary(records["train"]),
        promotion={**_promotion(records["promote"], gate), **_version(gate)},
        champion=_champion(context, name, decision),
    )


def _with_opinion(context: StageContext, model: str, gate: Record | None, evidence: Evidence) -> Evidence:
    """The evidence with what listeners said of this version since: that lies in the registry alone."""
    kept = _registered(context, model, str(gate.summary.get("version") or "")) if gate else None
    opinion = kept.metric(MOS) if kept and kept.run_id == evidence.run_id else None
    if opinion is None:
        return evidence
    missing = tuple(one for one in evidence.not_measured if one.name != MOS)
    metrics = (*(one for one in evidence.metrics if one.name != MOS), opinion)
    return evidence.model_copy(update={"metrics": metrics, "not_measured": missing})


def _decision(context: StageContext, gate: Record, evidence: Evidence) -> Decision | None:
    """The verdict on this very evidence; one on an earlier evaluation is none on this one."""
    path = gate.output(context.workspace.root, "decision")
    decision = read_stored(path, Decision, "gate")
    if decision.evidence_sha256 == sha256_json(evidence.model_dump(mode="json")):
        return decision
    context.progress.say(f"{evidence.model} was evaluated after its verdict; run gate, until then: none")
    return None


def _champion(context: StageContext, model: str, decision: Decision | None) -> Evidence | None:
    """What was found about the version that the candidate was judged against, None where nothing is left."""
    return _registered(context, model, (decision.champion_version if decision else None) or "")


def _registered(context: StageContext, model: str, number: str) -> Evidence | None:
    if not number:
        return None
    registry = services.registry(context)
    try:
        version = registry.by_version(model, number)
    except BadInputError:  # somebody deleted it since; the verdict still stands
        return None
    return registry.evidence_of(version)


def _output(root: Path, record: Record | None, name: str) -> Path:
    if record is None:
        raise LookupError(name)
    return record.output(root, name)


def _curves(tracker: Tracker, run_id: str) -> dict[str, tuple[MetricPoint, ...]]:
    return {key: tuple(points) for key, points in tracker.curves(run_id).items()}


def _version(gate: Record | None) -> dict[str, Any]:
    return {"version": gate.summary["version"]} if gate and gate.summary.get("version") else {}


def _promotion(promote: Record | None, gate: Record | None) -> Mapping[str, Any]:
    """What became of this very verdict: where no promotion was tried, an earlier one's record lies there."""
    if promote is None or gate is None:
        return {}
    judged = gate.outputs["decision"]["sha256"]
    return promote.summary if promote.inputs.get("gate.decision") == judged else {}


def _summary(record: Record | None) -> Mapping[str, Any]:
    return record.summary if record else {}


def _stamp(
    models: tuple[ModelReport, ...],
    runs: tuple[RunSummary, ...],
    records: tuple[Record, ...],
    failures: tuple[Failure, ...],
) -> datetime.datetime | None:
    """The latest moment that any of it tells of, so that a second export carries the same time.

    A refused promotion is written anew by every unchanged run, so its time tells of nothing.
    """
    times = [model.evidence.created for model in models if model.evidence]
    times += [time for run in runs for time in (run.started, run.ended)]
    times += [record.started for record in records if record.state != "refused"]
    times += [failure.started for failure in failures]
    return latest_time(times)


def _data(context: StageContext) -> DataReport:
    version, validate = context.upstream.get("version"), context.upstream.get("validate")
    docs = ""
    if validate and "data_docs" in validate.outputs:
        index = validate.output(context.workspace.root, "data_docs") / "index.html"
        docs = Path(os.path.relpath(index, context.workspace.reports)).as_posix()
    ingest = context.upstream.get("ingest")
    listed = ingest is not None and "rejected" in ingest.outputs
    return DataReport(
        version=_data_version(version.summary) if version else None,
        address=str(_summary(version).get("address", "")),
        ingest=_summary(ingest),
        validation=_summary(validate),
        data_docs=docs,
        rejected=read_rejected(context.input("ingest", "rejected")) if listed else RejectedRows(),
    )


def _data_version(summary: Mapping[str, Any]) -> DataVersion:
    return DataVersion(
        md5=str(summary["md5"]),
        files=int(summary["files"]),
        size_bytes=int(summary["size_bytes"]),
        pointer="",
    )


def _failures(context: StageContext) -> tuple[Failure, ...]:
    return tuple(
        Failure(attempt.stage, attempt.model, attempt.started, attempt.message)
        for attempt in attempts(context.workspace, NO_RUN_TIME.isoformat())
        if attempt.state in {"failed", KILLED}
    )


def _spending(context: StageContext) -> tuple[Spent, ...]:
    return run_spending(attempts(context.workspace, NO_RUN_TIME.isoformat()), context.profile)
