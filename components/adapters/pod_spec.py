"""The pod of a stage: k8s/pod-template.yaml filled from params.yaml. Plain data; nothing is sent anywhere.

Facts behind the choices: 52 GB (the research log's figure) needs a whole 80 GB GPU, hence an affinity to the
two A100 80 GB products and no MIG slice; Kueue admits a pod by its queue label. A profile that gives a model
no GPU (``kind``) gets pods that any node takes.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml
from kubernetes.utils.quantity import parse_quantity

from components.adapters.torchrun_command import launcher
from components.core.params import Params
from components.core.paths import NODE_CACHE_VARIABLE
from components.core.spending import GPUS_VARIABLE
from components.core.stage_graph import Stage

TEMPLATE = Path("k8s") / "pod-template.yaml"
#: Label and annotation that hold the key of the attempt a pod belongs to (components/core/attempt.py).
ATTEMPT = "iris/attempt"
GPU_RESOURCE = "nvidia.com/gpu"
GPU_PRODUCT_LABEL = "nvidia.com/gpu.product"
_SECONDS_PER_HOUR = 3600
_BYTES_PER_GIB = 1 << 30
_NODE_CACHE_FOLDER = "/node-cache"
#: Of an emptyDir: lists, locks and files on their way come on top of the cache's bound.
_NODE_CACHE_HEADROOM_GIB = 1


def render_pod(
    stage: Stage, model: str | None, params: Params, project: Path, command: Sequence[str]
) -> dict[str, Any]:
    """A complete Pod manifest.

    Args:
        stage: only a GPU stage asks for GPUs; one that spreads for as many as ``resources.gpus`` of its
            model, another for one.
        model: whose ``resources`` apply to a GPU stage.
        params: of the cluster profile.
        project: holds the template.
        command: arguments to the image's Python, ``-m components <stage> ...``.
    """
    template = yaml.safe_load((project / TEMPLATE).read_text(encoding="utf-8"))
    pod: dict[str, Any] = copy.deepcopy(template)
    kubernetes = params.platform.kubernetes
    pod["metadata"] |= {"name": _name(stage, model), "namespace": kubernetes.namespace}
    pod["metadata"]["labels"] |= {
        "kueue.x-k8s.io/queue-name": kubernetes.queue_name,
        "iris/stage": stage.name,
        "iris/model": model or "all",
    }
    spec = pod["spec"]
    spec |= {
        "serviceAccountName": kubernetes.service_account,
        "priorityClassName": kubernetes.priority_class,
        "activeDeadlineSeconds": round(kubernetes.active_deadline_h * _SECONDS_PER_HOUR),
        "terminationGracePeriodSeconds": kubernetes.termination_grace_s,
    }
    if gpus(stage, model, params):
        spec |= _gpu_placement(kubernetes.gpu_products)
    _fill_container(spec["containers"][0], stage, model, params, command)
    _fill_volumes(spec["volumes"], stage, model, params)
    if _has_node_cache(stage, params):
        _add_node_cache(spec, params)
    return pod


def gpus(stage: Stage, model: str | None, params: Params) -> int:
    """How many GPUs a pod of a stage asks for."""
    asked = params.models[model].resources.gpus if stage.gpu and model is not None else 0
    return asked if stage.spreads else min(asked, 1)


def _name(stage: Stage, model: str | None) -> str:
    # A pod's name allows no underscore (RFC 1123).
    return "-".join(part for part in ("iris", model, stage.name) if part).replace("_", "-")


def _gpu_placement(products: Sequence[str]) -> dict[str, Any]:
    term = {"matchExpressions": [{"key": GPU_PRODUCT_LABEL, "operator": "In", "values": list(products)}]}
    return {
        "affinity": {
            "nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}
        },
        "tolerations": [{"key": GPU_RESOURCE, "operator": "Exists", "effect": "NoSchedule"}],
    }


def _fill_container(
    container: dict[str, Any], stage: Stage, model: str | None, params: Params, command: Sequence[str]
) -> None:
    asked = _asked(stage, model, params)
    amounts: dict[str, Any] = {
        "cpu": asked["cpu"],
        "memory": asked["memory"],
        "ephemeral-storage": _ephemeral_storage(asked["scratch"], stage, params),
    }
    if asked_gpus := gpus(stage, model, params):
        amounts[GPU_RESOURCE] = str(asked_gpus)
    # what the pod holds, whether it uses it or not, is what it costs
    container["env"].append({"name": GPUS_VARIABLE, "value": str(asked_gpus)})
    container["image"] = params.platform.kubernetes.image
    container["command"] = [*launcher(stage, model, params), *command]
    # requests equal limits: the pod is of the Guaranteed class and is evicted last
    container["resources"] = {"requests": dict(amounts), "limits": dict(amounts)}


def _add_node_cache(spec: dict[str, Any], params: Params) -> None:
    cache = params.platform.kubernetes.node_cache
    source: dict[str, Any] = (
        {"persistentVolumeClaim": {"claimName": cache.claim}}
        if cache.volume == "claim"
        else {"emptyDir": {"sizeLimit": _gib(_node_cache_bytes(params))}}
    )
    spec["volumes"].append({"name": "node-cache", **source})
    container = spec["containers"][0]
    container["volumeMounts"].append({"name": "node-cache", "mountPath": _NODE_CACHE_FOLDER})
    container["env"].append({"name": NODE_CACHE_VARIABLE, "value": _NODE_CACHE_FOLDER})


def _has_node_cache(stage: Stage, params: Params) -> bool:
    return stage.reads_data and params.platform.kubernetes.node_cache.volume != "none"


def _ephemeral_storage(scratch: str, stage: Stage, params: Params) -> str:
    """An emptyDir counts against it, a claim does not."""
    if not _has_node_cache(stage, params) or params.platform.kubernetes.node_cache.volume == "claim":
        return scratch
    return _gib(parse_quantity(scratch) + _node_cache_bytes(params))


def _node_cache_bytes(params: Params) -> int:
    return (params.platform.kubernetes.node_cache.max_gib + _NODE_CACHE_HEADROOM_GIB) * _BYTES_PER_GIB


def _gib(amount: int | Decimal) -> str:
    """Bytes as Kubernetes' GiB, rounded up."""
    return f"{math.ceil(amount / _BYTES_PER_GIB)}Gi"


def _fill_volumes(volumes: Sequence[dict[str, Any]], stage: Stage, model: str | None, params: Params) -> None:
    asked = _asked(stage, model, params)
    by_name = {volume["name"]: volume for volume in volumes}
    by_name["artifacts"]["persistentVolumeClaim"]["claimName"] = params.platform.kubernetes.storage_claim
    by_name["scratch"]["emptyDir"]["sizeLimit"] = asked["scratch"]
    by_name["shm"]["emptyDir"]["sizeLimit"] = asked["shm"]


def _asked(stage: Stage, model: str | None, params: Params) -> dict[str, str]:
    if stage.gpu and model is not None:
        resources = params.models[model].resources
        return {key: getattr(resources, key) for key in ("cpu", "memory", "shm", "scratch")}
    return params.platform.kubernetes.cpu_stage.model_dump()
