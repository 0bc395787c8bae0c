"""A stage on several nodes: an Indexed Job whose pods are the stage's own, one a node."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from components.adapters.pod_end import pod_failure_policy
from components.adapters.pod_spec import render_pod
from components.adapters.torchrun_command import JOB_VARIABLE, processes
from components.core.params import Params
from components.core.stage_graph import Stage

QUEUE_LABEL = "kueue.x-k8s.io/queue-name"
#: Service and network policy find the pods of a training by it (k8s/base/ranks.yaml).
RANKS_LABEL = "iris/ranks"
_JOB_NAME = "metadata.labels['batch.kubernetes.io/job-name']"
_SECONDS_PER_HOUR = 3600


def render_job(
    stage: Stage, model: str | None, params: Params, project: Path, command: Sequence[str]
) -> dict[str, Any]:
    """A complete Job manifest.

    Its pods get stable names ``<job>-<index>`` under the headless Service, which stands in k8s/base: nobody
    creates a Service for a run. Kueue admits the Job, all of its pods or none. ``backoffLimit`` is 0: when
    one rank is lost all must begin again from the checkpoint, and that retry is Airflow's.

    Args:
        stage: one that spreads.
        model: whose ``resources`` say how many nodes and GPUs on each.
        params: of the cluster profile.
        project: holds the pod template.
        command: ``-m components <stage> …``.
    """
    pod = render_pod(stage, model, params, project, command)
    kubernetes = params.platform.kubernetes
    nodes, _ = processes(stage, model, params)
    metadata, spec = pod["metadata"], pod["spec"]
    queue = metadata["labels"].pop(QUEUE_LABEL)  # the Job queues; its pods follow
    metadata["labels"][RANKS_LABEL] = "true"
    spec["subdomain"] = kubernetes.ranks_service
    container = spec["containers"][0]
    container["env"].append({"name": JOB_VARIABLE, "valueFrom": {"fieldRef": {"fieldPath": _JOB_NAME}}})
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": metadata["name"],
            "namespace": metadata["namespace"],
            "labels": {**metadata["labels"], QUEUE_LABEL: queue},
        },
        "spec": {
            "completionMode": "Indexed",
            "completions": nodes,
            "parallelism": nodes,
            "backoffLimit": 0,
            "podFailurePolicy": pod_failure_policy(container["name"]),
            "activeDeadlineSeconds": spec["activeDeadlineSeconds"],
            "ttlSecondsAfterFinished": round(kubernetes.finished_job_ttl_h * _SECONDS_PER_HOUR),
            "template": {"metadata": {"labels": metadata["labels"]}, "spec": spec},
        },
    }
