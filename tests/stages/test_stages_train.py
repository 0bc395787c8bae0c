"""The train stage with a tiny network, a real MLflow store and a registry that is asked."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import signal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import tiny_tasks
from safetensors.torch import load_file

from components import catalogue
from components.core.errors import ConfigError, StoppedError, TrackingUnavailableError
from components.core.params import Params
from components.core.paths import Workspace, project_root
from components.core.ports import ModelVersion
from components.core.progress import Progress
from components.core.stage_graph import stage
from components.core.storage import sha256_path
from components.nn.contracts import TrainingTask
from components.stages import services, train
from components.stages.contract import Outcome, Record, StageContext
from components.stages.features import MADE_WITH, require_same_networks


class TinySpec:
    """Hands out the tiny regression; a warm start in a folder named "misfit" is refused."""

    def __init__(self) -> None:
        self.warm_starts: list[Path | None] = []
        self.stop_at: int | None = None
        self.tasks: list[TrainingTask] = []

    def training_task(self, section: Any, features: Path, seed: int, warm_start: Path | None) -> TrainingTask:
        self.warm_starts.append(warm_start)
        if warm_start is not None and warm_start.name == "misfit":
            raise ConfigError(who="warm start", expected="width 8", found="width 9", action="none")
        task = tiny_tasks.regression()
        if self.stop_at is not None:
            step = self.stop_at

            def hook(module: Any, inputs: tuple[Any, ...]) -> None:
                if inputs[2] == step and module.training:
                    os.kill(os.getpid(), signal.SIGTERM)

            task.network.register_forward_pre_hook(hook)
        self.tasks.append(task)
        return task


class Registry:
    def __init__(self, champion: Path | None) -> None:
        self.champion, self.asked = champion, ""

    def by_alias(self, model: str, alias: str) -> ModelVersion | None:
        self.asked = alias
        return ModelVersion(model, "7", "r", "s", {}) if self.champion else None

    def weights(self, version: ModelVersion) -> Path:
        assert self.champion is not None
        return self.champion


@pytest.fixture
def spec(monkeypatch: pytest.MonkeyPatch) -> TinySpec:
    tiny = TinySpec()
    monkeypatch.setattr(catalogue, "spec", lambda name: tiny)
    monkeypatch.setattr(services, "registry", lambda context: Registry(None))
    return tiny


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One MLflow store for the module: creating one takes seconds."""
    return tmp_path_factory.mktemp("store")


@pytest.fixture
def context(tmp_path: Path, store: Path, monkeypatch: pytest.MonkeyPatch) -> StageContext:
    made = context_in(tmp_path / "작업")
    monkeypatch.setattr(
        services, "tracker", lambda ctx: services.tracker_of(_mlflow(ctx), Workspace.embedded(store))
    )
    return made


def _mlflow(context: StageContext) -> Any:
    return context.params.platform.mlflow.model_copy(update={"flush_interval_s": 0.05})


def context_in(root: Path) -> StageContext:
    workspace = Workspace.embedded(root)
    pointer, docs, features = root / "data.dvc", root / "docs", root / "features"
    docs.mkdir(parents=True)
    features.mkdir()
    pointer.write_text("outs: []", encoding="utf-8")
    (docs / "index.html").write_text("<p>", encoding="utf-8")
    upstream = {
        "version": record("version", {"pointer": pointer}, {"md5": "d41d.dir", "address": "s3://b/d41d"}),
        "validate": record("validate", {"data_docs": docs}, {}),
        "features": record("features", {"store": features}, {}),
    }
    params = with_warm_start(catalogue.load(project_root(), "ci"))
    return StageContext(
        stage="train",
        model="fastpitch",
        profile="ci",
        params=params.restricted_to(stage("train").sections, "fastpitch"),
        workspace=workspace,
        project=project_without_weights(workspace.root / "project"),
        git_sha="abc",
        params_sha="p",
        data_md5="d41d.dir",
        progress=Progress("train", io.StringIO()),
        upstream=upstream,
    )


