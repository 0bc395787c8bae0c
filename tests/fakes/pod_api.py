"""Pods in memory: as much of the API as the pod operator calls. No kubelet; tests write the statuses.

Objects go in and out as JSON through the real client's own (de)serialisation, so a field that the client does
not know is lost here as well.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from kubernetes.client import ApiClient, ApiException, V1Pod, V1PodList


class PodApi:
    """Stands for CoreV1Api and for the provider's hook at once.

    ``before`` is called with the name of every operation and may raise; ``after`` likewise, when the work is
    done and only the answer can be lost.
    """

    is_in_cluster = False

    def __init__(self) -> None:
        self.api_client = ApiClient()
        self.pods: dict[str, dict[str, Any]] = {}
        self.deleted: list[tuple[str, int | None]] = []
        self.created: list[dict[str, Any]] = []
        self.before: Callable[[str], None] = lambda operation: None
        self.after: Callable[[str], None] = lambda operation: None

    @property
    def core_v1_client(self) -> PodApi:
        return self

    def create_namespaced_pod(self, body: dict[str, Any], namespace: str) -> V1Pod:
        self.before("create")
        name = body["metadata"]["name"]
        if name in self.pods:
            raise ApiException(status=409, reason="AlreadyExists")
        pod = json.loads(json.dumps(body))
        made = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=len(self.created))
        pod["metadata"]["creationTimestamp"] = made.isoformat()
        pod["status"] = {"phase": "Pending"}
        self.pods[name] = pod
        self.created.append(pod)
        self.after("create")
        return self._pod(pod)

    def read_namespaced_pod(self, name: str, namespace: str) -> V1Pod:
        self.before("read")
        if name not in self.pods:
            raise ApiException(status=404, reason="NotFound")
        return self._pod(self.pods[name])

    def get_pod(self, name: str, namespace: str) -> V1Pod:
        return self.read_namespaced_pod(name, namespace)

    def list_namespaced_pod(self, namespace: str, label_selector: str) -> V1PodList:
        self.before("list")
        found = [pod for pod in self.pods.values() if _selected(label_selector, pod["metadata"]["labels"])]
        return V1PodList(items=[self._pod(pod) for pod in found])

    def patch_namespaced_pod(self, name: str, namespace: str, body: dict[str, Any]) -> None:
        self.before("patch")
        self.pods[name]["metadata"]["labels"] |= body["metadata"]["labels"]

    def delete_namespaced_pod(
        self, name: str, namespace: str, body: Any = None, grace_period_seconds: int | None = None
    ) -> None:
        self.before("delete")
        if name not in self.pods:
            raise ApiException(status=404, reason="NotFound")
        del self.pods[name]
        self.deleted.append((name, grace_period_seconds))

    def read_namespaced_pod_log(self, **given: Any) -> list[bytes]:
        self.before("log")
        return [b"a line of the stage\n"]

    def status(self, **status: Any) -> None:
        """Give the newest pod a status."""
        name = self.created[-1]["metadata"]["name"]
        self.pods[name]["status"] = status

    def _pod(self, pod: dict[str, Any]) -> V1Pod:
        answer = SimpleNamespace(data=json.dumps(pod))
        return self.api_client.deserialize(answer, "V1Pod")


def ended(code: int, message: str = "", reason: str = "Error", **more: Any) -> dict[str, Any]:
    """The status of a pod whose container ended."""
    state = {"terminated": {"exitCode": code, "reason": reason, "message": message}}
    return {"phase": "Succeeded" if code == 0 else "Failed", **_container(state), **more}


def waiting(reason: str, message: str) -> dict[str, Any]:
    """The status of a pod that is on a node and does not start."""
    scheduled = {"type": "PodScheduled", "status": "True"}
    state = {"waiting": {"reason": reason, "message": message}}
    return {"phase": "Pending", "conditions": [scheduled], **_container(state)}


def running() -> dict[str, Any]:
    """The status of a pod that works."""
    return {"phase": "Running", **_container({"running": {}})}


def _container(state: dict[str, Any]) -> dict[str, Any]:
    one = {
        "name": "base",
        "state": state,
        "image": "i",
        "imageID": "i",
        "ready": False,
        "restartCount": 0,
    }
    return {"containerStatuses": [one]}


def _selected(selector: str, labels: dict[str, str]) -> bool:
    for term in selector.split(","):
        if "!=" in term:
            name, value = term.split("!=")
            fits = labels.get(name) != value
        elif term.startswith("!"):
            fits = term[1:] not in labels
        else:
            name, value = term.split("=")
            fits = labels.get(name) == value
        if not fits:
            return False
    return True
