"""Several GPUs: torchrun in the pod. Several nodes: an Indexed Job whose pods find each other."""

from __future__ import annotations

from typing import Any

import kubernetes_validate
import pytest
from several_gpus import spread
from torch.distributed.run import get_args_parser

from components import catalogue
from components.adapters.job_spec import QUEUE_LABEL, RANKS_LABEL, render_job
from components.adapters.pod_end import pod_failure_policy
from components.adapters.pod_spec import GPU_RESOURCE, render_pod
from components.core import errors
from components.core.paths import project_root
from components.core.stage_graph import STAGES, stage

ROOT = project_root()
PARAMS = catalogue.load(ROOT, None)
COMMAND = ["-m", "components", "train", "--model", "fastpitch"]
TRAIN = stage("train")


def container(manifest: dict[str, Any]) -> dict[str, Any]:
    template = manifest["spec"].get("template", manifest)
    found: dict[str, Any] = template["spec"]["containers"][0]
    return found


def parsed(command: list[str]) -> Any:
    """As torchrun itself reads it; refuses an option that it does not know."""
    assert command[:3] == ["python", "-m", "components.training.torchrun"]
    return get_args_parser().parse_args(command[3:])


def test_one_gpu_starts_as_ever() -> None:
    pod = render_pod(TRAIN, "fastpitch", PARAMS, ROOT, COMMAND)
    assert container(pod)["command"] == ["python", *COMMAND]


def test_several_gpus_are_several_processes_of_one_pod() -> None:
    pod = container(render_pod(TRAIN, "fastpitch", spread(PARAMS, 1, 4), ROOT, COMMAND))
    options = parsed(pod["command"])
    assert (options.nproc_per_node, options.standalone, options.max_restarts) == ("4", True, 0)
    assert options.shutdown_timeout == PARAMS.platform.kubernetes.termination_grace_s
    assert options.module
    assert [options.training_script, *options.training_script_args] == COMMAND[1:]
    assert pod["resources"]["limits"][GPU_RESOURCE] == "4"


def test_other_gpu_stages_take_one_gpu_of_such_a_model() -> None:
    for one in (one for one in STAGES if one.gpu and one.name != "train"):
        pod = container(render_pod(one, "fastpitch", spread(PARAMS, 2, 4), ROOT, ["-m", "components"]))
        assert pod["resources"]["limits"][GPU_RESOURCE] == "1"
        assert pod["command"] == ["python", "-m", "components"]


@pytest.mark.parametrize("version", ["1.34", "1.37"])
@pytest.mark.parametrize("gpus", [0, 2])
def test_several_nodes_are_an_indexed_job(gpus: int, version: str) -> None:
    job = render_job(TRAIN, "fastpitch", spread(PARAMS, 3, gpus), ROOT, COMMAND)
    kubernetes_validate.validate(job, version, strict=True)
    spec, pod = job["spec"], job["spec"]["template"]["spec"]
    assert (spec["completionMode"], spec["completions"], spec["parallelism"]) == ("Indexed", 3, 3)
    assert spec["backoffLimit"] == 0
    assert pod["restartPolicy"] == "Never"
    assert spec["podFailurePolicy"] == pod_failure_policy("base")
    options = parsed(container(job)["command"])
    assert (options.nnodes, options.nproc_per_node) == ("3", str(max(1, gpus)))
    assert options.rdzv_backend == "c10d"
    assert options.rdzv_endpoint == "$(IRIS_JOB)-0.iris-ranks.iris-retraining.svc:29500"
    variables = {entry["name"]: entry for entry in container(job)["env"]}
    field = variables["IRIS_JOB"]["valueFrom"]["fieldRef"]["fieldPath"]
    assert field == "metadata.labels['batch.kubernetes.io/job-name']"
    assert pod["subdomain"] == "iris-ranks"


def test_the_job_queues_and_its_pods_follow_and_are_found() -> None:
    job = render_job(TRAIN, "fastpitch", spread(PARAMS, 2, 1), ROOT, COMMAND)
    labels = job["spec"]["template"]["metadata"]["labels"]
    assert job["metadata"]["labels"][QUEUE_LABEL] == PARAMS.platform.kubernetes.queue_name
    assert QUEUE_LABEL not in labels
    assert labels[RANKS_LABEL] == "true"
    assert labels["app.kubernetes.io/component"] == "stage"  # the doors to DNS and MLflow


def test_the_policy_speaks_the_exit_code_contract() -> None:
    ignored, failed = pod_failure_policy("base")["rules"]
    assert ignored["onPodConditions"] == [{"type": "DisruptionTarget", "status": "True"}]
    values = failed["onExitCodes"]["values"]
    assert {errors.EXIT_BAD_INPUT, errors.EXIT_DEFECT, 1} == set(values)
    assert not {errors.EXIT_OK, errors.EXIT_RETRYABLE, errors.EXIT_STOPPED} & set(values)
    assert values == sorted(values)  # the API wants them so