def with_warm_start(params: Params) -> Params:
    """The parameters, FastPitch beginning from a champion or from pretrained/ where there is one."""
    section = params.models["fastpitch"]
    training = section.training.model_copy(update={"warm_start": True})
    models = {**params.models, "fastpitch": section.model_copy(update={"training": training})}
    return params.model_copy(update={"models": models})


def project_without_weights(folder: Path) -> Path:
    """The project's parameters alone: the repository ships weights in ``pretrained/``."""
    folder.mkdir(parents=True)
    (folder / "params.yaml").symlink_to(project_root() / "params.yaml")
    (folder / "profiles").symlink_to(project_root() / "profiles")
    return folder


def record(name: str, outputs: dict[str, Path], summary: dict[str, Any]) -> Record:
    hashed = {key: {"path": path.name, "sha256": f"{key}-sha"} for key, path in outputs.items()}
    return Record(name, None, "k", "done", "ci", "abc", "d", "p", "", 1.0, "cpu", {}, hashed, summary)


def said(context: StageContext) -> str:
    assert isinstance(context.progress.stream, io.StringIO)
    return context.progress.stream.getvalue()


def test_a_run_leaves_model_curves_and_a_tracked_run(context: StageContext, spec: TinySpec) -> None:
    outcome = train.run(context)
    assert set(outcome.outputs) == {"delivered", "curves"}
    assert all(path.is_relative_to(context.workspace.root) for path in outcome.outputs.values())
    assert (outcome.outputs["delivered"] / "model.json").is_file()
    curves = json.loads(outcome.outputs["curves"].read_text(encoding="utf-8"))
    assert curves["train/all/total"]["steps"] == list(range(1, 13))
    assert outcome.summary["steps"] == 12
    assert outcome.summary["warm_start"] == "from scratch"
    assert outcome.summary["device"].startswith(("cpu: ", "NVIDIA"))
    json.dumps(outcome.summary, allow_nan=False)

    tracker = services.tracker(context)
    run_id = outcome.summary["run_id"]
    (tracked,) = [run for run in tracker.runs("fastpitch", 50) if run.run_id == run_id]
    assert tracked.status == "FINISHED"
    assert tracked.tags["data_md5"] == "d41d.dir"
    assert tracked.tags["params_sha"] == "p"
    assert tracked.tags["evidence_device"] == outcome.summary["device"]
    assert tracked.params["models.fastpitch.training.batch_size"] == "4"
    assert not any("dvc" in name or "platform" in name for name in tracked.params)
    points = tracker.curves(run_id)["train/all/total"]
    assert [p.value for p in points] == curves["train/all/total"]["values"]


def test_an_interrupted_attempt_goes_on_in_the_same_run(
    context: StageContext, spec: TinySpec, tmp_path: Path
) -> None:
    spec.stop_at = 6
    with pytest.raises(StoppedError):
        train.run(context)
    (run_file,) = context.workspace.training.rglob("run.json")
    run_id = json.loads(run_file.read_text(encoding="utf-8"))["run_id"]
    killed = [run for run in services.tracker(context).runs("fastpitch", 50) if run.run_id == run_id]
    assert killed[0].status in {"KILLED", "RUNNING"}
    (run_file.parent / ".run.json.killed.tmp").touch()
    (run_file.parent / ".delivered.killed.tmp").mkdir()
    spec.stop_at = None
    resumed = train.run(dataclasses.replace(context, force=True))
    assert resumed.summary["resumed_from"] == 7
    assert resumed.summary["run_id"] == run_id
    assert not list(run_file.parent.glob(".*.tmp"))
    whole = train.run(context_in(tmp_path / "whole"))
    assert same_weights(resumed, whole)
    curve = services.tracker(context).curves(run_id)["train/all/total"]
    assert [point.step for point in curve] == list(range(1, 13))


def same_weights(one: Outcome, other: Outcome) -> bool:
    return one.summary["checkpoint_sha256"] == other.summary["checkpoint_sha256"]


