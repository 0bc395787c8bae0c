"""The DAG is wiring: every stage once, every model its group, and none of the defaults that bite."""

from __future__ import annotations

import functools
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from several_gpus import spread

from components import catalogue
from components.core.paths import project_root
from components.core.retraining import owners, tasks
from components.core.stage_graph import STAGES, stage

ROOT = project_root()
MODULES = (
    "retrain", "ingest_recordings", "demo_video", "_settings", "_stage", "_launching", "_cluster", "_pod",
    "_job", "_shards", "_shard_pod",
)  # fmt: skip


def _forget() -> None:
    for name in MODULES:
        sys.modules.pop(name, None)


@pytest.fixture
def laptop(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The DAG files parsed under the laptop profile."""
    monkeypatch.setenv("IRIS_PROFILE", "laptop")
    _forget()
    yield
    _forget()


@pytest.fixture
def retrain(laptop: None) -> Any:
    import retrain as module

    return module.DAG


def test_parsing_loads_no_heavy_library_and_is_quick_beside_airflow_itself() -> None:
    program = (
        "import sys, time; sys.path.insert(0, 'dags')\n"
        "import airflow.sdk, airflow.exceptions\n"
        "before = time.process_time()\n"
        "import retrain, ingest_recordings, demo_video\n"
        "print(time.process_time() - before)\n"
        "print([m for m in ('torch', 'mlflow', 'great_expectations') if m in sys.modules])\n"
    )
    environment = {"IRIS_PROFILE": "laptop", "PATH": "/usr/bin:/bin", "AIRFLOW_HOME": _home()}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, env=environment
    )
    seconds, modules = done.stdout.split("\n")[:2]
    assert modules == "[]", done.stderr
    assert float(seconds) < 2.0, "CPU seconds, not wall: the budget of a DAG parse"


def _home() -> str:
    import os

    return os.environ["AIRFLOW_HOME"]


def test_stages_run_once_or_once_a_model(retrain: Any) -> None:
    expected = {s.name for s in STAGES if not s.per_model} | {
        f"{model}.{s.name}"
        for s in STAGES
        if s.per_model
        for model in owners(s, catalogue.trainable(), catalogue.further_stages())
    }
    assert set(retrain.task_ids) == expected | {"watch"}


def test_the_edges_are_the_stage_graph(retrain: Any) -> None:
    for model in catalogue.trainable():
        assert retrain.get_task(f"{model}.features").upstream_task_ids == {"validate"}
        further = [f"{model}.{name}" for name in catalogue.further_stages()[model]]
        assert retrain.get_task(f"{model}.train").upstream_task_ids == {
            f"{model}.features",
            f"{model}.adopt",
            *further,
        }
        assert {f"{model}.gate", f"{model}.promote"} <= retrain.get_task("report").upstream_task_ids
    for one in tasks(catalogue.trainable(), catalogue.further_stages()):
        assert retrain.get_task(one.name).upstream_task_ids == set(one.needs)
    assert retrain.get_task("watch").upstream_task_ids == set(retrain.task_ids) - {"watch"}


def test_no_default_that_bites(retrain: Any) -> None:
    airflow = catalogue.load(ROOT, "laptop").platform.airflow
    for task in retrain.tasks:
        if task.task_id == "watch":
            continue
        assert task.execution_timeout is not None
        assert task.retries == airflow.retries
        assert task.retry_delay == timedelta(seconds=airflow.retry_delay_s)
    assert retrain.get_task("version").pool == "dvc"
    assert retrain.get_task("fastpitch.train").pool == "a100"
    assert retrain.get_task("report").trigger_rule == "all_done"
    assert retrain.max_active_runs == 1
    assert retrain.catchup is False


def test_it_runs_on_mondays_in_seoul_and_when_data_arrive(retrain: Any) -> None:
    schedule = repr(retrain.timetable)
    assert "timezone='Asia/Seoul'" in schedule
    assert "'0 3 * * 1'" in schedule
    assert "iris_corpus" in schedule


def test_new_recordings_wake_it(laptop: None) -> None:
    import ingest_recordings as module

    outlets = module.DAG.get_task("version").outlets
    assert [asset.name for asset in outlets] == ["iris_corpus"]


def test_a_promotion_wakes_the_video_of_the_promoted_models(retrain: Any) -> None:
    import demo_video as module

    for model in catalogue.trainable():
        assert [asset.name for asset in retrain.get_task(f"{model}.promote").outlets] == ["iris_champions"]
    assert "iris_champions" in repr(module.DAG.timetable)
    (task,) = module.DAG.tasks
    assert (task.task_id, task.stage, task.model) == ("pipeline", "pipeline", None)
    assert {"text", "language", "convert-to", "face"} <= set(task.options) <= set(module.DAG.params)


@pytest.mark.parametrize(
    "choice", [{"models": ["gpt"]}, {"models": []}, {"profile": "huge"}, {"force": "yes"}]
)
def test_a_run_with_nonsense_is_refused(retrain: Any, choice: dict[str, Any]) -> None:
    from airflow.sdk.exceptions import ParamValidationError

    ((name, value),) = choice.items()
    with pytest.raises(ParamValidationError):
        retrain.params[name] = value


def test_exit_codes_decide_about_retries(laptop: None) -> None:
    import _launching
    from airflow.sdk.exceptions import AirflowFailException

    for code, retried in ((1, False), (42, False), (70, False), (75, True), (137, True), (143, True)):
        error = _launching.error_of(code, "x")
        assert isinstance(error, AirflowFailException) is not retried


def test_the_subprocess_launcher_hands_the_exit_code_on(
    laptop: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import _stage
    from airflow.sdk.exceptions import AirflowFailException

    monkeypatch.setenv("IRIS_WORKSPACE", str(tmp_path))
    operator = _stage.StageOperator(
        task_id="validate",
        stage="validate",
        model=None,
        project=str(ROOT),
        launcher="subprocess",
        grace_s=5.0,
    )
    with pytest.raises(AirflowFailException, match="42"):  # nothing was ingested there
        operator.execute({"params": {"models": ["fastpitch"], "profile": "ci", "force": False}})


def test_a_stage_in_a_process_of_its_own_is_told_to_stop(
    laptop: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import _stage

    program = "\n".join(
        (
            "import signal, sys, time",
            "signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))",
            "print(flush=True)",
            "time.sleep(300)",
        )
    )
    monkeypatch.setattr(_stage, "stage_command", lambda *given: ["-c", program])
    operator = _stage.StageOperator(
        task_id="validate",
        stage="validate",
        model=None,
        project=str(ROOT),
        launcher="subprocess",
        grace_s=60.0,
    )
    reached = threading.Event()

    class Waiting(_stage.subprocess.Popen):
        """Airflow's timeout, as soon as the stage runs."""

        def wait(self, timeout: float | None = None) -> int:
            if not reached.is_set():
                reached.set()
                assert self.stdout.readline()
                raise TimeoutError
            return super().wait(timeout)

    start = functools.partial(Waiting, stdout=subprocess.PIPE)
    monkeypatch.setattr(_stage.subprocess, "Popen", start)
    with pytest.raises(TimeoutError):
        operator.execute({"params": {"models": ["fastpitch"], "profile": "ci", "force": False}})
    assert operator._child.returncode == 143


def test_a_model_that_was_not_chosen_is_skipped(laptop: None) -> None:
    import _stage
    from airflow.sdk.exceptions import AirflowSkipException

    operator = _stage.StageOperator(
        task_id="train",
        stage="train",
        model="fastpitch",
        project=str(ROOT),
        launcher="in_process",
        grace_s=5.0,
    )
    with pytest.raises(AirflowSkipException):
        operator.execute({"params": {"models": ["rvc"], "profile": "ci", "force": False}})


def test_the_kubernetes_launcher_asks_for_pods(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("IRIS_PROFILE", raising=False)
    _forget()
    import retrain as module

    task = module.DAG.get_task("fastpitch.train")
    assert type(task).__name__ == "StagePodOperator"
    assert task.deferrable
    assert task.do_xcom_push is False
    assert task.schedule_timeout_seconds >= 3600
    assert task.retries > 0
    pod = task.pod_template_dict
    assert pod["spec"]["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == "1"
    assert stage("train").gpu
    _forget()


def test_ci_and_hooks_only_call_the_one_door() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    entries = {hook["entry"].split()[0] for repo in hooks["repos"] for hook in repo["hooks"]}
    assert all(entry.startswith(".venv/bin/") for entry in entries)
    assert "make --no-print-directory test" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_several_gpus_and_nodes_go_their_own_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("IRIS_PROFILE", raising=False)
    _forget()
    import _job
    import _pod
    from airflow.sdk.exceptions import (
        AirflowException,
        AirflowFailException,
        AirflowSkipException,
        TaskDeferred,
    )

    params, settings = catalogue.load(ROOT, None), {"task_id": "train"}
    for gpus in (1, 4):  # one pod; how it starts torchrun is the pod's own (test_adapters_job_spec)
        one = _job.kubernetes_task(stage("train"), "fastpitch", spread(params, 1, gpus), ROOT, (), settings)
        assert isinstance(one, _pod.StagePodOperator)

    several = _job.kubernetes_task(stage("train"), "fastpitch", spread(params, 2, 4), ROOT, (), settings)
    assert (several.wait_until_job_complete, several.deferrable) == (True, True)
    with pytest.raises(AirflowSkipException):
        several.execute({"params": {"models": ["rvc"]}})
    created: list[Any] = []
    monkeypatch.setattr(
        several, "create_job", lambda job_request_obj: created.append(job_request_obj) or created[0]
    )
    monkeypatch.setattr(several, "_get_ti_pod_labels", lambda context: {"dag_id": "retrain"})
    pushed = SimpleNamespace(
        xcom_push=lambda key, value: None, dag_id="retrain", task_id="train", map_index=-1, try_number=1
    )
    choice = {"models": ["fastpitch"], "profile": "site", "force": True}
    with pytest.raises(TaskDeferred) as deferred:  # Kueue holds the Job back: there is no pod to look at
        several.execute({"params": choice, "ti": pushed, "run_id": "manual"})
    (job,) = created
    assert deferred.value.trigger.job_name == job.metadata.name
    assert re.fullmatch(r"iris-fastpitch-train-[a-z0-9]+", job.metadata.name)
    assert len(job.metadata.name) <= 58
    assert job.metadata.labels["dag_id"] == "retrain"
    command = job.spec.template.spec.containers[0].command
    assert command[-8:] == [
        "-m",
        "components",
        "train",
        "--model",
        "fastpitch",
        "--profile",
        "site",
        "--force",
    ]
    assert job.spec.completion_mode == "Indexed"

    monkeypatch.setattr(several, "_show_logs", lambda job, namespace: None)
    event = {"name": job.metadata.name, "namespace": "n", "pod_names": [], "status": "error", "job": {}}
    for reason, kind in (("PodFailurePolicy", True), ("BackoffLimitExceeded", False)):
        told = {**event, "message": f"Job failed with error: {reason}"}
        with pytest.raises(AirflowException) as error:
            several.execute_complete({"ti": pushed}, told)
        assert isinstance(error.value, AirflowFailException) is kind
    several.execute_complete({"ti": pushed}, {**event, "status": "success", "message": "done"})
    _forget()


@pytest.mark.parametrize("launcher", ["subprocess", "kubernetes"])
def test_shards_are_mapped_before_the_features_stage(launcher: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IRIS_LAUNCHER", launcher)
    monkeypatch.delenv("IRIS_PROFILE", raising=False)
    _forget()
    import _settings

    platform = _settings.PARAMS.platform.model_copy(update={"feature_shards": 3})
    monkeypatch.setattr(_settings, "PARAMS", _settings.PARAMS.model_copy(update={"platform": platform}))
    import retrain as module

    shards = module.DAG.get_task("fastpitch.features_shard")
    assert shards.expand_input.value == {"shard": ["0/3", "1/3", "2/3"]}
    assert shards.upstream_task_ids == {"validate"}
    assert shards.downstream_task_ids == {"fastpitch.features", "watch"}
    if launcher == "kubernetes":
        task = shards.unmap({"shard": "1/3"})
        command = task.command({"models": ["fastpitch"], "profile": "kind", "force": True})
        assert command[:5] == ["-m", "components", "features-shard", "--model", "fastpitch"]
        assert command[5:] == ["--profile", "kind", "--shard", "1/3"]
    _forget()
