"""Training on several GPUs: the first process runs the stage as ever, the others only train along.

Lock, record, tracked run, choice of the warm start and everything else that must happen once is the leader's;
it tells the others what to train, or that there is nothing to do.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from components import catalogue
from components.core import ranks
from components.core.errors import ConfigError
from components.core.params import Params
from components.core.progress import Progress
from components.core.stage_graph import stage as stage_named
from components.stages.contract import Record
from components.stages.expert import taught
from components.stages.runner import Request, run_stage

if TYPE_CHECKING:
    from components.training.peers import Peers


@dataclass(frozen=True)
class Plan:
    """What the others need to build the leader's task.

    Attributes:
        features: the feature store.
        warm_start: folder of the first weights; None for new ones.
        folder: of the run; all processes see it.
        expert: folder of the network that the model learns from; None where there is none.
    """

    features: Path
    warm_start: Path | None
    folder: Path
    expert: Path | None = None


def run(request: Request) -> Record | None:
    """Run a stage; under torchrun, this process's part of it. The record; None but for the leader.

    Raises:
        ConfigError: torchrun started a stage that one process does.
        IrisError: whatever the stage says.
    """
    if ranks.world_size() == 1:
        return run_stage(request)
    if not stage_named(request.stage).spreads:
        raise ConfigError(
            who=f"stage {request.stage}",
            expected="to run in one process",
            found=f"{ranks.world_size()}, started by torchrun",
            action="run it without torchrun",
        )
    if ranks.rank() > 0:
        follow(request)
        return None
    record = run_stage(request)
    _dismiss(request)
    return record


def lead(params: Params, plan: Plan) -> Peers:
    """Meet the others, if there are any, and tell them the plan."""
    from components.nn.device import best_device
    from components.training.peers import join

    peers = join(best_device(), params.platform.peer_timeout_s)
    peers.of_leader(plan)
    return peers


def follow(request: Request) -> None:
    """Wait for the leader's plan and train along.

    Raises:
        RetryableError: the leader is gone.
        StoppedError: all were stopped; the leader wrote a checkpoint.
    """
    from components.nn.device import best_device
    from components.training.loop import train
    from components.training.peers import join

    params = catalogue.load(request.project, request.profile)
    device, model = best_device(), str(request.model)
    peers = join(device, params.platform.peer_timeout_s)
    plan: Plan | None = peers.of_leader(None)
    if plan is None:
        return
    section = params.models[model]
    spec = taught(model, plan.expert)
    task = spec.training_task(section, plan.features, params.seed, plan.warm_start)
    # Its lines would be the leader's, once more.
    quiet = Progress(f"{model}.{request.stage}", io.StringIO())
    train(task, plan.folder, device, quiet, lambda points: None, peers=peers)


def _dismiss(request: Request) -> None:
    """Let the others go when there was nothing to train."""
    import torch.distributed

    from components.nn.device import best_device
    from components.training.peers import join

    if not torch.distributed.is_initialized():
        params = catalogue.load(request.project, request.profile)
        join(best_device(), params.platform.peer_timeout_s).of_leader(None)
