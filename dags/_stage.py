"""The house operator: one stage, three launchers, chosen by ``platform.airflow.launcher``.

A stage is the same command everywhere; only where it runs differs. Nothing here knows what a stage does.
"""

from __future__ import annotations

import os
import subprocess
import sys
import traceback
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from _launching import (
    chosen,
    collects,
    error_of,
    skip_nothing_to_collect,
    skip_refused,
    skip_unchosen,
    workspace_of,
)
from airflow.sdk import Asset, BaseOperator, TriggerRule
from airflow.sdk.exceptions import AirflowFailException

from components.core.errors import EXIT_OK, EXIT_TRACEBACK, IrisError
from components.core.params import Params
from components.core.process import settle
from components.core.stage_command import stage_command
from components.core.stage_graph import Stage
from components.core.stage_graph import stage as stage_named

#: Overrides ``platform.airflow.launcher``. Under a real scheduler (``make ui``) stages run in processes of
#: their own: a worker is a child of Airflow, and a process pool started in it would re-run Airflow's main.
LAUNCHER_VARIABLE = "IRIS_LAUNCHER"
DEFAULT_POOL = "default_pool"
#: A shell's way of writing that a signal ended a process.
_SIGNALLED = 128


def stage_task(
    stage: Stage,
    model: str | None,
    params: Params,
    project: Path,
    options: Sequence[str] = (),
    outlets: Sequence[Asset] = (),
) -> BaseOperator:
    """The Airflow task of a stage under the launcher that is configured (`platform.airflow.launcher`).

    Args:
        stage: from the stage graph.
        model: for a stage that runs per model.
        params: of the profile the DAG was parsed with; they decide launcher, pool and resources.
        project: the repository.
        options: DAG run parameters that are handed to the stage's command (``--source`` of ingest).
        outlets: assets this task updates.
    """
    airflow = params.platform.airflow
    launcher = os.environ.get(LAUNCHER_VARIABLE) or airflow.launcher
    hours = airflow.execution_timeout_h.gpu if stage.gpu else airflow.execution_timeout_h.cpu
    settings: dict[str, Any] = {
        "task_id": stage.name,
        "retries": airflow.retries,
        "retry_delay": timedelta(seconds=airflow.retry_delay_s),
        "execution_timeout": timedelta(hours=hours),
        "pool": stage.pool or DEFAULT_POOL,
        "doc_md": stage.summary,
        "outlets": list(outlets),
        # What collects over the models runs whatever became of single ones; ALL_DONE_MIN_ONE_SUCCESS would be
        # skipped with the promotion that a FAIL or INCONCLUSIVE skips.
        "trigger_rule": TriggerRule.ALL_DONE if collects(stage) else TriggerRule.ALL_SUCCESS,
    }
    if launcher == "kubernetes":
        from _job import kubernetes_task

        return kubernetes_task(stage, model, params, project, options, settings)
    return StageOperator(
        stage=stage.name,
        model=model,
        project=str(project),
        launcher=launcher,
        grace_s=params.platform.kubernetes.termination_grace_s,
        options=options,
        **settings,
    )


class StageOperator(BaseOperator):
    """Runs a stage on this machine: in the worker's process (torch imported once) or in one of its own.

    The DAG run's ``models`` choose what runs; a model left out is skipped, as is a promotion without a PASS.
    """

    def __init__(
        self,
        *,
        stage: str,
        model: str | None,
        project: str,
        launcher: str,
        grace_s: float,
        options: Sequence[str] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.stage, self.model, self.project, self.launcher = stage, model, project, launcher
        self.options, self.grace_s = tuple(options), grace_s
        self._child: subprocess.Popen[bytes] | None = None

    def execute(self, context: Any) -> dict[str, Any]:
        """Run, and return what the Airflow UI shows: state, seconds and record path."""
        choice = context["params"]
        skip_unchosen(self.model, choice)
        skip_nothing_to_collect(stage_named(self.stage), workspace_of(Path(self.project)))
        profile, force = choice.get("profile"), bool(choice.get("force"))
        run = self._in_process if self.launcher == "in_process" else self._subprocess
        state = run(profile, force, chosen(choice, self.options))
        skip_refused(state["state"], str(state["verdict"]))
        return state

    def on_kill(self) -> None:
        """Tell a stage in a process of its own to stop, and wait until it has."""
        if self._child is not None and self._child.poll() is None:
            self._child.terminate()
            try:
                self._child.wait(self.grace_s)
            except subprocess.TimeoutExpired:
                self._child.kill()

    def _in_process(self, profile: str | None, force: bool, options: dict[str, str]) -> dict[str, Any]:
        from components.stages.runner import Request, run_stage

        settle()
        project = Path(self.project)
        request = Request(self.stage, self.model, profile, workspace_of(project), project, force, options)
        try:
            record = run_stage(request)
        except IrisError as error:
            for line in error.lines():
                print(line, file=sys.__stderr__, flush=True)
            raise error_of(error.exit_code, str(error)) from error
        except Exception as error:
            traceback.print_exc(file=sys.__stderr__)  # the embedded run keeps Airflow's log quiet
            raise error_of(EXIT_TRACEBACK, f"a defect of ours: {type(error).__name__}: {error}") from error
        return {"state": record.state, "seconds": record.seconds, "verdict": record.summary.get("verdict")}

    def _subprocess(self, profile: str | None, force: bool, options: dict[str, str]) -> dict[str, Any]:
        from components.stages.records import read_record

        command = [sys.executable, *stage_command(self.stage, self.model, profile, force, options)]
        self._child = subprocess.Popen(command, cwd=self.project)
        try:
            code = self._child.wait()
        finally:
            self.on_kill()  # Airflow's own timeout comes as an exception; the stage saves what it has
        if code != EXIT_OK:
            code = _SIGNALLED - code if code < 0 else code
            raise error_of(code, f"{' '.join(command[1:])} ended with {code}")
        record = read_record(workspace_of(Path(self.project)), self.stage, self.model)
        if record is None:
            raise AirflowFailException(f"stage {self.stage} reported success without a record")
        return {"state": record.state, "seconds": record.seconds, "verdict": record.summary.get("verdict")}
