"""Runs one stage: skip when nothing changed, refuse without its inputs, record what came out.

The three launchers (in-process, subprocess, pod) all end here.
"""

from __future__ import annotations

import datetime
import importlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from filelock import FileLock

from components import catalogue
from components.core.errors import BadInputError, ConfigError, NothingToCollectError
from components.core.params import Params, params_sha
from components.core.paths import Workspace
from components.core.progress import Progress, duration
from components.core.provenance import code_sha, cpu_label, git_sha, lock_sha
from components.core.stage_graph import STAGES, Stage
from components.core.stage_graph import stage as stage_named
from components.core.storage import disk_faults_told, sha256_json
from components.stages.contract import Record, StageContext, StageModule
from components.stages.journal import journalled
from components.stages.records import hashed_outputs, outputs_intact, read_record, write_record

DONE, SKIPPED, REFUSED = "done", "skipped", "refused"


@dataclass(frozen=True)
class Request:
    """Which stage, on what; ``attempt`` is the launcher's key, "" for none."""

    stage: str
    model: str | None
    profile: str | None
    workspace: Workspace
    project: Path
    force: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict)
    attempt: str = ""


def run_stage(request: Request) -> Record:
    """Run a stage, or skip it when its key and its outputs are as recorded.

    Returns:
        The record, its state ``done``, ``skipped`` (unchanged) or ``refused`` (promotion without a PASS).

    Raises:
        IrisError: whatever the stage says; nothing is recorded then, and previous outputs stay.
    """
    stage = stage_named(request.stage)
    params = catalogue.load(request.project, request.profile)
    _check_model(stage, request.model)
    with (
        journalled(request.workspace, stage.name, request.model) as attempt,
        disk_faults_told(request.workspace.root),
    ):
        attempt.record = _run_locked(stage, request, params)
    return attempt.record


def _run_locked(stage: Stage, request: Request, params: Params) -> Record:
    progress = Progress(stage.name if request.model is None else f"{request.model}.{stage.name}")
    request.workspace.locks.mkdir(parents=True, exist_ok=True)
    lock = request.workspace.locks / f"{stage.name}.{request.model or 'all'}.lock"
    with FileLock(lock):  # a duplicate pod or a second terminal waits, then finds the work done
        context = _context(stage, request, params, progress)
        key = _key(stage, request, context)
        previous = read_record(request.workspace, stage.name, request.model)
        if previous and _settled(request, previous, key) and _still_true(context, previous):
            progress.say("unchanged, skipped")
            return _skipped(request, previous)
        if stage.only_on_pass and context.upstream["gate"].summary["verdict"] != "PASS":
            verdict = context.upstream["gate"].summary["verdict"]
            progress.say(f"not promoted: the gate says {verdict}")
            return _record(stage, request, context, key, REFUSED, {}, {"verdict": verdict}, 0.0, _now())
        return _execute(stage, request, context, key)


def _execute(stage: Stage, request: Request, context: StageContext, key: str) -> Record:
    context.progress.say(stage.summary)
    started, clock = _now(), time.monotonic()
    module = cast("StageModule", importlib.import_module(f"components.stages.{stage.name}"))
    outcome = module.run(context)
    outputs = hashed_outputs(context.workspace.root, outcome.outputs, stage.name)
    seconds = time.monotonic() - clock
    record = _record(stage, request, context, key, DONE, outputs, dict(outcome.summary), seconds, started)
    context.progress.say(f"done in {duration(seconds)}")
    return record


def _context(stage: Stage, request: Request, params: Params, progress: Progress) -> StageContext:
    version = read_record(request.workspace, "version", None)
    knows_data = stage.name not in {"ingest", "version"}
    view = params.restricted_to(stage.sections, request.model)
    return StageContext(
        stage=stage.name,
        model=request.model,
        profile=params.platform.profile_name,
        params=view,
        workspace=request.workspace,
        project=request.project,
        git_sha=git_sha(request.project),
        params_sha=params_sha(params),
        data_md5=str(version.summary["md5"]) if version and knows_data else "",
        progress=progress,
        upstream=_upstream(stage, request),
        force=request.force,
        extra=request.extra,
    )


def _upstream(stage: Stage, request: Request) -> dict[str, Record]:
    """The records of everything upstream, near and far (``evaluate`` sees ``features`` too).

    A stage over all models (report) sees each model's records as ``<stage>.<model>``; models that did not
    run are absent there, everything else is required.
    """
    records: dict[str, Record] = {}
    for needed in _ancestors(stage):
        collects = needed.per_model and not stage.per_model
        models = catalogue.trainable() if collects else (request.model if needed.per_model else None,)
        for model in models:
            record = read_record(request.workspace, needed.name, model)
            if record:
                records[f"{needed.name}.{model}" if collects else needed.name] = record
            elif not collects:
                raise _missing(stage, request)(
                    who=f"stage {stage.name}" + (f" of {request.model}" if request.model else ""),
                    expected=f"stage {needed.name} to have run in {request.workspace.root}",
                    found="no record of it",
                    action=f"run `python -m components {needed.name}` first, or all with `make demo`",
                )
    return records


