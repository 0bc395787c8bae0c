"""The retraining DAG through the Kubernetes launcher gives what the in-process launcher gives, killed or not.

One run of the whole DAG in pods serves all tests here; what follows works on copies of its workspace.
"""

from __future__ import annotations

import copy
import json
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import kill_runs
import pod_runs
import pytest
import run_outcome
from embedded_demo import Demo
from kube_standin import Cluster, Image
from kube_standin.faults import Kill, of_stage
from policies import ALLOWED_VERBS
from standin_clusters import MakeCluster, new_cluster

from components import catalogue
from components.core.paths import Workspace, project_root
from components.core.retraining import owners
from components.core.stage_graph import STAGES
from components.stages import services
from components.stages.records import read_record

pytestmark = pytest.mark.e2e
MODEL = kill_runs.MODEL
SEED = 20261124
#: Ten kills, spread by what a stage costs; `make faults` kills every stage, and far more often.
KILLS = {"train": 3, "gate": 5, "version": 2}


@dataclass(frozen=True)
class InPods:
    """The finished run."""

    claim: Path
    workspace: Workspace
    cluster: Cluster
    ends: dict[str, pod_runs.TaskEnd]


@pytest.fixture(scope="module")
def in_pods(
    tmp_path_factory: pytest.TempPathFactory, stage_image: Image, airflow_tables: None
) -> Iterator[InPods]:
    folder = tmp_path_factory.mktemp("pods")
    claim = folder / "claim"
    claim.mkdir()
    with new_cluster(folder, stage_image, claim) as cluster:
        ends = pod_runs.retrain(cluster, claim)
        yield InPods(claim, Workspace.embedded(claim), cluster, ends)


def copied(in_pods: InPods, tmp_path: Path, stage: str) -> Path:
    return kill_runs.copy_of(in_pods.claim, tmp_path / "copy", kill_runs.TARGETS[stage])


def test_every_stage_ran_once_in_a_pod_of_its_own(in_pods: InPods) -> None:
    states = {task: end.state for task, end in in_pods.ends.items()}
    # no PASS without a recogniser: promotion is skipped, and so is the watcher of failures
    for model in catalogue.trainable():
        assert states.pop(f"{model}.promote") == "skipped"
    assert states.pop("watch") == "skipped"
    assert set(states.values()) == {"success"}
    stages = [pod["metadata"]["labels"]["iris/stage"] for pod in in_pods.cluster.created()]
    expected = [
        stage.name
        for stage in STAGES
        for _ in owners(stage, catalogue.trainable(), catalogue.further_stages())
    ]
    assert sorted(stages) == sorted(expected)
    assert in_pods.cluster.pods.list("iris-retraining", lambda pod: True) == []


def test_weights_features_and_metrics_are_those_of_the_in_process_launcher(
    in_pods: InPods, demo: Demo
) -> None:
    for model in catalogue.trainable():
        for stage in ("features", "train"):
            expected = run_outcome.outputs(demo.workspace, stage, model)
            assert run_outcome.outputs(in_pods.workspace, stage, model) == expected
        assert run_outcome.metrics(in_pods.workspace, model) == run_outcome.metrics(demo.workspace, model)
        expected_verdict = run_outcome.verdict(demo.workspace, model)
        assert run_outcome.verdict(in_pods.workspace, model) == expected_verdict
    version = read_record(in_pods.workspace, "version", None)
    assert version is not None
    assert version.summary["md5"] == demo.summary["data_md5"]


def test_labels_of_queue_and_stage_reach_the_cluster(in_pods: InPods) -> None:
    kubernetes = catalogue.load(project_root(), "ci").platform.kubernetes
    for pod in in_pods.cluster.created():
        labels = pod["metadata"]["labels"]
        assert labels["kueue.x-k8s.io/queue-name"] == kubernetes.queue_name
        assert labels["app.kubernetes.io/part-of"] == "iris-retraining"
        assert pod["spec"]["priorityClassName"] == kubernetes.priority_class
        assert pod["spec"]["serviceAccountName"] == kubernetes.service_account
        assert pod["spec"]["activeDeadlineSeconds"] > 0
        assert len(pod["spec"]["containers"]) == 1, "a sidecar would have to be secured as well"


def test_no_verb_is_used_that_the_role_does_not_grant(in_pods: InPods) -> None:
    granted = {(verb, resource) for resource, verbs in ALLOWED_VERBS.items() for verb in verbs}
    assert in_pods.cluster.api.seen <= granted


