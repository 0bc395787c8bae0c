"""dry-run: the pods that a retraining would submit, and what they would take, before anything is submitted.

Hours come from the records of the last run under the same profile: another profile trains another network for
another time. What has no record is unknown, and a sum with an unknown part is unknown. A training that was
interrupted and resumed counts with its last attempt only, because that is what its record holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from rich.table import Table

from components import catalogue
from components.adapters.job_spec import render_job
from components.adapters.pod_spec import gpus, render_pod
from components.adapters.torchrun_command import processes
from components.core.params import Params
from components.core.params.platform import CostParams
from components.core.paths import Workspace
from components.core.stage_command import stage_command
from components.core.stage_graph import STAGES, Stage
from components.stages.records import read_record

UNKNOWN = "unknown"
_SECONDS_PER_HOUR = 3600


@dataclass(frozen=True)
class PlannedPod:
    """A pod that would be submitted.

    Attributes:
        stage: whose pod it is.
        model: of a stage that runs per model.
        gpus: how many it asks for, on all nodes together.
        hours: expected wall time, None where no run of this profile tells.
        device: where the run that tells it ran, "" without one.
        manifest: the pod; on several nodes the Job.
    """

    stage: str
    model: str | None
    gpus: int
    hours: float | None
    device: str
    manifest: dict[str, Any]

    @property
    def gpu_hours(self) -> float | None:
        """GPUs times hours; 0 for a pod without GPU however long it takes."""
        if self.gpus == 0:
            return 0.0
        return None if self.hours is None else self.gpus * self.hours


def plan(
    project: Path, profile: str | None, workspace: Workspace, models: Sequence[str]
) -> tuple[PlannedPod, ...]:
    """Every pod of a retraining of ``models``, in the order of the stage graph.

    Args:
        project: holds params.yaml and the pod template.
        profile: overlay; its resources and its records count.
        workspace: whose records tell the hours.
        models: trainable models; empty for all.

    Raises:
        ConfigError: a model that cannot be trained, or a profile that does not exist.
        CorruptFileError: a record that is none.
    """
    params = catalogue.load(project, profile)
    for model in models:
        if model not in catalogue.trainable():
            catalogue.spec(model)  # raises with the right explanation
    chosen = tuple(models) or catalogue.trainable()
    return tuple(
        _planned(stage, model, params, project, profile, workspace)
        for stage in STAGES
        for model in (chosen if stage.per_model else (None,))
    )


def manifests(pods: Sequence[PlannedPod]) -> str:
    """The pods as YAML documents, as `kubectl apply --dry-run=server` takes them."""
    return yaml.safe_dump_all([pod.manifest for pod in pods], explicit_start=True, sort_keys=False)


def estimate(pods: Sequence[PlannedPod], cost: CostParams) -> Table:
    """Hours, GPU hours and cost of each pod, and their sum.

    Stages of several models run side by side, so hours are not summed: GPU hours and money are.
    """
    view = Table(title="What this retraining would take", caption="hours: last run of the same profile")
    for heading in ("stage", "model", "GPUs", "hours", "GPU hours", "KRW", "USD", "measured on"):
        view.add_column(
            heading, justify="right" if heading not in {"stage", "model", "measured on"} else "left"
        )
    for pod in pods:
        hours = [_number(pod.hours), _number(pod.gpu_hours), *_money(pod.gpu_hours, cost)]
        view.add_row(pod.stage, pod.model or "all", str(pod.gpus), *hours, pod.device or "–")
    parts = [pod.gpu_hours for pod in pods]
    known = [part for part in parts if part is not None]
    total = sum(known) if len(known) == len(parts) else None
    view.add_section()
    view.add_row("sum", "", "", "", _number(total), *_money(total, cost), "")
    return view


def _planned(
    stage: Stage, model: str | None, params: Params, project: Path, profile: str | None, workspace: Workspace
) -> PlannedPod:
    command = stage_command(stage.name, model, profile, force=False, options={})
    render = render_job if processes(stage, model, params)[0] > 1 else render_pod
    record = read_record(workspace, stage.name, model)
    told = record is not None and record.profile == params.platform.profile_name
    return PlannedPod(
        stage=stage.name,
        model=model,
        gpus=gpus(stage, model, params) * processes(stage, model, params)[0],
        hours=record.seconds / _SECONDS_PER_HOUR if record and told else None,
        device=record.device if record and told else "",
        manifest=render(stage, model, params, project, command),
    )


def _number(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.2f}"


def _money(gpu_hours: float | None, cost: CostParams) -> tuple[str, str]:
    def amount(rate: float | None, digits: int) -> str:
        if gpu_hours == 0:
            return "0"
        return UNKNOWN if gpu_hours is None or rate is None else f"{gpu_hours * rate:,.{digits}f}"

    return amount(cost.gpu_hour_krw, 0), amount(cost.gpu_hour_usd, 2)
