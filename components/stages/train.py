"""features → the delivered model: warm start, tracked run, the loop, and what reports need to know."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components import catalogue
from components.core.errors import BadInputError, StoppedError, TrackingUnavailableError
from components.core.params import outcome_sha
from components.core.ports import TrackedRun
from components.core.stop import Stopped
from components.core.storage import clear_half_written, sha256_json, sha256_path, write_json
from components.stages import consents, followers, services
from components.stages.contract import Outcome, StageContext
from components.stages.expert import expert_of, taught
from components.stages.features import require_same_networks
from components.stages.shipped import shipped

if TYPE_CHECKING:
    from components.nn.contracts import TrainingTask
    from components.training.result import TrainingResult

_FINISHED, _RUN, _CURVES = "finished.json", "run.json", "curves.json"
#: Sections that explain a model; `platform` says where it ran and may hold addresses.
_LOGGED_SECTIONS = ("seed", "audio", "data", "models")


@dataclass(frozen=True)
class WarmStart:
    """Where the first weights come from: ``champion``, ``pretrained`` or ``scratch``."""

    kind: str
    label: str
    folder: Path | None


def fingerprint(context: StageContext) -> Mapping[str, str]:
    """The committed warm start is an input. The champion is not: a new one alone is no reason to train.

    A consent that has ended since is one: what was trained before is then not taken for done.
    """
    pretrained = shipped(context.project) / str(context.model)
    own = {"pretrained": sha256_path(pretrained)} if pretrained.is_dir() else {}
    return {**own, **consents.fingerprint(context)}


def run(context: StageContext) -> Outcome:
    """Train the context's model, or go on with an attempt that was interrupted.

    Raises:
        ConsentError: a speaker in the features does not allow it today.
        ConfigError: the features were made with other auxiliary networks than those that are shipped now.
        StoppedError: SIGTERM or SIGINT; a checkpoint is written and the next call goes on from it.
        TrainingDivergedError: no finite loss, also after rolling back once.
        TrackingUnavailableError: trained, but no run could be created for it; the next call only reports.
    """
    from components.nn.device import best_device
    from components.training.device import device_label
    from components.training.loop import train

    require_same_networks(context)
    consents.require(context)
    warm_start, task = _task(context)
    folder = context.workspace.training / str(context.model) / _attempt(context, task, warm_start)
    _make_room(context, folder)
    device = best_device()
    context.progress.say(f"on {device_label(device)}, {warm_start.label}, precision {task.recipe.precision}")
    tracked = _tracked(context, folder, warm_start, device_label(device))
    try:
        features = context.input("features", "store")
        plan = followers.Plan(features, warm_start.folder, folder, expert_of(context))
        peers = followers.lead(context.params, plan)
        result = train(task, folder, device, context.progress, tracked.log_points, peers=peers)
        curves = _write_curves(folder, result)
        _log_artefacts(context, tracked, result, curves)
    except BaseException as error:
        killed = isinstance(error, StoppedError | KeyboardInterrupt | Stopped)
        tracked.finish("KILLED" if killed else "FAILED")
        raise
    tracked.finish("FINISHED")
    summary = _summary(tracked.run_id, result, warm_start)
    write_json(folder / _FINISHED, summary)
    return Outcome(outputs={"delivered": result.delivered, "curves": curves}, summary=summary)


def _task(context: StageContext) -> tuple[WarmStart, TrainingTask]:
    """The task on the best warm start that fits this network; one that does not fit is named and left."""
    spec = taught(str(context.model), expert_of(context))
    features, seed = context.input("features", "store"), context.params.seed
    for start in _warm_starts(context):
        try:
            return start, spec.training_task(context.section, features, seed, start.folder)
        except BadInputError as error:
            if start.folder is None:
                raise
            context.progress.say(f"not started from the {start.kind}: {error}")
    raise LookupError("_warm_starts always ends with scratch")


def _warm_starts(context: StageContext) -> Iterator[WarmStart]:
    if getattr(context.section.training, "warm_start", False):
        champion = _champion(context)
        if champion is not None:
            yield champion
        pretrained = shipped(context.project) / str(context.model)
        if (pretrained / "model.safetensors").is_file():
            yield WarmStart("pretrained", "from pretrained weights", pretrained)
    yield WarmStart("scratch", "from scratch", None)


def _champion(context: StageContext) -> WarmStart | None:
    """The champion of this profile's scope; a registry that does not answer costs the warm start only."""
    alias = f"champion_{_scope(context)}"
    registry = services.registry(context)
    try:
        version = registry.by_alias(str(context.model), alias)
        if version is None:
            return None
        return WarmStart("champion", f"from {alias} (version {version.version})", registry.weights(version))
    except (TrackingUnavailableError, BadInputError) as error:
        context.progress.say(f"not started from the champion: {error}")
        return None


def _scope(context: StageContext) -> str:
    """Read apart from the granted sections: it names an alias and must not retrain when it changes."""
    overlay = context.project / "profiles" / f"{context.profile}.yaml"
    return catalogue.load(context.project, context.profile if overlay.is_file() else None).evaluation.scope