def test_a_finished_attempt_is_reused_unless_forced(context: StageContext, spec: TinySpec) -> None:
    first = train.run(context)
    assert train.run(context).summary["resumed_from"] == 12
    forced = train.run(dataclasses.replace(context, force=True))
    assert forced.summary["resumed_from"] is None
    assert same_weights(first, forced)


def test_other_finished_runs_give_up_their_checkpoints_only(context: StageContext, spec: TinySpec) -> None:
    train.run(context)
    other = train.run(dataclasses.replace(context, data_md5="another.dir"))
    folders = {
        p.parent: (p.parent / "checkpoints").exists()
        for p in context.workspace.training.rglob("finished.json")
    }
    assert sorted(folders.values()) == [False, True]
    assert folders[other.outputs["delivered"].parent]
    assert all(load_file(folder / "delivered" / "model.safetensors") for folder in folders)


def test_the_champion_comes_first_and_a_misfit_is_named(
    context: StageContext, spec: TinySpec, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    champion = tmp_path / "champion"
    champion.mkdir()
    (champion / "model.safetensors").write_bytes(b"x")
    registry = Registry(champion)
    monkeypatch.setattr(services, "registry", lambda ctx: registry)
    assert train.run(context).summary["warm_start"] == "from champion_laptop (version 7)"
    assert registry.asked == "champion_laptop"
    assert spec.warm_starts == [champion]

    registry.champion = champion.rename(tmp_path / "misfit")
    project = project_without_weights(tmp_path / "with weights")
    (project / "pretrained" / "fastpitch").mkdir(parents=True)
    (project / "pretrained" / "fastpitch" / "model.safetensors").write_bytes(b"y")
    elsewhere = dataclasses.replace(context, project=project)
    assert train.run(elsewhere).summary["warm_start"] == "from pretrained weights"
    assert "not started from the champion: warm start: expected width 8" in said(context)
    assert set(train.fingerprint(elsewhere)) == {"pretrained"}


def test_an_unreachable_registry_costs_the_warm_start_only(
    context: StageContext, spec: TinySpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    def by_alias(model: str, alias: str) -> None:
        raise TrackingUnavailableError(who="registry", expected="an answer", found="none", action="wait")

    monkeypatch.setattr(services, "registry", lambda ctx: SimpleNamespace(by_alias=by_alias))
    assert train.run(context).summary["warm_start"] == "from scratch"
    assert "not started from the champion" in said(context)


def test_training_is_kept_when_no_run_can_be_created(
    context: StageContext, spec: TinySpec, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    alive = services.tracker
    dead = _mlflow(context).model_copy(update={"tracking_uri": "http://127.0.0.1:9", "request_timeout_s": 1})
    spools = Workspace.embedded(tmp_path / "spools")
    monkeypatch.setattr(services, "tracker", lambda ctx: services.tracker_of(dead, spools))
    with pytest.raises(TrackingUnavailableError):
        train.run(context)
    assert "training goes on without the tracking server" in said(context)
    assert len(spec.tasks[-1].network.batches) > 0
    monkeypatch.setattr(services, "tracker", alive)
    assert train.run(context).summary["resumed_from"] == 12
    assert spec.tasks[-1].network.batches == []


def test_features_of_other_auxiliary_networks_are_refused(tmp_path: Path) -> None:
    context = context_in(tmp_path)
    rvc = catalogue.load(project_root(), "ci").restricted_to(stage("train").sections, "rvc")
    content = context.project / "pretrained" / "content"
    content.mkdir(parents=True)
    (content / "model.safetensors").write_bytes(b"now")
    for made_with, fits in (
        ({"content": sha256_path(content)}, True),
        ({"content": "f" * 64}, False),
        ({}, False),
    ):
        features = dataclasses.replace(context.upstream["features"], summary={MADE_WITH: made_with})
        asked = dataclasses.replace(
            context, model="rvc", params=rvc, upstream={**context.upstream, "features": features}
        )
        if fits:
            require_same_networks(asked)
            continue
        with pytest.raises(ConfigError, match="made with the content of pretrained/"):
            train.run(asked)
