"""Features of a model computed by several tasks side by side (dynamic task mapping), before its stage.

Not in the stage graph: a shard leaves no record, and the features stage gives the same store with or without
it. It runs where the stage would.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from _launching import error_of, skip_unchosen, workspace_of
from _stage import DEFAULT_POOL, LAUNCHER_VARIABLE
from airflow.sdk import BaseOperator
from airflow.sdk.definitions.mappedoperator import MappedOperator

from components.core.errors import EXIT_OK, IrisError
from components.core.params import Params
from components.core.stage_command import stage_command
from components.core.stage_graph import stage

COMMAND, TASK = "features-shard", "features_shard"


def feature_shards(model: str, params: Params, project: Path) -> MappedOperator:
    """One mapped task for each of ``platform.feature_shards``."""
    airflow, count = params.platform.airflow, params.platform.feature_shards
    settings: dict[str, Any] = {
        "task_id": TASK,
        "retries": airflow.retries,
        "retry_delay": timedelta(seconds=airflow.retry_delay_s),
        "execution_timeout": timedelta(hours=airflow.execution_timeout_h.cpu),
        "pool": DEFAULT_POOL,
        "doc_md": "a share of the audio → arrays that the features stage finds",
    }
    shares = [f"{number}/{count}" for number in range(count)]
    launcher = os.environ.get(LAUNCHER_VARIABLE) or airflow.launcher
    if launcher == "kubernetes":
        from _shard_pod import shard_pods

        return shard_pods(model, params, project, settings, shares)
    local = ShardOperator.partial(model=model, project=str(project), launcher=launcher, **settings)
    return local.expand(shard=shares)


class ShardOperator(BaseOperator):
    """A shard on this machine: in the worker's process or in one of its own."""

    def __init__(self, *, shard: str, model: str, project: str, launcher: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.shard, self.model, self.project, self.launcher = shard, model, project, launcher

    def execute(self, context: Any) -> None:
        """Compute it, unless the run leaves the model out."""
        choice: Mapping[str, Any] = context["params"]
        skip_unchosen(self.model, choice)
        profile = choice.get("profile")
        if self.launcher == "in_process":
            self._in_process(profile)
            return
        options = {"shard": self.shard}
        command = [sys.executable, *stage_command(COMMAND, self.model, profile, force=False, options=options)]
        done = subprocess.run(command, cwd=self.project, check=False)
        if done.returncode != EXIT_OK:
            raise error_of(done.returncode, f"{' '.join(command[1:])} ended with {done.returncode}")

    def _in_process(self, profile: str | None) -> None:
        from components.stages.features_shard import extract_shard
        from components.stages.runner import Request

        project = Path(self.project)
        request = Request(stage("features").name, self.model, profile, workspace_of(project), project)
        try:
            extract_shard(request, self.shard)
        except IrisError as error:
            for line in error.lines():
                print(line, file=sys.__stderr__, flush=True)
            raise error_of(error.exit_code, str(error)) from error
