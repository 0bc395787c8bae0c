"""Runs one stage: skip when nothing changed, refuse without its inputs, record what came out.

The three launchers (in-process, subprocess, pod) all end here.
"""

from __future__ import annotations

import datetime
import importlib
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from filelock import FileLock, Timeout

from components import catalogue
from components.core.errors import BadInputError
from components.core.heartbeat import Heartbeat, Patience
from components.core.params import Params, outcome_sha, params_sha
from components.core.paths import Workspace
from components.core.progress import Progress, duration
from components.core.provenance import code_sha, cpu_label, git_sha, lock_sha
from components.core.stage_graph import Stage
from components.core.stage_graph import stage as stage_named
from components.core.stop import stop_if_asked
from components.core.storage import disk_faults_told, sha256_json
from components.stages.contract import Record, StageContext, StageModule
from components.stages.corpus_at_hand import corpus_at_hand
from components.stages.journal import journalled
from components.stages.records import hashed_outputs, outputs_intact, read_record, write_record
from components.stages.serving import require_served
from components.stages.upstream import upstream_records

DONE, SKIPPED, REFUSED = "done", "skipped", "refused"
_SECONDS_PER_MINUTE = 60


@dataclass(frozen=True)
class Request:
    """Which stage, on what.

    ``attempt`` is the launcher's key, "" for none. ``alone`` says that this process runs nothing else: only
    then may a hang end it.
    """

    stage: str
    model: str | None
    profile: str | None
    workspace: Workspace
    project: Path
    force: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict)
    attempt: str = ""
    alone: bool = False


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
    require_served(request.project, params, stage, request.model)
    heart = _heart(stage, request)
    told = params.platform.heartbeat
    patience = Patience(told.hang_after_min * _SECONDS_PER_MINUTE, told.alive_cpu_share)
    profile = params.platform.profile_name
    with (
        disk_faults_told(request.workspace.root),
        journalled(request.workspace, stage.name, request.model, profile, told.interval_s) as attempt,
        disk_faults_told(request.workspace.root),
        heart.watched(told.interval_s, patience) if request.alone else nullcontext(),
    ):
        attempt.record = _run_locked(stage, request, params, heart)
    return attempt.record


def _heart(stage: Stage, request: Request) -> Heartbeat:
    name = ".".join(part for part in (stage.name, request.model) if part)
    told = {"stage": stage.name, "model": request.model, "attempt": request.attempt}
    return Heartbeat(request.workspace.heartbeats / f"{name}.json", told)


@contextmanager
def _lock(path: Path, progress: Progress, interval_s: float) -> Iterator[None]:
    """A duplicate pod or a second terminal waits, then finds the work done; waiting is no hang."""
    lock = FileLock(path)
    while True:
        try:
            lock.acquire(timeout=interval_s)
            break
        except Timeout:
            progress.pulse.beat("waiting for another attempt")
    try:
        yield
    finally:
        lock.release()


def context_of(request: Request) -> StageContext:
    """What the stage of a request would get, for work that is done ahead of it.

    Raises:
        ConfigError: something it needs has not run.
    """
    stage = stage_named(request.stage)
    _check_model(stage, request.model)
    progress = Progress(f"{request.model}.{stage.name}")
    return _context(stage, request, catalogue.load(request.project, request.profile), progress)


def _run_locked(stage: Stage, request: Request, params: Params, heart: Heartbeat) -> Record:
    label = stage.name if request.model is None else f"{request.model}.{stage.name}"
    progress = Progress(label, pulse=heart)
    request.workspace.locks.mkdir(parents=True, exist_ok=True)
    lock = request.workspace.locks / f"{stage.name}.{request.model or 'all'}.lock"
    waiting = _lock(lock, progress, params.platform.heartbeat.interval_s)
    with waiting, corpus_at_hand(stage, _context(stage, request, params, progress)) as context:
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
    stop_if_asked()
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
        upstream=upstream_records(stage, request.workspace, request.model),
        force=request.force,
        extra=request.extra,
    )


def _key(stage: Stage, request: Request, context: StageContext) -> str:
    """Everything that may change the outcome: parameters, code, inputs, the lock, the request itself."""
    return sha256_json(
        {
            "stage": stage.name,
            "model": request.model,
            "params": outcome_sha(context.params),
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
    if model is None:
        return
    if model not in catalogue.trainable():
        catalogue.spec(model)  # raises with the right explanation, before any network is built
    if not stage.belongs_to(catalogue.further_stages()[model]):
        raise BadInputError(
            who=f"stage {stage.name}",
            expected="a model that has it",
            found=model,
            action="leave it out: this model does not learn from another network",
        )


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).astimezone().isoformat(timespec="seconds")
