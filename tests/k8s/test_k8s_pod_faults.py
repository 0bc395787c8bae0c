"""One fault each, through the real operator, its trigger and `dag.test()`; the stage is a line of shell."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pod_runs
import pytest
from kube_standin import Cluster
from kube_standin.faults import Kill
from standin_clusters import MakeCluster

pytestmark = pytest.mark.usefixtures("airflow_tables")
TASK = "fastpitch.train"
#: Seconds that the API server is away here; `make faults` has the 30 s.
AWAY_S = 3.0
#: The first pod goes on to the rest of the script, later ones end well.
FIRST = 'if [ -f "$IRIS_WORKSPACE/again" ]; then exit 0; fi; touch "$IRIS_WORKSPACE/again"; '
UP = "trap 'exit 143' TERM; echo up; while :; do sleep 0.05; done"


def run(cluster: Cluster, **settings: object) -> pod_runs.TaskEnd:
    return pod_runs.retrain(cluster, None, TASK, **{"retries": 2, **settings})[TASK]


def attempts(cluster: Cluster) -> list[str]:
    return [pod["metadata"]["labels"]["iris/attempt"] for pod in cluster.created()]


def when(cluster: Cluster, holds: Callable[[], bool], then: Callable[[], object]) -> threading.Thread:
    """Do something once a change of the pods makes ``holds`` true."""
    thread = threading.Thread(target=lambda: cluster.pods.wait_for(holds, 60) and then(), daemon=True)
    thread.start()
    return thread


def any_running(cluster: Cluster) -> bool:
    return any(pod["status"]["phase"] == "Running" for _, _, pod in cluster.pods.history)


def test_the_log_arrives_while_the_stage_runs(
    make_cluster: MakeCluster, capfd: pytest.CaptureFixture[str]
) -> None:
    cluster = make_cluster(
        'echo the first line; for i in $(seq 400); do [ -f "$IRIS_WORKSPACE/go" ] && break; sleep 0.1; done; '
        '[ -f "$IRIS_WORKSPACE/go" ] || exit 9; echo the second line'
    )
    go = cluster.claims["iris-artifacts"] / "go"
    cluster.api.on_log = lambda line: go.touch() if b"first" in line else None
    assert run(cluster, logging_interval=1) == pod_runs.TaskEnd("success", 1)
    told = capfd.readouterr()
    text = told.out + told.err
    assert text.index("the first line") < text.index("the second line")


@pytest.mark.parametrize(
    ("code", "state", "tries"),
    [(42, "failed", 1), (70, "failed", 1), (75, "success", 2), (143, "success", 2)],
)
def test_an_exit_code_decides_about_the_retry(
    make_cluster: MakeCluster, capfd: pytest.CaptureFixture[str], code: int, state: str, tries: int
) -> None:
    cluster = make_cluster(FIRST + f"echo ko_0007: duration below 0.5; exit {code}")
    assert run(cluster) == pod_runs.TaskEnd(state, tries)
    assert len(set(attempts(cluster))) == len(attempts(cluster)) == tries
    told = capfd.readouterr()
    assert "ko_0007: duration below 0.5" in told.out + told.err


@pytest.mark.parametrize("how", ["evicted", "pressure", "node"])
def test_a_disruption_costs_no_retry(make_cluster: MakeCluster, how: str) -> None:
    cluster = make_cluster(FIRST + UP)
    cluster.faults.kills([Kill(how, at_line="up")])
    assert run(cluster, retries=0) == pod_runs.TaskEnd("success", 1)
    first, second = attempts(cluster)
    assert first == second
    assert [strike.hit for strike in cluster.faults.strikes] == [True]


def test_a_pod_without_memory_is_named_and_retried(
    make_cluster: MakeCluster, capfd: pytest.CaptureFixture[str]
) -> None:
    cluster = make_cluster(FIRST + UP)
    cluster.faults.kills([Kill("oom", at_line="up")])
    assert run(cluster) == pod_runs.TaskEnd("success", 2)
    told = capfd.readouterr()
    assert "OOMKilled" in told.out + told.err


def test_an_image_that_cannot_be_pulled_is_named(
    make_cluster: MakeCluster, capfd: pytest.CaptureFixture[str]
) -> None:
    cluster = make_cluster("exit 0")
    cluster.faults.cannot_pull(message="manifest unknown")
    assert run(cluster) == pod_runs.TaskEnd("failed", 1)
    told = capfd.readouterr()
    assert "platform.kubernetes.image" in told.out + told.err
    assert "manifest unknown" in told.out + told.err
    assert len(cluster.created()) == 1
    cluster.wait_until_still()
    assert not any(pod["status"]["phase"] == "Pending" for pod in cluster.pods.list("iris-retraining", bool))


def test_pending_for_ever_ends_with_its_reason(
    make_cluster: MakeCluster, capfd: pytest.CaptureFixture[str]
) -> None:
    cluster = make_cluster("exit 0")
    cluster.faults.unschedulable()
    assert run(cluster, schedule_timeout_seconds=2) == pod_runs.TaskEnd("failed", 1)
    told = capfd.readouterr()
    assert "didn't match Pod's node affinity" in told.out + told.err
    cluster.wait_until_still()
    assert cluster.pods.list("iris-retraining", bool) == [], "it would take a GPU some day"


def test_the_api_server_away_while_the_stage_runs(make_cluster: MakeCluster) -> None:
    cluster = make_cluster(f"sleep {AWAY_S + 1}")
    when(cluster, lambda: any_running(cluster), lambda: cluster.api.outage(AWAY_S))
    assert run(cluster, retries=0) == pod_runs.TaskEnd("success", 1)
    assert len(cluster.created()) == 1


def test_the_api_server_away_while_the_stage_ends(make_cluster: MakeCluster) -> None:
    cluster = make_cluster("sleep 0.5")
    when(cluster, lambda: any_running(cluster), lambda: cluster.api.outage(AWAY_S))
    assert run(cluster, retries=0) == pod_runs.TaskEnd("success", 1)
    assert len(cluster.created()) == 1


def test_the_api_server_away_at_submission(make_cluster: MakeCluster) -> None:
    cluster = make_cluster("exit 0")
    cluster.api.outage(AWAY_S)
    assert run(cluster, retries=0) == pod_runs.TaskEnd("success", 1)


def test_a_lost_answer_to_create_makes_no_second_pod(make_cluster: MakeCluster) -> None:
    cluster = make_cluster("exit 0")
    cluster.faults.lose_replies_to_create(1)
    assert run(cluster, retries=0) == pod_runs.TaskEnd("success", 1)
    assert len(cluster.created()) == 1


def test_a_pod_that_the_cluster_refuses_names_the_policy(
    make_cluster: MakeCluster, capfd: pytest.CaptureFixture[str]
) -> None:
    cluster = make_cluster("exit 0")
    cluster.api.policies = (lambda pods: iter(["a policy that refuses everything"]),)
    assert run(cluster, retries=0).state == "failed"
    told = capfd.readouterr()
    assert "a policy that refuses everything" in told.out + told.err
    assert cluster.created() == []
