"""The pod operator against pods in memory: every end of a pod, and every way to lose sight of one."""

from __future__ import annotations

import datetime
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import (
    AirflowException,
    AirflowFailException,
    AirflowSkipException,
    TaskDeferred,
)
from kubernetes.client import ApiException
from pod_api import PodApi, ended, running, waiting
from urllib3.exceptions import HTTPError

from components import catalogue
from components.core.paths import Workspace, project_root
from components.core.stage_graph import stage as stage_named
from components.stages.contract import Record
from components.stages.records import write_record

ROOT = project_root()
PARAMS = catalogue.load(ROOT, None)
MODULES = ("_stage", "_pod", "_launching", "_patience")
DISRUPTED = {"type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler"}
QUEUED = {
    "phase": "Pending",
    "conditions": [{"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}],
}


class Task:
    """One Airflow task over its tries; every method is a process of its own, as under Airflow."""

    def __init__(self, stage: str, model: str | None, api: PodApi) -> None:
        self.stage, self.model, self.api = stage, model, api
        self.store: dict[str, Any] | None = {}
        self.tries = 1
        self.choice: dict[str, Any] = {"models": ["fastpitch"], "profile": None, "force": False}

    def execute(self) -> Any:
        """Submit; returns the trigger's arguments, as the deferral keeps them."""
        with pytest.raises(TaskDeferred) as deferred:
            self.try_to_execute()
        return deferred.value.trigger.serialize()[1]

    def try_to_execute(self) -> Any:
        return self._operator().execute(self.context())

    def reenter(self, deferred: dict[str, Any], status: str, **more: Any) -> Any:
        """What the task does when the trigger fires."""
        event = {
            "status": status,
            "name": deferred["pod_name"],
            "namespace": deferred["pod_namespace"],
            "message": f"the trigger says {status}",
            **deferred["trigger_kwargs"],
            **more,
        }
        return self._operator().trigger_reentry(self.context(), event)

    def reenter_deferring(self, deferred: dict[str, Any], status: str, **more: Any) -> Any:
        with pytest.raises(TaskDeferred) as again:
            self.reenter(deferred, status, **more)
        return again.value.trigger.serialize()[1]

    def context(self) -> dict[str, Any]:
        ti = SimpleNamespace(
            dag_id="retrain",
            task_id=f"{self.model}.{self.stage}",
            map_index=-1,
            try_number=self.tries,
            start_date=datetime.datetime.now(datetime.UTC),
            xcom_push=lambda **given: None,
        )
        store = None
        if self.store is not None:
            store = SimpleNamespace(get=self.store.get, set=self.store.__setitem__)
        return {
            "ti": ti,
            "run_id": "scheduled__2026-11-24",
            "dag": SimpleNamespace(),
            "params": self.choice,
            "task_state_store": store,
        }

    def _operator(self) -> Any:
        from _pod import pod_task

        settings = {"task_id": f"{self.stage}", "execution_timeout": datetime.timedelta(hours=72)}
        operator = pod_task(stage_named(self.stage), self.model, PARAMS, ROOT, (), settings)
        operator.hook = self.api
        operator.poll_interval = 0.0
        operator.api_patience_s = 5.0
        return operator


@pytest.fixture
def api() -> PodApi:
    return PodApi()


@pytest.fixture
def train(api: PodApi, monkeypatch: pytest.MonkeyPatch) -> Iterator[Task]:
    monkeypatch.setenv("IRIS_KUBECONFIG", _nowhere())
    monkeypatch.delenv("IRIS_WORKSPACE", raising=False)
    _forget()
    yield Task("train", "fastpitch", api)
    _forget()


@pytest.fixture
def promote(train: Task) -> Task:
    return Task("promote", "fastpitch", train.api)


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv("IRIS_WORKSPACE", str(tmp_path))
    return Workspace.embedded(tmp_path)


def _forget() -> None:
    for name in MODULES:
        sys.modules.pop(name, None)


def _nowhere() -> str:
    path = Path(__file__).parent / "kubeconfig.yaml"
    return str(path)


def _key(api: PodApi) -> str:
    return api.created[-1]["metadata"]["annotations"]["iris/attempt"]


def _write(workspace: Workspace, stage: str, key: str, state: str = "done", **summary: Any) -> None:
    write_record(
        workspace,
        Record(
            stage=stage, model="fastpitch", key="k", state=state, profile="a100", git_sha="", data_md5="",
            params_sha="", started="", seconds=1.0, device="", inputs={}, outputs={}, summary=summary,
            attempt=key,
        ),
    )  # fmt: skip


def test_the_pod_carries_the_key_of_its_attempt_and_the_command_of_the_stage(train: Task) -> None:
    train.execute()
    (pod,) = train.api.created
    container = pod["spec"]["containers"][0]
    environment = {one["name"]: one.get("value") for one in container["env"]}
    assert environment["IRIS_ATTEMPT_KEY"] == _key(train.api) == pod["metadata"]["labels"]["iris/attempt"]
    assert pod["metadata"]["annotations"]["iris/run"] == "scheduled__2026-11-24"
    assert container["command"] == ["python", "-m", "components", "train", "--model", "fastpitch"]
    assert not container.get("args")
    assert container["terminationMessagePolicy"] == "FallbackToLogsOnError"


def test_a_retry_is_an_attempt_of_its_own(train: Task) -> None:
    train.execute()
    first = _key(train.api)
    train.api.pods.clear()
    train.tries = 2
    train.execute()
    assert _key(train.api) != first


@pytest.mark.parametrize("code", [1, 2, 42, 43, 70])
def test_what_no_retry_mends_fails_for_good(train: Task, code: int) -> None:
    deferred = train.execute()
    train.api.status(**ended(code, "ko_0007: duration_s 0.21 below 0.5"))
    with pytest.raises(AirflowFailException, match=r"ko_0007.*재시도로는 해결되지 않습니다"):
        train.reenter(deferred, "failed")
    assert train.api.pods, "kept, to be looked at"


@pytest.mark.parametrize(
    ("code", "reason", "word"),
    [
        (75, "Error", "75"),
        (143, "Error", "checkpoint"),
        (137, "Error", "137"),
        (137, "OOMKilled", "memory"),
        (139, "Error", "crash"),
    ],
)
def test_what_may_mend_itself_is_retried(train: Task, code: int, reason: str, word: str) -> None:
    deferred = train.execute()
    train.api.status(**ended(code, reason=reason))
    with pytest.raises(AirflowException, match=word) as raised:
        train.reenter(deferred, "failed")
    assert not isinstance(raised.value, AirflowFailException)


def test_an_evicted_pod_is_followed_by_another_of_the_same_attempt(train: Task) -> None:
    deferred = train.execute()
    train.api.status(**ended(143, conditions=[DISRUPTED]))
    again = train.reenter_deferring(deferred, "failed")
    first, second = train.api.created
    assert again["pod_name"] == second["metadata"]["name"] != first["metadata"]["name"]
    assert first["metadata"]["labels"]["iris/attempt"] == second["metadata"]["labels"]["iris/attempt"]
    train.api.status(**ended(0))
    assert train.reenter(again, "success")["state"] == "done"


def test_evictions_do_not_go_on_for_ever(train: Task) -> None:
    deferred = train.execute()
    for _ in range(PARAMS.platform.kubernetes.pods_per_attempt - 1):
        train.api.status(**ended(143, conditions=[DISRUPTED]))
        deferred = train.reenter_deferring(deferred, "failed")
    train.api.status(**ended(143, conditions=[DISRUPTED]))
    with pytest.raises(AirflowException, match="Pods used up in this attempt: 20"):
        train.reenter(deferred, "failed")


def test_a_promotion_without_a_pass_is_skipped_by_the_record(promote: Task, workspace: Workspace) -> None:
    deferred = promote.execute()
    _write(workspace, "promote", _key(promote.api), "refused", verdict="FAIL")
    promote.api.status(**ended(0))
    with pytest.raises(AirflowSkipException, match="FAIL"):
        promote.reenter(deferred, "success")


def test_without_the_storage_the_termination_message_tells(promote: Task) -> None:
    deferred = promote.execute()
    told = {"attempt": _key(promote.api), "state": "refused", "verdict": "INCONCLUSIVE"}
    promote.api.status(**ended(0, json.dumps({**told, "error": "", "message": ""})))
    with pytest.raises(AirflowSkipException, match="INCONCLUSIVE"):
        promote.reenter(deferred, "success")


def test_the_record_of_another_attempt_tells_nothing(promote: Task, workspace: Workspace) -> None:
    deferred = promote.execute()
    _write(workspace, "promote", "of another attempt", "refused", verdict="FAIL")
    promote.api.status(**ended(0))
    assert promote.reenter(deferred, "success")["state"] == "done"


def test_a_report_with_nothing_to_report_is_skipped(train: Task, workspace: Workspace) -> None:
    report = Task("report", None, train.api)
    with pytest.raises(AirflowSkipException, match="nothing to report"):
        report.try_to_execute()
    assert not train.api.created


def test_a_report_pod_with_nothing_to_report_is_skipped(train: Task) -> None:
    report = Task("report", None, train.api)
    deferred = report.execute()
    told = {"attempt": _key(train.api), "state": "failed", "verdict": ""}
    told |= {"error": "NothingToCollectError", "message": "nothing"}
    train.api.status(**ended(42, json.dumps(told)))
    with pytest.raises(AirflowSkipException, match="nothing to report"):
        report.reenter(deferred, "failed")


def test_a_model_that_was_not_chosen_costs_no_pod(train: Task) -> None:
    train.choice["models"] = ["rvc"]
    with pytest.raises(AirflowSkipException):
        train.try_to_execute()
    assert not train.api.created


@pytest.mark.parametrize("status", ["error", "failed", "success"])
def test_a_pod_that_is_gone_after_success_is_a_success(
    train: Task, workspace: Workspace, status: str
) -> None:
    deferred = train.execute()
    _write(workspace, "train", _key(train.api))
    train.api.pods.clear()
    assert train.reenter(deferred, status)["state"] == "done"
    assert len(train.api.created) == 1


@pytest.mark.parametrize("mounted", [True, False])
def test_a_pod_that_is_gone_without_a_record_is_followed_by_another(
    train: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mounted: bool
) -> None:
    if mounted:
        monkeypatch.setenv("IRIS_WORKSPACE", str(tmp_path))
    deferred = train.execute()
    train.api.pods.clear()
    train.reenter_deferring(deferred, "error")
    first, second = train.api.created
    assert first["metadata"]["labels"]["iris/attempt"] == second["metadata"]["labels"]["iris/attempt"]


@pytest.mark.parametrize(
    ("status", "event", "fails", "words"),
    [
        (waiting("ErrImagePull", "not found"), "error", True, "ErrImagePull: not found"),
        (waiting("InvalidImageName", "x"), "error", True, "이미지"),
        (QUEUED, "timeout", True, "SchedulingGated"),
        (waiting("ContainerCreating", ""), "timeout", False, "ContainerCreating"),
        (running(), "timeout", False, "execution_timeout_h"),
    ],
)
def test_a_pod_that_nobody_waits_for_any_longer_is_taken_down(
    train: Task, status: dict[str, Any], event: str, fails: bool, words: str
) -> None:
    deferred = train.execute()
    train.api.status(**status)
    overdue = {"_execution_deadline": time.time() - 1} if "execution" in words else {}
    with pytest.raises(AirflowException, match=words) as raised:
        train.reenter(deferred, event, **overdue)
    assert isinstance(raised.value, AirflowFailException) is fails
    assert train.api.deleted == [(deferred["pod_name"], PARAMS.platform.kubernetes.termination_grace_s)]


def _fails_first(times: int, error: Exception, *operations: str) -> Callable[[str], None]:
    left = dict.fromkeys(operations, times)

    def failing(operation: str) -> None:
        if left.get(operation, 0) > 0:
            left[operation] -= 1
            raise error

    return failing


@pytest.mark.parametrize("error", [ApiException(status=503), HTTPError("connection refused")])
def test_an_api_server_that_is_away_for_a_while_is_waited_for(train: Task, error: Exception) -> None:
    train.api.before = _fails_first(3, error, "create", "list")
    deferred = train.execute()
    train.api.before = _fails_first(3, error, "read")
    train.api.status(**ended(0))
    assert train.reenter(deferred, "error")["state"] == "done"
    assert len(train.api.created) == 1


def test_an_answer_that_is_lost_does_not_make_two_pods(train: Task) -> None:
    train.api.after = _fails_first(1, HTTPError("reset"), "create")
    train.execute()
    assert len(train.api.created) == 1


def test_an_answer_that_is_lost_does_not_make_two_followers(train: Task) -> None:
    deferred = train.execute()
    train.api.status(**ended(143, conditions=[DISRUPTED]))
    train.api.after = _fails_first(1, HTTPError("reset"), "create")
    train.reenter_deferring(deferred, "failed")
    assert len(train.api.created) == 2


def test_a_conflict_that_is_no_twin_is_tried_again(train: Task) -> None:
    train.api.before = _fails_first(2, ApiException(status=409, reason="Conflict"), "create")
    train.execute()
    assert len(train.api.created) == 1


def test_a_pod_that_goes_on_behind_an_outage_is_watched_on(train: Task) -> None:
    deferred = train.execute()
    train.api.status(**running())
    assert train.reenter_deferring(deferred, "error")["pod_name"] == deferred["pod_name"]


@pytest.mark.parametrize("remembered", [True, False])
def test_a_worker_that_restarts_finds_its_pod(train: Task, remembered: bool) -> None:
    deferred = train.execute()
    train.api.status(**running())
    train.tries = 2
    if not remembered:
        train.store = None
    assert train.execute()["pod_name"] == deferred["pod_name"]
    assert len(train.api.created) == 1


def test_a_pod_that_succeeded_while_no_worker_looked_is_not_run_again(train: Task) -> None:
    train.execute()
    train.api.status(**ended(0))
    train.tries = 2
    train.try_to_execute()
    assert len(train.api.created) == 1


def test_a_pod_that_stopped_while_no_worker_looked_is_followed_by_another(train: Task) -> None:
    train.execute()
    train.api.status(**ended(143))
    train.tries = 2
    train.execute()
    assert len(train.api.created) == 2


def test_of_two_pods_of_a_task_the_newest_is_kept(train: Task) -> None:
    deferred = train.execute()
    train.api.status(**running())
    twin = json.loads(json.dumps(train.api.created[0]))
    twin["metadata"]["name"] = "twin"
    twin["metadata"]["creationTimestamp"] = "2020-01-01T00:00:00Z"
    train.api.pods["twin"] = twin
    train.store = None
    assert train.execute()["pod_name"] == deferred["pod_name"]
    assert [name for name, _ in train.api.deleted] == ["twin"]


def test_a_pod_that_the_api_calls_invalid_is_not_sent_again(train: Task) -> None:
    train.api.before = _fails_first(99, ApiException(status=422), "create")
    with pytest.raises(AirflowFailException, match="refuses"):
        train.try_to_execute()
