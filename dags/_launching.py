"""What every launcher does the same way: what is skipped before and after a stage, what is retried."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

from components.core.attempt import attempt_key
from components.core.errors import NEVER_RETRIED
from components.core.paths import Workspace
from components.core.stage_graph import REVIEWS, Stage
from components.core.stage_graph import stage as stage_named

WORKSPACE_VARIABLE = "IRIS_WORKSPACE"
REFUSED = "refused"


def workspace_of(project: Path) -> Workspace:
    """``$IRIS_WORKSPACE`` (an embedded run, a mounted claim), else the production layout."""
    named = os.environ.get(WORKSPACE_VARIABLE)
    return Workspace.embedded(Path(named)) if named else Workspace.of_project(project)


def collects(stage: Stage) -> bool:
    """Whether a stage runs once over what several models left."""
    return not stage.per_model and any(stage_named(needed).per_model for needed in stage.needs)


def skip_unchosen(model: str | None, choice: Mapping[str, Any]) -> None:
    """Raises AirflowSkipException where the DAG run leaves the model out."""
    if model and model not in choice["models"]:
        raise AirflowSkipException(f"{model} was not chosen for this run")


def skip_nothing_to_collect(stage: Stage, workspace: Workspace) -> None:
    """Raises AirflowSkipException for a stage that collects or reviews where no data was ever validated."""
    from components.stages.records import read_record

    if (collects(stage) or stage in REVIEWS) and read_record(workspace, "validate", None) is None:
        raise nothing_to_collect()


def nothing_to_collect() -> AirflowSkipException:
    """The skip of a stage that collects and finds nothing."""
    return AirflowSkipException("no data was ever validated here: there is nothing to report")


def skip_refused(state: str, verdict: str) -> None:
    """Raises AirflowSkipException where a promotion ended without a PASS."""
    if state == REFUSED:
        raise AirflowSkipException(f"not promoted: verdict {verdict}")


def error_of(exit_code: int, message: str) -> AirflowException:
    """The exception of an exit code: a failure that is never retried, or one that is."""
    return (AirflowFailException if exit_code in NEVER_RETRIED else AirflowException)(message)


def chosen(choice: Mapping[str, Any], options: Sequence[str]) -> dict[str, str]:
    """The DAG run's values of the stage's own options."""
    return {name: str(choice[name]) for name in options}


def key_of(context: Mapping[str, Any], stage: str, model: str | None, params_sha: str) -> tuple[str, dict]:
    """Key of this task's attempt, and what it stands for.

    A retry is an attempt of its own; a second pod of one try (evicted, vanished, created twice) is not.
    """
    ti, choice = context["ti"], context["params"]
    parts = {
        "dag": ti.dag_id,
        "run": context["run_id"],
        "task": ti.task_id,
        "map_index": ti.map_index if ti.map_index is not None else -1,
        "try": ti.try_number,
        "stage": stage,
        "model": model,
        "profile": choice.get("profile"),
        "force": bool(choice.get("force")),
        "params_sha": params_sha,
    }
    return attempt_key(parts), parts