def _missing(stage: Stage, request: Request) -> type[ConfigError]:
    """The error about a missing record: a launcher skips a stage that has nothing to collect."""
    collects = not stage.per_model and any(stage_named(needed).per_model for needed in stage.needs)
    nothing = collects and read_record(request.workspace, "validate", None) is None
    return NothingToCollectError if nothing else ConfigError


def _ancestors(stage: Stage) -> list[Stage]:
    wanted: set[str] = set()
    pending = list(stage.needs)
    while pending:
        name = pending.pop()
        if name not in wanted:
            wanted.add(name)
            pending += stage_named(name).needs
    return [s for s in STAGES if s.name in wanted]


def _key(stage: Stage, request: Request, context: StageContext) -> str:
    """Everything that may change the outcome: parameters, code, inputs, the lock, the request itself.

    ``platform`` says where and how patiently a stage runs, which changes nothing of what comes out.
    """
    sections = [section for section in stage.sections if section != "platform"]
    return sha256_json(
        {
            "stage": stage.name,
            "model": request.model,
            "params": params_sha(context.params.restricted_to(sections, request.model)),
            "code": code_sha(stage.rooms, stage.name),
            "lock": lock_sha(request.project),
            "inputs": _input_hashes(context),
            "extra": {name: str(value) for name, value in request.extra.items()},
            "outside": _outside(stage, context),
        }
    )


def _input_hashes(context: StageContext) -> dict[str, str]:
    return {
        f"{stage}.{name}": output["sha256"]
        for stage, record in context.upstream.items()
        for name, output in record.outputs.items()
    }


def _outside(stage: Stage, context: StageContext) -> dict[str, str]:
    """What a stage depends on beyond parameters and upstream outputs, if it says so (``fingerprint``)."""
    module = importlib.import_module(f"components.stages.{stage.name}")
    fingerprint = getattr(module, "fingerprint", None)
    return dict(fingerprint(context)) if fingerprint else {}


def _settled(request: Request, previous: Record, key: str) -> bool:
    """Whether the record answers the request: nothing changed, and ``force`` asks for no more than one run.

    A duplicate pod of an attempt that was forced finds the record of its twin and stops there.
    """
    twin = bool(request.attempt) and previous.attempt == request.attempt
    return previous.key == key and (twin or not request.force)


def _skipped(request: Request, previous: Record) -> Record:
    """The record as this attempt leaves it: an attempt that found the work done has succeeded, too."""
    if request.attempt and previous.attempt != request.attempt:
        previous = replace(previous, attempt=request.attempt)
        write_record(request.workspace, previous)
    return replace(previous, state=SKIPPED)


def _still_true(context: StageContext, previous: Record) -> bool:
    return previous.state == DONE and outputs_intact(context.workspace.root, previous)


def _record(
    stage: Stage,
    request: Request,
    context: StageContext,
    key: str,
    state: str,
    outputs: Mapping[str, Mapping[str, str]],
    summary: Mapping[str, Any],
    seconds: float,
    started: str,
) -> Record:
    record = Record(
        stage=stage.name,
        model=request.model,
        key=key,
        state=state,
        profile=context.profile,
        git_sha=context.git_sha,
        data_md5=context.data_md5 or str(summary.get("md5", "")),
        params_sha=context.params_sha,
        started=started,
        seconds=round(seconds, 3),
        device=str(summary.get("device", cpu_label())),
        inputs=_input_hashes(context),
        outputs=outputs,
        summary=summary,
        attempt=request.attempt,
    )
    write_record(request.workspace, record)
    return record


def _check_model(stage: Stage, model: str | None) -> None:
    if stage.per_model and model is None:
        raise BadInputError(
            who=f"stage {stage.name}",
            expected=f"--model, one of {', '.join(catalogue.trainable())}",
            found="none",
            action="name the model",
        )
    if not stage.per_model and model is not None:
        raise BadInputError(
            who=f"stage {stage.name}",
            expected="no --model: it runs once for all",
            found=model,
            action="leave --model out",
        )
    if model is not None and model not in catalogue.trainable():
        catalogue.spec(model)  # raises with the right explanation, before any network is built


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).astimezone().isoformat(timespec="seconds")