def test_an_evicted_training_resumes_at_its_step_and_ends_the_same(
    in_pods: InPods, tmp_path: Path, make_cluster: MakeCluster, stage_image: Image
) -> None:
    claim = copied(in_pods, tmp_path, "train")
    cluster = make_cluster(image=stage_image, claim=claim)
    cluster.faults.kills([Kill("evicted", at_line="step 1")], of_stage("train"))
    ends = pod_runs.retrain(cluster, claim, f"{MODEL}.train")
    assert ends[f"{MODEL}.train"] == pod_runs.TaskEnd("success", 1)
    assert [strike.hit for strike in cluster.faults.strikes] == [True]
    first, second = cluster.created()
    assert first["metadata"]["labels"]["iris/attempt"] == second["metadata"]["labels"]["iris/attempt"]
    assert "SIGTERM" in cluster.log(first["metadata"]["name"])
    record = read_record(Workspace.embedded(claim), "train", MODEL)
    assert record is not None
    assert 0 < record.summary["resumed_from"] < record.summary["steps"]
    assert not list(kill_runs.differences(in_pods.claim, claim, kill_runs.TARGETS["train"]))


def test_the_scheduled_review_looks_at_the_data_in_a_pod(
    in_pods: InPods, tmp_path: Path, make_cluster: MakeCluster, stage_image: Image
) -> None:
    claim = tmp_path / "copy"
    shutil.copytree(in_pods.claim, claim, symlinks=True)
    cluster = make_cluster(image=stage_image, claim=claim)
    assert pod_runs.review(cluster, claim, "drift")["drift"] == pod_runs.TaskEnd("success", 1)
    (pod,) = cluster.created()
    assert pod["metadata"]["labels"]["iris/stage"] == "drift"
    workspace = Workspace.embedded(claim)
    drift, version = read_record(workspace, "drift", None), read_record(workspace, "version", None)
    assert drift is not None
    assert version is not None
    found = json.loads(drift.output(claim, "drift").read_text(encoding="utf-8"))
    assert found["data_md5"] == version.summary["md5"]
    assert {one["model"] for one in found["models"]} == set(catalogue.trainable())
    assert {one["reason"] for one in found["models"]} == {
        "no champion in this scope: nothing to compare with"
    }


@pytest.mark.parametrize("seen", [True, False], ids=["storage seen by Airflow", "storage not seen"])
def test_a_pod_that_was_collected_after_its_success_has_succeeded(
    in_pods: InPods, tmp_path: Path, make_cluster: MakeCluster, stage_image: Image, seen: bool
) -> None:
    claim = copied(in_pods, tmp_path, "gate")
    cluster = make_cluster(image=stage_image, claim=claim)
    cluster.faults.vanishes_after_success(times=1)
    ends = pod_runs.retrain(cluster, claim if seen else None, f"{MODEL}.gate")
    assert ends[f"{MODEL}.gate"] == pod_runs.TaskEnd("success", 1)
    # where Airflow cannot read the record, another pod finds the work done
    assert len(cluster.created()) == (1 if seen else 2)
    assert not list(kill_runs.differences(in_pods.claim, claim, kill_runs.TARGETS["gate"]))


def test_two_pods_of_one_stage_give_one_result(
    in_pods: InPods, tmp_path: Path, make_cluster: MakeCluster, stage_image: Image
) -> None:
    claim = copied(in_pods, tmp_path, "train")
    cluster = make_cluster(image=stage_image, claim=claim)
    trained = [pod for pod in in_pods.cluster.created() if of_stage("train")(pod)]
    (original,) = (pod for pod in trained if pod["metadata"]["labels"]["iris/model"] == MODEL)
    runs_before = len(_runs(claim))
    for name in ("twin-a", "twin-b"):
        twin = copy.deepcopy(original)
        twin["metadata"] = {key: twin["metadata"][key] for key in ("labels", "annotations")} | {"name": name}
        twin["status"] = {"phase": "Pending"}
        cluster.kubelet.take(cluster.pods.add("iris-retraining", twin))
    cluster.wait_until_still()
    logs = [cluster.log(name) for name in ("twin-a", "twin-b")]
    assert sum("unchanged, skipped" in log for log in logs) == 1, logs
    assert len(_runs(claim)) == runs_before + 1
    assert not list(kill_runs.differences(in_pods.claim, claim, kill_runs.TARGETS["train"]))


@pytest.mark.parametrize("stage", KILLS)
def test_kills_at_random_moments_change_nothing(
    in_pods: InPods, tmp_path: Path, make_cluster: MakeCluster, stage_image: Image, stage: str
) -> None:
    report = kill_runs.kill(
        lambda claim: make_cluster(image=stage_image, claim=claim),
        in_pods.claim,
        tmp_path,
        kill_runs.TARGETS[stage],
        KILLS[stage],
        SEED,
    )
    assert report.hits >= KILLS[stage]
    assert report.differs == ()


def test_ten_kills_are_ten() -> None:
    assert sum(KILLS.values()) == 10


def _runs(claim: Path) -> list[object]:
    params = catalogue.load(project_root(), "ci")
    return list(services.tracker_of(params.platform.mlflow, Workspace.embedded(claim)).runs(MODEL, limit=99))


def test_no_thread_of_the_stand_in_outlives_its_cluster(make_cluster: MakeCluster) -> None:
    before = set(threading.enumerate())
    cluster = make_cluster("exit 0")
    cluster.close()
    assert {thread for thread in threading.enumerate() if thread not in before and thread.is_alive()} == set()
