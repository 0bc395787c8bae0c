"""report: the runs so far → parameter sheet, IRIS note, review page."""

from __future__ import annotations

import datetime
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from components import catalogue
from components.core.metrics import Decision, Evidence
from components.core.ports import DataVersion, MetricPoint, RunSummary, Tracker
from components.core.provenance import lock_sha
from components.core.storage import write_text
from components.reporting.changes import snapshot
from components.reporting.inputs import (
    KST,
    NO_RUN_TIME,
    DataReport,
    Failure,
    ModelReport,
    ReportInputs,
    latest_time,
)
from components.reporting.iris_note import write_note
from components.reporting.parameter_sheet import file_name, write_parameter_sheet
from components.reporting.reading import previous_snapshot, read_sentences, write_snapshot
from components.reporting.review_page import review_page
from components.stages import services
from components.stages.contract import Outcome, Record, StageContext
from components.stages.journal import attempts

_RUN_LIMIT = 200  # rows of the run history that a person still reads
_SNAPSHOTS = "snapshots"


def run(context: StageContext) -> Outcome:
    """Collect, render, write.

    Raises:
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
    }
    note = write_note(
        inputs, datetime.datetime.now(KST).date()
    )  # the lint refuses before anything is written
    page = review_page(inputs)
    write_parameter_sheet(inputs, outputs["xlsx"])
    write_text(outputs["note_html"], note.html + "\n")
    write_text(outputs["note_md"], note.markdown)
    write_text(outputs["note_txt"], note.text)
    write_text(outputs["review"], page)
    write_snapshot(folder / _SNAPSHOTS, snapshot(inputs))
    context.progress.say(f"{len(inputs.models)} models, {len(inputs.runs)} runs → {folder}")
    return Outcome(outputs=outputs, summary={})


def collect(context: StageContext) -> ReportInputs:
    """Everything the reports are made from; nothing else is read afterwards."""
    tracker = services.tracker(context)
    models = tuple(_model(context, tracker, name) for name in catalogue.trainable() if _ran(context, name))
    runs = tuple(tracker.runs(None, _RUN_LIMIT))
    records = tuple(context.upstream.values())
    stamp = _stamp(models, runs, records)
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
        failures=_failures(context, stamp),
    )


def _ran(context: StageContext, model: str) -> bool:
    return f"evaluate.{model}" in context.upstream


def _model(context: StageContext, tracker: Tracker, name: str) -> ModelReport:
    root = context.workspace.root
    records = {
        stage: context.upstream.get(f"{stage}.{name}") for stage in ("train", "evaluate", "gate", "promote")
    }
    evidence = Evidence.model_validate_json(_output(root, records["evaluate"], "evidence").read_bytes())
    gate = records["gate"]
    return ModelReport(
        name=name,
        evidence=evidence,
        decision=Decision.model_validate_json(_output(root, gate, "decision").read_bytes()) if gate else None,
        curves=_curves(tracker, evidence.run_id),
        sentences=read_sentences(_output(root, records["evaluate"], "samples")),
        training=_summary(records["train"]),
        promotion={**_summary(records["promote"]), **_version(gate)},
    )


def _output(root: Path, record: Record | None, name: str) -> Path:
    if record is None:
        raise LookupError(name)
    return record.output(root, name)


def _curves(tracker: Tracker, run_id: str) -> dict[str, tuple[MetricPoint, ...]]:
    return {key: tuple(points) for key, points in tracker.curves(run_id).items()}


def _version(gate: Record | None) -> dict[str, Any]:
    return {"version": gate.summary["version"]} if gate and gate.summary.get("version") else {}


def _summary(record: Record | None) -> Mapping[str, Any]:
    return record.summary if record else {}


def _stamp(
    models: tuple[ModelReport, ...], runs: tuple[RunSummary, ...], records: tuple[Record, ...]
) -> datetime.datetime | None:
    """The latest moment that any of it tells of, so that a second export carries the same time."""
    times = [model.evidence.created for model in models if model.evidence]
    times += [time for run in runs for time in (run.started, run.ended)]
    times += [record.started for record in records]
    return latest_time(times)


def _data(context: StageContext) -> DataReport:
    version, validate = context.upstream.get("version"), context.upstream.get("validate")
    docs = ""
    if validate and "data_docs" in validate.outputs:
        index = validate.output(context.workspace.root, "data_docs") / "index.html"
        docs = Path(os.path.relpath(index, context.workspace.reports)).as_posix()
    return DataReport(
        version=_data_version(version.summary) if version else None,
        address=str(_summary(version).get("address", "")),
        ingest=_summary(context.upstream.get("ingest")),
        validation=_summary(validate),
        data_docs=docs,
    )


def _data_version(summary: Mapping[str, Any]) -> DataVersion:
    return DataVersion(
        md5=str(summary["md5"]),
        files=int(summary["files"]),
        size_bytes=int(summary["size_bytes"]),
        pointer="",
    )


def _failures(context: StageContext, stamp: datetime.datetime | None) -> tuple[Failure, ...]:
    """Failed attempts up to ``stamp``; a later one belongs to the next report."""
    found = attempts(context.workspace, NO_RUN_TIME.isoformat())
    return tuple(
        Failure(attempt.stage, attempt.model, attempt.started, attempt.message)
        for attempt in found
        if attempt.state == "failed" and stamp and datetime.datetime.fromisoformat(attempt.started) <= stamp
    )
