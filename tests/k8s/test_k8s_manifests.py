"""Every overlay, as kustomize renders it and as its files lie: valid, within our policies, consistent."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from decimal import Decimal
from functools import cache
from pathlib import Path

import kubernetes_validate
import pytest
import yaml
from kubernetes.utils.quantity import parse_quantity
from manifests import OVERLAYS, ROOT, Manifest, kustomize, pod_specs, read, rendered, unrendered
from policies import GPU, POLICIES, Policy
from several_gpus import spread

from components import catalogue
from components.adapters.job_spec import render_job
from components.adapters.pod_spec import GPU_PRODUCT_LABEL, render_pod
from components.core.params import Params
from components.core.stage_graph import STAGES, stage

VERSIONS = ("1.34", "1.37")
LOADER = ROOT / "k8s" / "tools" / "loader-pod.yaml"
#: Which profile's pods run on which overlay; None is params.yaml itself.
PROFILES = {"a100": None, "kind-cpu": "kind"}
#: kubernetes-validate knows the kinds of Kubernetes; what Kueue's v1beta2 takes of ours stands here.
KUEUE_FIELDS = {
    "ResourceFlavor": {"nodeLabels", "nodeTaints", "tolerations", "topologyName"},
    "LocalQueue": {"clusterQueue", "stopPolicy", "fairSharing"},
    "ClusterQueue": {
        "resourceGroups", "cohortName", "queueingStrategy", "namespaceSelector", "flavorFungibility",
        "preemption", "admissionChecksStrategy", "stopPolicy", "fairSharing", "admissionScope",
    },
}  # fmt: skip
WAYS = [
    pytest.param(
        rendered, id="rendered", marks=pytest.mark.skipif(not kustomize(), reason="no kubectl, no kustomize")
    ),
    pytest.param(unrendered, id="files"),
]


@pytest.fixture(params=OVERLAYS, ids=lambda overlay: overlay.name)
def overlay(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


@pytest.fixture(params=WAYS)
def manifests(request: pytest.FixtureRequest, overlay: Path) -> list[Manifest]:
    return _parsed(request.param, overlay)


@cache
def _parsed(way: Callable[[Path], str], overlay: Path) -> list[Manifest]:
    return [one for one in yaml.load_all(way(overlay), yaml.CSafeLoader) if one]


@cache
def _params(overlay: Path) -> Params:
    return catalogue.load(ROOT, PROFILES[overlay.name])


@pytest.mark.parametrize("policy", POLICIES, ids=lambda p: p.__name__)
def test_policies_hold(policy: Policy, overlay: Path, manifests: list[Manifest]) -> None:
    """The pods of all stages included, as they will be submitted, and the one that people start by hand."""
    job = render_job(stage("train"), "fastpitch", spread(_params(overlay), 2, 1), ROOT, [])
    assert list(policy([*manifests, *read(LOADER), *_stage_pods(overlay), job])) == []


def test_the_ranks_of_a_training_meet_where_the_parameters_say(manifests: list[Manifest]) -> None:
    kubernetes = catalogue.load(ROOT, None).platform.kubernetes
    (service,) = [m for m in manifests if m["metadata"]["name"] == kubernetes.ranks_service]
    assert service["metadata"]["namespace"] == kubernetes.namespace
    assert service["spec"]["clusterIP"] == "None"
    assert service["spec"]["publishNotReadyAddresses"] is True
    assert [port["port"] for port in service["spec"]["ports"]] == [kubernetes.rendezvous_port]
    (door,) = [m["spec"] for m in manifests if m["metadata"]["name"] == "ranks-to-ranks"]
    for rule in (*door["ingress"], *door["egress"]):
        assert rule["ports"][0]["port"] == kubernetes.rendezvous_port


@pytest.mark.parametrize("version", VERSIONS)
def test_manifests_are_valid(version: str, overlay: Path) -> None:
    """Schemas take seconds: what is rendered, where something renders, else the files."""
    text = (rendered if kustomize() else unrendered)(overlay)
    for manifest in [*read(LOADER), *yaml.load_all(text, yaml.CSafeLoader)]:
        if "kueue" in manifest["apiVersion"]:
            assert set(manifest.get("spec", {})) <= KUEUE_FIELDS[manifest["kind"]], manifest
        else:
            kubernetes_validate.validate(manifest, version, strict=True)


def test_one_file_holds_every_address_of_a_site(tmp_path: Path) -> None:
    """What is written into site.yaml reaches every policy and claim; no address stands anywhere else."""
    if not kustomize():
        pytest.skip("no kubectl, no kustomize")
    shutil.copytree(ROOT / "k8s", tmp_path / "k8s")
    overlay = tmp_path / "k8s" / "overlays" / "a100"
    (site,) = read(overlay / "site.yaml")
    site["data"] = {key: f"10.0.{number}.0/28" for number, key in enumerate(site["data"])}
    site["data"]["shared_storage_class"] = "nfs-of-the-site"
    (overlay / "site.yaml").write_text(yaml.safe_dump(site), encoding="utf-8")
    text = rendered(overlay)
    assert "iris-site" not in text
    assert "192.0.2." not in text
    assert not [value for value in site["data"].values() if value not in text]
    claims = [m for m in yaml.safe_load_all(text) if m["kind"] == "PersistentVolumeClaim"]
    shared = [claim for claim in claims if "volumeName" not in claim["spec"]]  # the nodes' own disks are not
    assert {claim["spec"]["storageClassName"] for claim in shared} == {"nfs-of-the-site"}
    assert len(shared) == len(claims) - 1


def test_pods_of_the_stages_find_what_they_name(overlay: Path, manifests: list[Manifest]) -> None:
    kubernetes = _params(overlay).platform.kubernetes
    there = {(m["kind"], m["metadata"].get("namespace", ""), m["metadata"]["name"]) for m in manifests}
    space = kubernetes.namespace
    assert {
        ("Namespace", "", space),
        ("ServiceAccount", space, kubernetes.service_account),
        ("PersistentVolumeClaim", space, kubernetes.storage_claim),
        ("PriorityClass", "", kubernetes.priority_class),
        ("LocalQueue", space, kubernetes.queue_name),
    } <= there
    named = {
        volume["persistentVolumeClaim"]["claimName"]
        for pod in _stage_pods(overlay)
        for volume in pod["spec"]["volumes"]
        if "persistentVolumeClaim" in volume
    }
    assert {("PersistentVolumeClaim", space, claim) for claim in named} <= there
    (launcher,) = [m for m in manifests if m["kind"] == "RoleBinding"]
    assert launcher["metadata"]["namespace"] == space


def test_the_queue_covers_what_stages_request(overlay: Path, manifests: list[Manifest]) -> None:
    """Kueue never admits a pod that requests a resource its cluster queue does not cover."""
    params = _params(overlay)
    (queue,) = [m["spec"] for m in manifests if m["kind"] == "ClusterQueue"]
    covered = {name for group in queue["resourceGroups"] for name in group["coveredResources"]}
    flavours = [flavour for group in queue["resourceGroups"] for flavour in group["flavors"]]
    for pod in _stage_pods(overlay):
        requests = pod["spec"]["containers"][0]["resources"]["requests"]
        assert set(requests) <= covered, pod["metadata"]["name"]
        assert any(
            all(
                _quantity(requests.get(r["name"], 0)) <= _quantity(r["nominalQuota"])
                for r in flavour["resources"]
            )
            for flavour in flavours
        ), f"{pod['metadata']['name']} fits no flavour"
    assert queue["namespaceSelector"]["matchLabels"] == {
        "kubernetes.io/metadata.name": params.platform.kubernetes.namespace
    }


def test_flavours_with_gpus_are_the_products_of_the_parameters(
    overlay: Path, manifests: list[Manifest]
) -> None:
    params = _params(overlay)
    wants_gpus = any(model.resources.gpus for model in params.models.values())
    products = {
        flavour["spec"]["nodeLabels"][GPU_PRODUCT_LABEL]
        for flavour in manifests
        if flavour["kind"] == "ResourceFlavor"
        and GPU_PRODUCT_LABEL in flavour.get("spec", {}).get("nodeLabels", {})
    }
    assert products == (set(params.platform.kubernetes.gpu_products) if wants_gpus else set())


def test_the_quota_holds_what_airflow_may_submit_at_once(overlay: Path, manifests: list[Manifest]) -> None:
    """A pod over a quota is refused, not queued: the sum of the pools must fit."""
    params = _params(overlay)
    hard = next(
        m["spec"]["hard"]
        for m in manifests
        if m["kind"] == "ResourceQuota" and m["metadata"]["namespace"] == params.platform.kubernetes.namespace
    )
    gpu_pods = sorted(
        (model.resources for model in params.models.values()), key=lambda r: _quantity(r.memory), reverse=True
    )
    many, cpu = params.platform.airflow.pools.a100, params.platform.kubernetes.cpu_stage
    largest = [gpu_pods[index % len(gpu_pods)] for index in range(many)]
    models = len(params.models)
    # an emptyDir as node cache comes on top of the scratch space, in every pod that reads data
    pods = _stage_pods(overlay)
    cache = max(_requested(pod, "ephemeral-storage") - _sized(pod, "scratch") for pod in pods)
    assert _quantity(hard[GPU]) >= sum(r.gpus for r in largest)
    for resource, field in (("cpu", "cpu"), ("memory", "memory"), ("ephemeral-storage", "scratch")):
        wanted = sum(_quantity(getattr(r, field)) for r in largest) + models * _quantity(getattr(cpu, field))
        wanted += (many + models) * cache if field == "scratch" else 0
        for side in ("requests", "limits"):
            assert _quantity(hard[f"{side}.{resource}"]) >= wanted, f"{side}.{resource}"
    assert int(hard["pods"]) >= many + models


def test_stages_reach_mlflow_under_the_name_it_answers_to(manifests: list[Manifest]) -> None:
    (spec,) = [
        s
        for m, _, s in pod_specs(manifests)
        if m["kind"] == "Deployment" and m["metadata"]["name"] == "mlflow"
    ]
    hosts = {e["name"]: e.get("value", "") for e in spec["containers"][0]["env"]}[
        "MLFLOW_SERVER_ALLOWED_HOSTS"
    ]
    uri = catalogue.load(ROOT, "kind").platform.mlflow.tracking_uri
    assert uri.removeprefix("http://") in hosts.split(",")
    assert "*" not in hosts


@cache
def _stage_pods(overlay: Path) -> list[Manifest]:
    params = _params(overlay)
    return [
        render_pod(stage, model, params, ROOT, [])
        for stage in STAGES
        for model in (params.models if stage.per_model else [None])
    ]


def _requested(pod: Manifest, resource: str) -> Decimal:
    return _quantity(pod["spec"]["containers"][0]["resources"]["requests"][resource])


def _sized(pod: Manifest, name: str) -> Decimal:
    (volume,) = [volume for volume in pod["spec"]["volumes"] if volume["name"] == name]
    return _quantity(volume["emptyDir"]["sizeLimit"])


def _quantity(text: str | int) -> Decimal:
    quantity: Decimal = parse_quantity(text)
    return quantity


def test_the_node_cache_is_a_local_volume_large_enough_and_only_on_labelled_nodes() -> None:
    (overlay,) = [one for one in OVERLAYS if one.name == "a100"]
    objects = [m for m in yaml.safe_load_all(unrendered(overlay)) if m]
    cache = _params(overlay).platform.kubernetes.node_cache
    (volume,) = [m for m in objects if m["kind"] == "PersistentVolume"]
    (claim,) = [
        m for m in objects if m["kind"] == "PersistentVolumeClaim" and m["metadata"]["name"] == cache.claim
    ]
    assert "local" in volume["spec"]  # the scheduler must know which nodes have the folder
    (term,) = volume["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"]
    assert term["matchExpressions"] == [{"key": "iris/node-cache", "operator": "In", "values": ["true"]}]
    assert claim["spec"]["volumeName"] == volume["metadata"]["name"]
    assert claim["spec"]["storageClassName"] == volume["spec"]["storageClassName"] == ""
    assert volume["spec"]["claimRef"]["name"] == claim["metadata"]["name"]
    assert _quantity(volume["spec"]["capacity"]["storage"]) > cache.max_gib * 2**30
