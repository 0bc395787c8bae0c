"""How a stage is started on several GPUs: torchrun in each pod, meeting at the first pod of the Job."""

from __future__ import annotations

from components.core.params import Params
from components.core.stage_graph import Stage

_MODULE = ["python", "-m", "components.training.torchrun"]
#: Environment variable that a rank's pod has from its Job (`job_spec`); Kubernetes puts it into the command.
JOB_VARIABLE = "IRIS_JOB"


def processes(stage: Stage, model: str | None, params: Params) -> tuple[int, int]:
    """Nodes, and processes on each; (1, 1) for a stage that does not spread."""
    if not stage.spreads or model is None:
        return 1, 1
    resources = params.models[model].resources
    return resources.nodes, max(1, resources.gpus)


def launcher(stage: Stage, model: str | None, params: Params) -> list[str]:
    """What stands before ``-m components <stage> …`` in a pod's command."""
    nodes, per_node = processes(stage, model, params)
    if (nodes, per_node) == (1, 1):
        return ["python"]
    kubernetes = params.platform.kubernetes
    command = [*_MODULE, "--nproc-per-node", str(per_node), "--max-restarts", "0"]
    # a rank that hangs in NCCL after another died cannot hear SIGTERM; then SIGKILL ends it
    command += ["--shutdown-timeout", str(kubernetes.termination_grace_s)]
    if nodes == 1:
        return [*command, "--standalone"]
    first_pod = f"$({JOB_VARIABLE})-0.{kubernetes.ranks_service}.{kubernetes.namespace}.svc"
    return [
        *command,
        *("--nnodes", str(nodes), "--rdzv-backend", "c10d", "--rdzv-id", f"$({JOB_VARIABLE})"),
        *("--rdzv-endpoint", f"{first_pod}:{kubernetes.rendezvous_port}"),
    ]
