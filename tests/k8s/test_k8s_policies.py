"""A policy that cannot object is none: each one is shown a manifest with one thing wrong."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import cache
from typing import Any

import policies
import pytest
import yaml
from manifests import ROOT, Manifest, pod_specs, unrendered
from several_gpus import spread

from components import catalogue
from components.adapters.job_spec import render_job
from components.adapters.pod_spec import render_pod
from components.core.stage_graph import STAGES, stage

A100 = ROOT / "k8s" / "overlays" / "a100"
Mutation = Callable[[list[Manifest]], None]


def _find(manifests: list[Manifest], kind: str, name: str, namespace: str | None = None) -> Manifest:
    (found,) = [
        m
        for m in manifests
        if m["kind"] == kind
        and m["metadata"]["name"] == name
        and namespace in {None, m["metadata"].get("namespace")}
    ]
    return found


def _spec(manifests: list[Manifest], name: str = "mlflow") -> Manifest:
    (spec,) = [spec for m, _, spec in pod_specs(manifests) if m["metadata"]["name"] == name]
    return spec


def _container(manifests: list[Manifest], name: str = "mlflow") -> Manifest:
    container: Manifest = _spec(manifests, name)["containers"][0]
    return container


def _put(*path: Any, value: Any, where: Callable[[list[Manifest]], Manifest]) -> Mutation:
    def mutate(manifests: list[Manifest]) -> None:
        place: Any = where(manifests)
        for step in path[:-1]:
            place = place[step]
        if value is None:
            del place[path[-1]]
        else:
            place[path[-1]] = value

    return mutate


def _object(kind: str, name: str, namespace: str | None = None) -> Callable[[list[Manifest]], Manifest]:
    return lambda manifests: _find(manifests, kind, name, namespace)


def _drop(kind: str, name: str, namespace: str | None = None) -> Mutation:
    return lambda manifests: manifests.remove(_find(manifests, kind, name, namespace))


def _add(text: str) -> Mutation:
    return lambda manifests: manifests.append(yaml.safe_load(text))


def _sidecar(manifests: list[Manifest]) -> None:
    _spec(manifests)["initContainers"] = [{"name": "wait", "image": "busybox"}]


def _job(manifests: list[Manifest]) -> Manifest:
    job: Manifest = _find(manifests, "CronJob", "mlflow-db-upgrade")["spec"]["jobTemplate"]["spec"]
    return job


def _env(name: str, value: str) -> Mutation:
    return lambda manifests: _container(manifests)["env"].append({"name": name, "value": value})


def _queue(manifests: list[Manifest]) -> Manifest:
    group: Manifest = _find(manifests, "ClusterQueue", "iris")["spec"]["resourceGroups"][0]
    return group


RANKS = _object("Job", "iris-fastpitch-train")
ROLE = _object("Role", "iris-stage-launcher")
DOOR = _object("NetworkPolicy", "stages-to-mlflow")
SPACE = _object("Namespace", "iris-retraining")
QUOTA = _object("ResourceQuota", "stages")
WRONG: list[tuple[policies.Policy, Mutation]] = [
    (policies.restricted_pods, _put("securityContext", "runAsNonRoot", value=False, where=_spec)),
    (policies.restricted_pods, _put("securityContext", "runAsUser", value=0, where=_spec)),
    (policies.restricted_pods, _put("securityContext", "seccompProfile", value=None, where=_spec)),
    (policies.restricted_pods, _put("hostNetwork", value=True, where=_spec)),
    (policies.restricted_pods, _put("enableServiceLinks", value=None, where=_spec)),
    (
        policies.restricted_pods,
        _put("securityContext", "readOnlyRootFilesystem", value=False, where=_container),
    ),
    (
        policies.restricted_pods,
        _put("securityContext", "capabilities", "add", value=["NET_RAW"], where=_container),
    ),
    (policies.restricted_pods, _put("securityContext", "runAsUser", value=0, where=_container)),
    (policies.restricted_pods, _sidecar),
    (
        policies.restricted_pods,
        _put("securityContext", value={}, where=lambda m: _container(m, "mlflow-db-upgrade")),
    ),
    (policies.sized_volumes, _put("volumes", 0, value={"name": "scratch", "emptyDir": {}}, where=_spec)),
    (policies.sized_volumes, _put("volumes", 0, value={"name": "h", "hostPath": {"path": "/"}}, where=_spec)),
    (policies.images_by_digest, _put("image", value="registry.invalid/iris-mlflow:latest", where=_container)),
    (policies.images_by_digest, _put("image", value="registry.invalid/iris-mlflow", where=_container)),
    (policies.images_by_digest, _sidecar),
    (policies.limits_everywhere, _put("resources", "limits", "memory", value=None, where=_container)),
    (policies.limits_everywhere, _sidecar),
    (policies.no_needless_token, _put("automountServiceAccountToken", value=True, where=_spec)),
    (policies.no_needless_token, _put("automountServiceAccountToken", value=None, where=_spec)),
    (
        policies.no_needless_token,
        _put("automountServiceAccountToken", value=True, where=_object("ServiceAccount", "iris-stage")),
    ),
    (policies.narrow_roles, _put("rules", 0, "verbs", value=["*"], where=ROLE)),
    (policies.narrow_roles, _put("rules", 0, "resources", value=["pods", "secrets"], where=ROLE)),
    (policies.narrow_roles, _put("rules", 0, "resources", value=["pods/exec"], where=ROLE)),
    (policies.narrow_roles, _put("rules", 1, "verbs", value=["get", "delete"], where=ROLE)),
    (policies.narrow_roles, _put("kind", value="ClusterRole", where=ROLE)),
    (policies.default_deny, _drop("NetworkPolicy", "default-deny", "iris-retraining")),
    (
        policies.default_deny,
        _put(
            "spec",
            "policyTypes",
            value=["Ingress"],
            where=_object("NetworkPolicy", "default-deny", "iris-platform"),
        ),
    ),
    (
        policies.default_deny,
        _put("spec", "egress", value=[{}], where=_object("NetworkPolicy", "default-deny", "iris-platform")),
    ),
    (policies.named_doors, _put("spec", "egress", value=[{}], where=DOOR)),
    (policies.named_doors, _put("spec", "egress", 0, "ports", value=None, where=DOOR)),
    (
        policies.named_doors,
        _put("spec", "egress", 0, "to", value=[{"ipBlock": {"cidr": "0.0.0.0/0"}}], where=DOOR),
    ),
    (policies.named_doors, _put("spec", "egress", 0, "to", value=[{"namespaceSelector": {}}], where=DOOR)),
    (policies.named_doors, _put("spec", "podSelector", value={}, where=DOOR)),
    (policies.named_doors, _put("metadata", "name", value="stages", where=DOOR)),
    (policies.named_doors, _put("metadata", "annotations", value=None, where=DOOR)),
    (policies.doors_lead_to_pods, _put("spec", "podSelector", value={"matchLabels": {"a": "b"}}, where=DOOR)),
    (
        policies.doors_lead_to_pods,
        _put("spec", "egress", 0, "to", value=[{"podSelector": {"matchLabels": {"app": "x"}}}], where=DOOR),
    ),
    (
        policies.doors_lead_to_pods,
        _put("spec", "template", "metadata", "labels", value={}, where=RANKS),
    ),
    (
        policies.doors_lead_to_pods,
        _put(
            *("spec", "podSelector", "matchExpressions", 1, "values"),
            value=["sheduler"],
            where=_object("NetworkPolicy", "airflow-to-kubernetes-api"),
        ),
    ),
    (
        policies.enforced_namespaces,
        _put("metadata", "labels", "pod-security.kubernetes.io/enforce", value="baseline", where=SPACE),
    ),
    (
        policies.enforced_namespaces,
        _put("metadata", "labels", "pod-security.kubernetes.io/enforce-version", value="latest", where=SPACE),
    ),
    (policies.complete_quotas, _drop("ResourceQuota", "stages")),
    (policies.complete_quotas, _put("spec", "hard", policies.GPU, value=None, where=QUOTA)),
    (policies.complete_quotas, _put("spec", "hard", "services.loadbalancers", value="1", where=QUOTA)),
    (
        policies.complete_quotas,
        _put("spec", "type", value="LoadBalancer", where=_object("Service", "mlflow")),
    ),
    (policies.sound_jobs, _put("template", "spec", "restartPolicy", value="OnFailure", where=_job)),
    (policies.sound_jobs, _put("spec", "template", "spec", "restartPolicy", value="OnFailure", where=RANKS)),
    (policies.sound_jobs, _put("podFailurePolicy", value=None, where=_job)),
    (policies.sound_jobs, _put("podFailurePolicy", "rules", 0, value=None, where=_job)),
    (
        policies.sound_jobs,
        _put("podFailurePolicy", "rules", 1, "onExitCodes", "containerName", value="other", where=_job),
    ),
    (policies.sound_jobs, _put("activeDeadlineSeconds", value=None, where=_job)),
    (policies.secrets_by_reference, _env("MLFLOW_TRACKING_PASSWORD", "hunter2")),
    (policies.secrets_by_reference, _env("DATABASE", "postgresql://iris:hunter2@db/mlflow")),
    (
        policies.secrets_by_reference,
        _add("{apiVersion: v1, kind: Secret, metadata: {name: s}, stringData: {a: b}}"),
    ),
    (policies.everything_named_exists, _put("serviceAccountName", value="nobody", where=_spec)),
    (policies.everything_named_exists, _put("priorityClassName", value="iris-trainning", where=_spec)),
    (policies.everything_named_exists, _drop("ServiceAccount", "mlflow")),
    (policies.everything_named_exists, _drop("Namespace", "iris-platform")),
    (
        policies.everything_named_exists,
        _put("spec", "selector", value={"app": "x"}, where=_object("Service", "mlflow")),
    ),
    (
        policies.everything_named_exists,
        _put("roleRef", "name", value="admin", where=_object("RoleBinding", "iris-stage-launcher")),
    ),
    (policies.consistent_queues, _drop("ResourceFlavor", "iris-a100-pcie-80gb")),
    (policies.consistent_queues, _drop("ClusterQueue", "iris")),
    (policies.consistent_queues, _put("flavors", 1, "resources", 3, value=None, where=_queue)),
    (
        policies.consistent_queues,
        _put("apiVersion", value="kueue.x-k8s.io/v1beta1", where=_object("LocalQueue", "iris")),
    ),
]


@cache
def _sound() -> list[Manifest]:
    params = catalogue.load(ROOT, None)
    pod = render_pod(STAGES[0], None, params, ROOT, [])
    job = render_job(stage("train"), "fastpitch", spread(params, 2, 2), ROOT, [])
    return [pod, job, *(one for one in yaml.load_all(unrendered(A100), yaml.CSafeLoader) if one)]


@pytest.fixture
def manifests() -> list[Manifest]:
    return copy.deepcopy(_sound())


@pytest.mark.parametrize(
    ("policy", "mutate"), WRONG, ids=[f"{policy.__name__}-{n}" for n, (policy, _) in enumerate(WRONG)]
)
def test_a_policy_objects(policy: policies.Policy, mutate: Mutation, manifests: list[Manifest]) -> None:
    assert list(policy(_sound())) == []
    mutate(manifests)
    assert list(policy(manifests))


def test_every_policy_is_shown_something_wrong() -> None:
    assert {policy for policy, _ in WRONG} == set(policies.POLICIES)
