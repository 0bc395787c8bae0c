"""Reads a compiled Kubeflow pipeline back into tasks, edges, conditions and pods."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

GPU = "nvidia.com/gpu"
ALWAYS = "ALL_UPSTREAM_TASKS_COMPLETED"


@dataclass
class Compiled:
    """One task of a pipeline.

    Attributes:
        needs: tasks that come first, near and far, through the groups it lies in too.
        conditions: under which it runs, outermost first.
        always: runs whatever became of what came first.
        pod: of its pod what a pipeline can say, in the shape of `carried`.
        retry: its retry policy as it stands.
        cached: whether Kubeflow may skip it by its own cache.
    """

    needs: set[str]
    conditions: tuple[str, ...]
    always: bool
    pod: dict[str, Any]
    retry: dict[str, Any]
    cached: bool


@dataclass
class _Reader:
    spec: Mapping[str, Any]
    platform: Mapping[str, Any]
    found: dict[str, Compiled] = field(default_factory=dict)

    def walk(self, dag: Mapping[str, Any], needs: set[str], conditions: tuple[str, ...]) -> set[str]:
        """Read a DAG and the groups in it; returns the names of all its tasks."""
        members: dict[str, set[str]] = {}
        for key in _in_order(dag["tasks"]):
            task = dag["tasks"][key]
            direct = {name for needed in task.get("dependentTasks", []) for name in members[needed]}
            first = needs | direct | {far for name in direct for far in self.found[name].needs}
            policy = task.get("triggerPolicy", {})
            inner = (*conditions, policy["condition"]) if "condition" in policy else conditions
            component = self.spec["components"][task["componentRef"]["name"]]
            if "dag" in component:
                members[key] = self.walk(component["dag"], first, inner)
            else:
                members[key] = {self._leaf(task, component["executorLabel"], first, inner)}
        return {name for names in members.values() for name in names}

    def _leaf(self, task: Mapping[str, Any], label: str, needs: set[str], conditions: tuple[str, ...]) -> str:
        name: str = task["taskInfo"]["name"]
        self.found[name] = Compiled(
            needs=needs,
            conditions=conditions,
            always=task.get("triggerPolicy", {}).get("strategy") == ALWAYS,
            pod=_pod(self.spec["deploymentSpec"]["executors"][label]["container"], self.platform[label]),
            retry=task["retryPolicy"],
            cached=bool(task["cachingOptions"].get("enableCache")),
        )
        return name


def compiled(path: Path) -> dict[str, Compiled]:
    """The tasks of a compiled pipeline by name."""
    spec, platform = yaml.load_all(path.read_text(encoding="utf-8"), yaml.CSafeLoader)
    reader = _Reader(spec, platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"])
    reader.walk(spec["root"]["dag"], set(), ())
    return reader.found


def parameters(path: Path) -> dict[str, Any]:
    """The pipeline's parameters with their defaults."""
    spec = next(yaml.load_all(path.read_text(encoding="utf-8"), yaml.CSafeLoader))
    given = spec["root"]["inputDefinitions"]["parameters"]
    return {name: definition["defaultValue"] for name, definition in given.items()}


def carried(pod: Mapping[str, Any]) -> dict[str, Any]:
    """Of a rendered pod what a pipeline can say; mounts are told by their path, with what lies there."""
    spec, box = pod["spec"], pod["spec"]["containers"][0]
    volumes = {volume["name"]: volume for volume in spec["volumes"]}
    limits, requests = box["resources"]["limits"], box["resources"]["requests"]
    required = spec.get("affinity", {}).get("nodeAffinity", {})
    terms = required.get("requiredDuringSchedulingIgnoredDuringExecution", {}).get("nodeSelectorTerms", [])
    identity = ("runAsUser", "runAsGroup", "runAsNonRoot")
    return {
        "image": box["image"],
        "command": box["command"],
        "env": {entry["name"]: entry["value"] for entry in box["env"]},
        "secrets": [entry["secretRef"]["name"] for entry in box["envFrom"]],
        "requests": {key: requests[key] for key in ("cpu", "memory")},
        "limits": {key: limits[key] for key in ("cpu", "memory", GPU) if key in limits},
        "labels": pod["metadata"]["labels"],
        "deadline": spec["activeDeadlineSeconds"],
        "identity": {key: spec["securityContext"][key] for key in identity},
        "affinity": [term["matchExpressions"] for term in terms],
        "tolerations": spec.get("tolerations", []),
        "mounts": {mount["mountPath"]: _source(volumes[mount["name"]]) for mount in box["volumeMounts"]},
    }


def _source(volume: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in volume.items() if key != "name"}


def _pod(container: Mapping[str, Any], platform: Mapping[str, Any]) -> dict[str, Any]:
    resources = container["resources"]
    gpu = resources.get("accelerator", {})
    identity = platform["securityContext"]
    claims = {
        mount["mountPath"]: {"persistentVolumeClaim": {"claimName": mount["constant"]}}
        for mount in platform["pvcMount"]
    }
    empty = {
        mount["mountPath"]: {"emptyDir": {k: mount[k] for k in ("medium", "sizeLimit") if k in mount}}
        for mount in platform["emptyDirMounts"]
    }
    return {
        "image": container["image"],
        "command": [*container["command"], *container["args"]],
        "env": {entry["name"]: entry["value"] for entry in container["env"]},
        "secrets": [secret["secretName"] for secret in platform["secretAsEnv"]],
        "requests": {"cpu": resources["resourceCpuRequest"], "memory": resources["resourceMemoryRequest"]},
        "limits": {
            "cpu": resources["resourceCpuLimit"],
            "memory": resources["resourceMemoryLimit"],
            **({gpu["resourceType"]: gpu["resourceCount"]} if gpu else {}),
        },
        "labels": platform["podMetadata"]["labels"],
        "deadline": int(platform["activeDeadlineSeconds"]),
        "identity": {
            "runAsUser": int(identity["runAsUser"]),
            "runAsGroup": int(identity["runAsGroup"]),
            "runAsNonRoot": identity["runAsNonRoot"],
        },
        "affinity": [term["matchExpressions"] for term in platform.get("nodeAffinity", [])],
        "tolerations": platform.get("tolerations", []),
        "mounts": claims | empty,
    }


def _in_order(tasks: Mapping[str, Any]) -> Iterator[str]:
    pending = dict(tasks)
    while pending:
        ready = [k for k, task in pending.items() if not set(task.get("dependentTasks", [])) & set(pending)]
        assert ready, f"a circle among {sorted(pending)}"
        for key in ready:
            del pending[key]
        yield from ready
