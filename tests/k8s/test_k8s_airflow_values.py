"""The chart's values: no secret, no default user, restricted pods, names that the manifests know."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import yaml
from manifests import ROOT, named, read

VALUES = yaml.safe_load((ROOT / "k8s" / "airflow" / "values.yaml").read_text(encoding="utf-8"))
BASE = ROOT / "k8s" / "base"
PARTS = ("scheduler", "dagProcessor", "apiServer", "triggerer", "workers", "migrateDatabaseJob")
#: Parts that make or watch pods; nobody else gets a token.
AT_THE_API = {"scheduler", "triggerer", "workers"}


def objections(values: dict[str, Any]) -> list[str]:
    """What is wrong with the chart's values."""
    wrong = []
    pod, container = values["securityContexts"]["pod"], values["securityContexts"]["containers"]
    if (
        not pod.get("runAsNonRoot")
        or not pod.get("runAsUser")
        or pod.get("seccompProfile", {}) != {"type": "RuntimeDefault"}
    ):
        wrong.append("pods are not restricted")
    if container.get("allowPrivilegeEscalation") is not False or container["capabilities"] != {
        "drop": ["ALL"]
    }:
        wrong.append("containers are not restricted")
    if values["createUserJob"]["enabled"]:
        wrong.append("the chart makes admin/admin")
    for name in ("postgresql", "pgbouncer", "statsd"):  # each has an image or a password of its own
        if values[name]["enabled"]:
            wrong.append(f"{name} is on")
    given = {"fernetKey", "apiSecretKey", "jwtSecret", "webserverSecretKey", "extraSecrets"} & set(values)
    wrong += [f"{key} is written out" for key in sorted(given)]
    if "metadataConnection" in values["data"] or not values["data"].get("metadataSecretName"):
        wrong.append("the database's address is written out")
    wrong += [
        f"no {key}"
        for key in ("fernetKeySecretName", "apiSecretKeySecretName", "jwtSecretName")
        if not values.get(key)
    ]
    image, executor = values["images"]["airflow"], values["config"]["kubernetes_executor"]
    if not image.get("digest") or "tag" in image:
        wrong.append("no image by digest")
    template = values["images"]["pod_template"]
    workers = {
        f"{template['repository']}:{template['tag']}",
        f"{executor['worker_container_repository']}:{executor['worker_container_tag']}",
    }
    if workers != {f"{image['repository']}@{image.get('digest')}"}:
        wrong.append("workers run another image")
    for part in PARTS:
        account = values[part]["serviceAccount"]
        if part not in AT_THE_API and account.get("automountServiceAccountToken") is not False:
            wrong.append(f"{part} carries a token")
        if set(values[part]["resources"]) != {"requests", "limits"}:
            wrong.append(f"{part} has no limits")
    return wrong


def test_the_values_keep_the_rules() -> None:
    assert objections(VALUES) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("securityContexts", "pod", "runAsNonRoot"), False),
        (("securityContexts", "containers", "capabilities"), {"drop": ["NET_RAW"]}),
        (("createUserJob", "enabled"), True),
        (("postgresql", "enabled"), True),
        (("fernetKey",), "abc"),
        (("data", "metadataConnection"), {"pass": "postgres"}),
        (("jwtSecretName",), None),
        (("images", "airflow", "tag"), "3.3.2"),
        (("images", "airflow", "digest"), "sha256:" + "1" * 64),
        (("apiServer", "serviceAccount"), {"name": "iris-airflow-api-server"}),
        (("triggerer", "resources"), {}),
    ],
    ids=lambda value: ".".join(value) if isinstance(value, tuple) else None,
)
def test_a_rule_objects(path: tuple[str, ...], value: Any) -> None:
    values = copy.deepcopy(VALUES)
    place = values
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    assert objections(values)


def test_accounts_that_launch_pods_are_the_ones_that_the_role_is_bound_to() -> None:
    (binding,) = [m for m in read(BASE / "rbac.yaml") if m["kind"] == "RoleBinding"]
    bound = {(subject["namespace"], subject["name"]) for subject in binding["subjects"]}
    assert bound == {
        ("iris-platform", VALUES[part]["serviceAccount"]["name"]) for part in ("workers", "triggerer")
    }


def test_names_that_the_manifests_hold() -> None:
    there = {
        named(m) for path in BASE.glob("*.yaml") if path.name != "kustomization.yaml" for m in read(path)
    }
    assert f"PersistentVolumeClaim iris-platform/{VALUES['logs']['persistence']['existingClaim']}" in there
    for part in PARTS[:-1]:
        assert f"PriorityClass /{VALUES[part]['priorityClassName']}" in there


def test_airflow_is_the_locked_one() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    assert f"apache-airflow=={VALUES['airflowVersion']}" in lock
