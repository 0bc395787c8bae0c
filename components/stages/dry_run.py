"""dry-run: the pods that a retraining would submit, and what they would take, before anything is submitted.

Everything is labelled as expected. It is what the last run under the same profile took: another profile
trains another network for another time. A record says that the stage ran; the journal adds the attempts that
it needed (an interrupted training, a killed pod) and the wait before each. Where the journal tells nothing,
the record's own seconds count and the wait is unknown. What has no record is unknown, and so is a sum with an
unknown part.
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
from components.core.retraining import owners
from components.core.spending import Spent, money, total
from components.core.stage_command import stage_command
from components.core.stage_graph import STAGES, Stage
from components.stages.journal import attempts
from components.stages.records import read_record
from components.stages.serving import misfits
from components.stages.spent import latest_spending

UNKNOWN = "unknown"
_EVER = "1970-01-01T00:00:00+00:00"
_SECONDS_PER_HOUR = 3600


@dataclass(frozen=True)
class PlannedPod:
    """A pod that would be submitted.

    Attributes:
        stage: whose pod it is.
        model: of a stage that runs per model.
        gpus: how many it asks for, on all nodes together.
        hours: expected wall time, None where no run of this profile tells.
        queue_hours: expected wait before the start, None where nobody told the time of submission.
        device: where the run that tells it ran, "" without one.
        manifest: the pod; on several nodes the Job.
    """

    stage: str
    model: str | None
    gpus: int
    hours: float | None
    queue_hours: float | None
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
    spending = latest_spending(attempts(workspace, _EVER), params.platform.profile_name)
    spent = {(one.stage, one.model): one for one in spending}
    return tuple(
        _planned(stage, model, params, project, profile, workspace, spent.get((stage.name, model)))
        for stage in STAGES
        for model in owners(stage, chosen, catalogue.further_stages())
    )


def refusals(project: Path, profile: str | None, models: Sequence[str]) -> list[str]:
    """What a retraining of ``models`` (empty: all) would be refused for before it trains, in lines."""
    params = catalogue.load(project, profile)
    errors = [error for model in models or catalogue.trainable() for error in misfits(project, params, model)]
    return [f"would be refused: {line}" if line[0] != " " else line for one in errors for line in one.lines()]


def manifests(pods: Sequence[PlannedPod]) -> str:
    """The pods as YAML documents, as `kubectl apply --dry-run=server` takes them."""
    return yaml.safe_dump_all([pod.manifest for pod in pods], explicit_start=True, sort_keys=False)


def estimate(pods: Sequence[PlannedPod], cost: CostParams) -> Table:
    """Expected hours, wait, GPU hours and cost of each pod, and their sum.

    Stages of several models run side by side, so hours are not summed: GPU hours and money are.
    """
    view = Table(
        title="What this retraining would take (expected, not measured)",
        caption="expected: what the last run of the same profile took, with the attempts that it needed",
    )
    for heading in (
        "stage",
        "model",
        "GPUs",
        "hours",
        "queue wait",
        "GPU hours",
        "KRW",
        "USD",
        "measured on",
    ):
        view.add_column(
            heading, justify="right" if heading not in {"stage", "model", "measured on"} else "left"
        )
    for pod in pods:
        hours = [_number(h) for h in (pod.hours, pod.queue_hours, pod.gpu_hours)] + _money(
            pod.gpu_hours, cost
        )
        view.add_row(pod.stage, pod.model or "all", str(pod.gpus), *hours, pod.device or "–")
    gpu_hours = total(pod.gpu_hours for pod in pods)
    view.add_section()
    view.add_row("sum", "", "", "", "", _number(gpu_hours), *_money(gpu_hours, cost), "expected")
    return view


def _planned(
    stage: Stage,
    model: str | None,
    params: Params,
    project: Path,
    profile: str | None,
    workspace: Workspace,
    spent: Spent | None,
) -> PlannedPod:
    command = stage_command(stage.name, model, profile, force=False, options={})
    render = render_job if processes(stage, model, params)[0] > 1 else render_pod
    record = read_record(workspace, stage.name, model)
    told = record if record and record.profile == params.platform.profile_name else None
    return PlannedPod(
        stage=stage.name,
        model=model,
        gpus=gpus(stage, model, params) * processes(stage, model, params)[0],
        hours=spent.hours if told and spent else told.seconds / _SECONDS_PER_HOUR if told else None,
        queue_hours=spent.queue_hours if told and spent else None,
        device=told.device if told else "",
        manifest=render(stage, model, params, project, command),
    )


def _number(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.2f}"


def _money(gpu_hours: float | None, cost: CostParams) -> list[str]:
    """Won and dollars; without a price unknown, also for a pod without a GPU."""
    amounts = ((money(gpu_hours, cost.gpu_hour_krw), 0), (money(gpu_hours, cost.gpu_hour_usd), 2))
    return [UNKNOWN if amount is None else f"{amount:,.{digits}f}" for amount, digits in amounts]
