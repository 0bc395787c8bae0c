"""graph: a retraining as plain data (tasks, edges, pods), for orchestrators that cannot import this package.

Airflow reads `components.core.stage_graph` itself; Kubeflow Pipelines lives in an environment of its own,
whose pins clash with ours, and reads this. Commands carry slots that are filled in when a run starts.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from components import catalogue
from components.adapters.pod_spec import render_pod
from components.core.params import Params
from components.core.retraining import Task, tasks
from components.core.stage_command import FORCE_SLOT, PROFILE_SLOT, VERDICT_SLOT, slotted_command

_SECONDS_PER_HOUR = 3600


def retraining(project: Path, profile: str | None) -> dict[str, Any]:
    """Every task of a retraining of all trainable models, with what an orchestrator has to know.

    Args:
        project: holds params.yaml and the pod template.
        profile: whose resources, image and deadlines the pods carry.

    Returns:
        JSON values. A command's slots (`PROFILE_SLOT`, `FORCE_SLOT`, `VERDICT_SLOT`) stand for what is known
        only in a run.

    Raises:
        ConfigError: the profile does not exist or does not fit the schema.
    """
    params = catalogue.load(project, profile)
    models = catalogue.trainable()
    planned = tasks(models, catalogue.further_stages())
    judged = {needed for task in planned if task.stage.only_on_pass for needed in task.needs}
    return {
        "profile": profile or "",
        "models": list(models),
        "slots": {"profile": PROFILE_SLOT, "force": FORCE_SLOT, "verdict": VERDICT_SLOT},
        "retry": _retry(params),
        "tasks": [_described(task, params, project, task.name in judged) for task in planned],
    }


def as_json(project: Path, profile: str | None) -> str:
    """`retraining` as text that is the same for the same graph."""
    return json.dumps(retraining(project, profile), indent=2, ensure_ascii=False) + "\n"


def _described(task: Task, params: Params, project: Path, judged: bool) -> dict[str, Any]:
    command = slotted_command(task.stage.name, task.model, verdict=judged)
    return {
        "name": task.name,
        "stage": task.stage.name,
        "model": task.model,
        "needs": list(task.needs),
        "collects": task.collects,
        "only_on_pass": task.stage.only_on_pass,
        "gives_verdict": judged,
        "summary": task.stage.summary,
        "pod": render_pod(task.stage, task.model, params, project, command),
    }


def _retry(params: Params) -> dict[str, int]:
    """How often, after how long, and in which window from the first attempt's creation on.

    The window has to hold every attempt, waiting in the queue included: one that closes earlier would end a
    training that is well.
    """
    airflow, kubernetes = params.platform.airflow, params.platform.kubernetes
    attempt = (kubernetes.schedule_timeout_h + kubernetes.active_deadline_h) * _SECONDS_PER_HOUR
    window = (airflow.retries + 1) * attempt + airflow.retries * airflow.retry_delay_s
    return {"count": airflow.retries, "delay_s": airflow.retry_delay_s, "window_s": round(window)}
