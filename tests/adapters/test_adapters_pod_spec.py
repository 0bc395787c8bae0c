"""The rendered pods: valid for Kubernetes, restricted, on the right GPUs, and only GPU stages ask for one."""

from __future__ import annotations

from typing import Any

import kubernetes_validate
import pytest
from kubernetes.utils.quantity import parse_quantity

from components import catalogue
from components.adapters.pod_spec import GPU_RESOURCE, render_pod
from components.core.params import Params
from components.core.paths import NODE_CACHE_VARIABLE, project_root
from components.core.spending import GPUS_VARIABLE
from components.core.stage_graph import STAGES, Stage

ROOT = project_root()
PARAMS = catalogue.load(ROOT, None)
CASES = [(s, model) for s in STAGES for model in (catalogue.model_names() if s.per_model else (None,))]


def _pod(stage: Stage, model: str | None) -> dict[str, Any]:
    return render_pod(stage, model, PARAMS, ROOT, ["-m", "components", stage.name])


@pytest.mark.parametrize(("stage", "model"), CASES, ids=lambda v: getattr(v, "name", v))
def test_pods_are_valid_and_restricted(stage: Stage, model: str | None) -> None:
    pod = _pod(stage, model)
    kubernetes_validate.validate(pod, "1.34", strict=True)
    spec, container = pod["spec"], pod["spec"]["containers"][0]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["automountServiceAccountToken"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert "@sha256:" in container["image"]
    assert container["resources"]["requests"] == container["resources"]["limits"]
    scratch = {v["name"]: v for v in spec["volumes"]}
    assert scratch["scratch"]["emptyDir"]["sizeLimit"]
    assert scratch["shm"]["emptyDir"]["sizeLimit"]
    assert spec["activeDeadlineSeconds"] > 0
    assert pod["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == PARAMS.platform.kubernetes.queue_name


@pytest.mark.parametrize(("stage", "model"), CASES, ids=lambda v: getattr(v, "name", v))
def test_only_gpu_stages_go_to_a100_nodes(stage: Stage, model: str | None) -> None:
    pod = _pod(stage, model)
    limits = pod["spec"]["containers"][0]["resources"]["limits"]
    assert (GPU_RESOURCE in limits) is stage.gpu
    assert ("affinity" in pod["spec"]) is stage.gpu
    assert ("tolerations" in pod["spec"]) is stage.gpu
    if stage.gpu:
        required = pod["spec"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
        (expression,) = required["nodeSelectorTerms"][0]["matchExpressions"]
        assert expression["operator"] == "In"
        assert set(expression["values"]) == {"NVIDIA-A100-SXM4-80GB", "NVIDIA-A100-80GB-PCIe"}


def _with_node_cache(volume: str) -> Params:
    kubernetes = PARAMS.platform.kubernetes
    cache = kubernetes.node_cache.model_copy(update={"volume": volume})
    changed = kubernetes.model_copy(update={"node_cache": cache})
    return PARAMS.model_copy(update={"platform": PARAMS.platform.model_copy(update={"kubernetes": changed})})


@pytest.mark.parametrize("volume", ["claim", "empty_dir", "none"])
@pytest.mark.parametrize(("stage", "model"), CASES, ids=lambda v: getattr(v, "name", v))
def test_stages_that_read_data_get_the_node_cache(stage: Stage, model: str | None, volume: str) -> None:
    params = _with_node_cache(volume)
    pod = render_pod(stage, model, params, ROOT, [])
    kubernetes_validate.validate(pod, "1.34", strict=True)
    container = pod["spec"]["containers"][0]
    volumes = {v["name"]: v for v in pod["spec"]["volumes"]}
    mounts = {m["name"]: m["mountPath"] for m in container["volumeMounts"] if m["name"] == "node-cache"}
    named = [entry["value"] for entry in container["env"] if entry["name"] == NODE_CACHE_VARIABLE]
    if not stage.reads_data or volume == "none":
        assert ("node-cache" in volumes, mounts, named) == (False, {}, [])
        return
    assert named == [mounts["node-cache"]]
    assert "hostPath" not in volumes["node-cache"]
    scratch = parse_quantity(volumes["scratch"]["emptyDir"]["sizeLimit"])
    asked = parse_quantity(container["resources"]["limits"]["ephemeral-storage"])
    if volume == "claim":
        claim = params.platform.kubernetes.node_cache.claim
        assert volumes["node-cache"]["persistentVolumeClaim"] == {"claimName": claim}
        assert asked == scratch
    else:
        size = parse_quantity(volumes["node-cache"]["emptyDir"]["sizeLimit"])
        assert size > params.platform.kubernetes.node_cache.max_gib * 2**30
        assert asked == scratch + size


def test_the_stages_that_read_data_are_those_whose_code_does() -> None:
    sources = {s.name: (ROOT / "components" / "stages" / f"{s.name}.py").read_text("utf-8") for s in STAGES}
    reads = {name for name, text in sources.items() if "workspace.data," in text} - {"ingest"}
    reads |= {name for name, text in sources.items() if "stages.evaluate import" in text}
    assert {s.name for s in STAGES if s.reads_data} == reads == {"validate", "features", "adopt", "evaluate"}


@pytest.mark.parametrize(("stage", "model"), CASES, ids=lambda v: getattr(v, "name", v))
def test_a_pod_knows_what_it_costs(stage: Stage, model: str | None) -> None:
    container = _pod(stage, model)["spec"]["containers"][0]
    told = {entry["name"]: entry.get("value") for entry in container["env"]}
    assert told[GPUS_VARIABLE] == container["resources"]["limits"].get(GPU_RESOURCE, "0")


def test_credentials_come_by_reference_only() -> None:
    container = _pod(STAGES[0], None)["spec"]["containers"][0]
    assert {"secretRef": {"name": "iris-credentials"}} in container["envFrom"]
    words = ("PASSWORD", "SECRET", "TOKEN", "KEY")
    assert not [entry for entry in container["env"] if any(word in entry["name"] for word in words)]