def _attempt(context: StageContext, task: TrainingTask, warm_start: WarmStart) -> str:
    """Names the folder of a run: the same inputs find their interrupted attempt again."""
    inputs = {
        "params": outcome_sha(context.params),
        "data": context.data_md5,
        "features": context.upstream["features"].outputs["store"]["sha256"],
        "identity": dict(task.identity),
        "warm_start": sha256_path(warm_start.folder) if warm_start.folder else "",
    }
    return sha256_json(inputs)[:16]


def _make_room(context: StageContext, folder: Path) -> None:
    """Start over where that is wanted; drop what was left half written, and checkpoints of finished runs."""
    if context.force and (folder / _FINISHED).is_file():
        shutil.rmtree(folder)
    clear_half_written(folder)
    for other in folder.parent.glob(f"*/{_FINISHED}"):
        if other.parent != folder:
            shutil.rmtree(other.parent / "checkpoints", ignore_errors=True)


def _tracked(context: StageContext, folder: Path, warm_start: WarmStart, device: str) -> TrackedRun:
    """The run of this attempt: the one it began with, if it began before."""
    tags = {
        "model": str(context.model),
        "stage": context.stage,
        "profile": context.profile,
        "data_md5": context.data_md5,
        "git_sha": context.git_sha,
        "params_sha": context.params_sha,
        "evidence_device": device,
        "warm_start": warm_start.label,
        "attempt": folder.name,
    }
    tracker = services.tracker(context)
    known = folder / _RUN
    if known.is_file():
        tracked = tracker.open_run(_read_run_id(known))
        tracked.set_tags(tags)
    else:
        tracked = tracker.start_run(f"{context.model} {context.profile} {folder.name[:6]}", tags)
        tracked.log_params(dict(_flat(_logged(context))))
    try:
        write_json(known, {"run_id": tracked.run_id})
    except TrackingUnavailableError as error:
        context.progress.say(f"training goes on without the tracking server: {error}")
    _log_data(context, tracked)
    return tracked


def _log_data(context: StageContext, tracked: TrackedRun) -> None:
    """Link the data version, so that any past run's data can be restored from the run alone."""
    version = context.upstream["version"]
    address = str(version.summary.get("address", ""))
    tracked.log_dataset("data", address, context.data_md5, "training")
    tracked.log_file(context.input("version", "pointer"), "data")
    docs = context.input("validate", "data_docs")
    tracked.log_folder(docs, "data_docs")
    tracked.set_tags({"data_docs": docs.relative_to(context.workspace.root).as_posix()})


def _log_artefacts(context: StageContext, tracked: TrackedRun, result: TrainingResult, curves: Path) -> None:
    from components.training.history import points_now

    memory = {
        f"memory/{name}": value for name, value in asdict(result.peak_memory).items() if value is not None
    }
    tracked.log_points(points_now(result.steps, {**memory, "cpu_seconds": result.cpu_seconds}))
    tracked.log_file(curves, "curves")
    context.progress.say(
        f"{result.steps} steps, {result.cpu_seconds:.0f} CPU seconds, ended by {result.ended_by}"
    )


def _write_curves(folder: Path, result: TrainingResult) -> Path:
    """``{key: {"steps": […], "values": […]}}``."""
    from components.training.history import read_points

    curves: dict[str, dict[str, list[float]]] = {}
    for point in read_points(result.history):
        curve = curves.setdefault(point.key, {"steps": [], "values": []})
        curve["steps"].append(point.step)
        curve["values"].append(point.value)
    path = folder / _CURVES
    write_json(path, curves)
    return path


def _summary(run_id: str, result: TrainingResult, warm_start: WarmStart) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "steps": result.steps,
        "resumed_from": result.resumed_from,
        "ended_by": result.ended_by,
        "seconds": round(result.seconds, 3),
        "cpu_seconds": round(result.cpu_seconds, 3),
        "losses": dict(result.losses),
        "skipped_steps": result.skipped_steps,
        "rollbacks": result.rollbacks,
        "micro_batch": result.micro_batch,
        "warm_start": warm_start.label,
        "warm_start_sha256": _weights_sha256(warm_start.folder),
        "parameters": result.parameters,
        "processes": result.processes,
        "peak_memory": asdict(result.peak_memory),
        "device": result.device,
        "checkpoint_sha256": sha256_path(result.delivered / "model.safetensors"),
    }


def _logged(context: StageContext) -> dict[str, Any]:
    values = context.params.model_dump(mode="json", include=set(_LOGGED_SECTIONS))
    values["data"].pop("dvc")  # a remote's address may hold credentials
    values["models"] = {context.model: values["models"][context.model]}
    return values


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", str(value)


def _read_run_id(path: Path) -> str:
    return str(json.loads(path.read_text(encoding="utf-8"))["run_id"])


def _weights_sha256(folder: Path | None) -> str:
    return sha256_path(folder / "model.safetensors") if folder else ""
