"""The rendered pods: valid for Kubernetes, restricted, on the right GPUs, and only GPU stages ask for one."""

from __future__ import annotations

from typing import Any

import kubernetes_validate
import pytest

from components import catalogue
from components.adapters.pod_spec import GPU_RESOURCE, render_pod
from components.core.paths import project_root
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


def test_credentials_come_by_reference_only() -> None:
    container = _pod(STAGES[0], None)["spec"]["containers"][0]
    assert {"secretRef": {"name": "iris-credentials"}} in container["envFrom"]
    words = ("PASSWORD", "SECRET", "TOKEN", "KEY")
    assert not [entry for entry in container["env"] if any(word in entry["name"] for word in words)]
