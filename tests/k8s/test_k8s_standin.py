"""The stand-in itself: what it answers and writes is what an API server and a kubelet would."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kube_standin import Cluster
from kube_standin.faults import HOWS, Kill
from kubernetes import client, config, watch
from standin_clusters import MakeCluster
from urllib3.exceptions import HTTPError

from components import catalogue
from components.adapters.pod_spec import render_pod
from components.core.paths import project_root
from components.core.stage_graph import stage

NAMESPACE = "iris-retraining"
PATIENCE_S = 60


def core(cluster: Cluster) -> client.CoreV1Api:
    return client.CoreV1Api(config.new_client_from_config(str(cluster.kubeconfig)))


def a_pod(name: str = "a", **spec: Any) -> dict[str, Any]:
    params = catalogue.load(project_root(), "ci")
    pod = render_pod(stage("gate"), "fastpitch", params, project_root(), ["-m", "components", "gate"])
    pod["metadata"]["name"] = name
    pod["spec"] |= spec
    return pod


def until(api: client.CoreV1Api, holds: Callable[[Any], bool], name: str = "a") -> Any:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        pod = api.read_namespaced_pod(name, NAMESPACE)
        if holds(pod):
            return pod
        time.sleep(0.02)
    pytest.fail(f"never came: {pod.status}")


def log_of(api: client.CoreV1Api, **options: Any) -> str:
    # the client would make "b'...'" of it
    raw = api.read_namespaced_pod_log("a", NAMESPACE, _preload_content=False, **options)
    return str(raw.data.decode())


def over(pod: Any) -> bool:
    return pod.status.phase in {"Succeeded", "Failed"}


def running(pod: Any) -> bool:
    return bool(pod.status.phase == "Running")


def ended(pod: Any) -> Any:
    return pod.status.container_statuses[0].state.terminated


def conditions(pod: Any) -> dict[str, tuple[str, str | None]]:
    return {one.type: (one.status, one.reason) for one in pod.status.conditions}


def gone(cluster: Cluster) -> bool:
    return cluster.pods.wait_for(
        lambda: not cluster.pods.list(NAMESPACE, lambda pod: True), timeout_s=PATIENCE_S
    )


@pytest.mark.parametrize(
    ("code", "phase", "reason"), [(0, "Succeeded", "Completed"), (42, "Failed", "Error")]
)
def test_a_pod_ends_with_the_exit_code_of_its_command(
    make_cluster: MakeCluster, code: int, phase: str, reason: str
) -> None:
    cluster = make_cluster(f'echo "$@"; echo told > "$IRIS_ENDING_FILE"; exit {code}')
    api = core(cluster)
    api.create_namespaced_pod(NAMESPACE, a_pod())
    pod = until(api, over)
    assert (pod.status.phase, ended(pod).exit_code, ended(pod).reason) == (phase, code, reason)
    assert ended(pod).message == "told\n"
    assert ended(pod).finished_at >= ended(pod).started_at
    assert conditions(pod)["PodScheduled"] == ("True", None)
    assert log_of(api) == "-m components gate\n"
    phases = [seen["status"]["phase"] for _, _, seen in cluster.pods.history]
    assert sorted(set(phases), key=phases.index) == ["Pending", "Running", phase]


def test_a_container_gets_the_manifests_environment_and_none_of_ours(
    make_cluster: MakeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_OF_THE_TEST", "x")
    cluster = make_cluster("env; pwd")
    api = core(cluster)
    pod = a_pod()
    field = {"fieldRef": {"fieldPath": "metadata.labels['iris/stage']"}}
    pod["spec"]["containers"][0]["env"].append({"name": "STAGE", "valueFrom": field})
    api.create_namespaced_pod(NAMESPACE, pod)
    until(api, over)
    told = dict(line.split("=", 1) for line in cluster.log("a").splitlines() if "=" in line)
    assert told["IRIS_WORKSPACE"] == str(cluster.claims["iris-artifacts"])
    assert told["STAGE"] == "gate"
    assert told["HOME"].endswith("/a/scratch")
    assert Path(told["MPLCONFIGDIR"]).parent == Path(told["HOME"])
    assert "AIRFLOW_OF_THE_TEST" not in told


def test_without_a_policy_to_ask_for_the_log_a_silent_end_has_no_message(make_cluster: MakeCluster) -> None:
    api = core(make_cluster("echo last words; exit 3"))
    for name, policy in (("quiet", "File"), ("telling", "FallbackToLogsOnError")):
        pod = a_pod(name)
        pod["spec"]["containers"][0]["terminationMessagePolicy"] = policy
        api.create_namespaced_pod(NAMESPACE, pod)
    assert ended(until(api, over, "quiet")).message is None
    assert ended(until(api, over, "telling")).message == "last words\n"


def test_the_log_is_followed_while_the_container_writes(make_cluster: MakeCluster) -> None:
    cluster = make_cluster('echo first; until [ -f "$IRIS_WORKSPACE/go" ]; do sleep 0.05; done; echo 둘째')
    api = core(cluster)
    api.create_namespaced_pod(NAMESPACE, a_pod())
    until(api, running)
    lines = iter(api.read_namespaced_pod_log("a", NAMESPACE, follow=True, _preload_content=False))
    assert next(lines) == b"first\n"
    (cluster.claims["iris-artifacts"] / "go").touch()
    assert "".join(line.decode() for line in lines) == "둘째\n"
    stamped = log_of(api, timestamps=True, tail_lines=1)
    assert stamped.startswith("20")
    assert stamped.endswith("Z 둘째\n")


def test_delete_is_sigterm_then_grace_then_sigkill(make_cluster: MakeCluster) -> None:
    cluster = make_cluster("trap 'echo stopping; exit 143' TERM; sleep 60 & wait")
    api = core(cluster)
    api.create_namespaced_pod(NAMESPACE, a_pod())
    until(api, running)
    time.sleep(0.3)  # the shell sets its trap
    answer = api.delete_namespaced_pod("a", NAMESPACE)
    assert answer.metadata.deletion_timestamp
    assert gone(cluster)
    assert cluster.log("a") == "stopping\n"
    deaf = make_cluster("trap '' TERM; echo deaf; while :; do sleep 1; done")
    api = core(deaf)
    api.create_namespaced_pod(NAMESPACE, a_pod())
    until(api, lambda pod: running(pod) and "deaf" in deaf.log("a"))
    api.delete_namespaced_pod("a", NAMESPACE, grace_period_seconds=1)
    assert gone(deaf)
    assert ended_as_seen_last(deaf)["exitCode"] == 137


def ended_as_seen_last(cluster: Cluster) -> dict[str, Any]:
    last = cluster.pods.history[-1][2]
    return dict(last["status"]["containerStatuses"][0]["state"]["terminated"])


@pytest.mark.parametrize("how", HOWS)
def test_an_end_from_outside_reads_as_on_a_cluster(make_cluster: MakeCluster, how: str) -> None:
    cluster = make_cluster("trap 'exit 143' TERM; echo up; while :; do sleep 0.05; done")
    cluster.faults.kills([Kill(how, at_line="up")])
    api = core(cluster)
    api.create_namespaced_pod(NAMESPACE, a_pod())
    if how in {"evicted", "node"}:
        assert gone(cluster)
        return
    pod = until(api, over)
    expected = {"pressure": (143, "Error"), "killed": (137, "Error"), "oom": (137, "OOMKilled")}[how]
    assert (ended(pod).exit_code, ended(pod).reason) == expected
    assert pod.status.reason == ("Evicted" if how == "pressure" else None)
    assert conditions(pod).get("DisruptionTarget") == (
        ("True", "TerminationByKubelet") if how == "pressure" else None
    )
    assert [strike.hit for strike in cluster.faults.strikes] == [True]


def test_a_deadline_a_missing_secret_and_an_image_that_is_not_there(make_cluster: MakeCluster) -> None:
    cluster = make_cluster("sleep 60")
    api = core(cluster)
    api.create_namespaced_pod(NAMESPACE, a_pod("late", activeDeadlineSeconds=1))
    assert until(api, over, "late").status.reason == "DeadlineExceeded"
    pod = a_pod("secretless")
    pod["spec"]["containers"][0]["envFrom"] = [{"secretRef": {"name": "no-such"}}]
    api.create_namespaced_pod(NAMESPACE, pod)
    waits = until(api, lambda pod: waiting(pod) not in {None, "ContainerCreating"}, "secretless")
    assert waiting(waits) == "CreateContainerConfigError"
    cluster.faults.cannot_pull(message="manifest unknown")
    api.create_namespaced_pod(NAMESPACE, a_pod("imageless"))
    pod = until(api, lambda pod: waiting(pod) == "ImagePullBackOff", "imageless")
    assert "manifest unknown" in pod.status.container_statuses[0].state.waiting.message
    field = "involvedObject.name=imageless"
    events = api.list_namespaced_event(NAMESPACE, field_selector=field).items
    assert [event.reason for event in events] == ["Scheduled", "Failed", "BackOff"]


def waiting(pod: Any) -> str | None:
    state = pod.status.container_statuses
    return state[0].state.waiting.reason if state and state[0].state.waiting else None


def test_selectors_patches_watches_and_refusals(make_cluster: MakeCluster) -> None:
    cluster = make_cluster("exit 0")
    api = core(cluster)
    api.create_namespaced_pod(NAMESPACE, a_pod())
    until(api, over)
    listed = api.list_namespaced_pod(NAMESPACE, label_selector="iris/stage=gate,checked!=True,!worker").items
    assert [pod.metadata.name for pod in listed] == ["a"]
    api.patch_namespaced_pod("a", NAMESPACE, {"metadata": {"labels": {"checked": "True"}}})
    assert api.list_namespaced_pod(NAMESPACE, label_selector="checked!=True").items == []
    seen = [
        one["type"] for one in watch.Watch().stream(api.list_namespaced_pod, NAMESPACE, timeout_seconds=1)
    ]
    assert seen[0] == "ADDED"
    assert set(seen[1:]) == {"MODIFIED"}
    wild = a_pod("wild")
    wild["spec"]["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = True
    unpinned = a_pod("unpinned")
    unpinned["spec"]["containers"][0]["image"] = "iris:latest"
    for pod, code in (
        (a_pod(), 409),
        (wild, 403),
        (unpinned, 403),
        (a_pod("No_Name"), 422),
        (a_pod("odd", restartPolicy=1), 422),
    ):
        with pytest.raises(client.ApiException) as refused:
            api.create_namespaced_pod(NAMESPACE, pod)
        assert refused.value.status == code, refused.value.body
    with pytest.raises(client.ApiException) as refused:
        api.read_namespaced_pod("nobody", NAMESPACE)
    assert refused.value.status == 404
    api.api_client.default_headers["authorization"] = "Bearer another"
    api.api_client.configuration.api_key.clear()
    with pytest.raises(client.ApiException) as refused:
        api.read_namespaced_pod("a", NAMESPACE)
    assert refused.value.status == 401


def test_the_server_is_gone_and_comes_back_where_it_was(make_cluster: MakeCluster) -> None:
    cluster = make_cluster("sleep 0.5")
    api = core(cluster)
    api.create_namespaced_pod(NAMESPACE, a_pod())
    stream = api.list_namespaced_pod(
        NAMESPACE, watch=True, timeout_seconds=PATIENCE_S, _preload_content=False
    )
    follower = threading.Thread(target=_follow, args=(stream,))
    follower.start()
    cluster.api.gone()
    follower.join(PATIENCE_S)
    assert not follower.is_alive(), "an open stream outlived the server"
    with pytest.raises(Exception, match="refused"):
        core(cluster).read_namespaced_pod("a", NAMESPACE)
    cluster.wait_until_still()
    cluster.api.back()
    assert core(cluster).read_namespaced_pod("a", NAMESPACE).status.phase == "Succeeded"


def _follow(response: Any) -> None:
    with contextlib.suppress(HTTPError):
        response.read()
