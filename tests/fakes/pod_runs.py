"""The retraining DAG through the Kubernetes launcher, against a stand-in, under ``dag.test()``."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from kube_standin import Cluster

#: Modules that read the environment when they are imported.
_READ_AT_PARSE = (
    "retrain", "kpi_report", "ingest_recordings", "_alerting", "_settings", "_stage", "_launching",
    "_cluster", "_pod", "_job", "_shards", "_shard_pod",
)  # fmt: skip
#: Seconds; the defaults are made for pods that live for hours.
QUICK: Mapping[str, Any] = {
    "poll_interval": 0.1,
    "startup_check_interval_seconds": 0.1,
    # a pod that cannot start (a claim that is not there) fails the test with its reason, in minutes
    "startup_timeout_seconds": 120,
    "schedule_timeout_seconds": 120,
    "retry_delay": timedelta(0),
    "termination_grace_period": 20,
}


@dataclass(frozen=True)
class TaskEnd:
    """How a task ended, and at which try."""

    state: str
    tries: int


def make_database() -> None:
    """Airflow's tables in this session's home, once."""
    from embedded import prepare_airflow

    prepare_airflow()


@contextlib.contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    for name in _READ_AT_PARSE:
        sys.modules.pop(name, None)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        for name in _READ_AT_PARSE:
            sys.modules.pop(name, None)


def retrain(
    cluster: Cluster,
    workspace: Path | None,
    only: str = "",
    conf: Mapping[str, Any] | None = None,
    **settings: Any,
) -> dict[str, TaskEnd]:
    """Run the retraining DAG of the profile ``ci``; every stage is a pod of ``cluster``.

    Args:
        workspace: where Airflow looks for the records; None where it cannot see the claim.
        only: this task alone runs, the others count as done; "" runs all.
        settings: operator attributes that differ from `QUICK`.
    """
    return _run("retrain", cluster, workspace, only, conf, settings)


def review(cluster: Cluster, workspace: Path, only: str) -> dict[str, TaskEnd]:
    """The same of the DAG of the scheduled review."""
    return _run("kpi_report", cluster, workspace, only, None, {})


def _run(
    module: str,
    cluster: Cluster,
    workspace: Path | None,
    only: str,
    conf: Mapping[str, Any] | None,
    settings: Mapping[str, Any],
) -> dict[str, TaskEnd]:
    values = {"IRIS_PROFILE": "ci", "IRIS_LAUNCHER": "kubernetes", "IRIS_KUBECONFIG": str(cluster.kubeconfig)}
    if workspace is not None:
        values["IRIS_WORKSPACE"] = str(workspace)
    with _environment(values):
        dag = importlib.import_module(module).DAG
        for task in dag.tasks:
            for name, value in {**QUICK, **settings}.items():
                if hasattr(task, "poll_interval"):
                    setattr(task, name, value)
        pattern = rf"(?!{only}$).*" if only else None
        run = dag.test(
            logical_date=datetime.now(UTC), run_conf=dict(conf or {}), mark_success_pattern=pattern
        )
        return {ti.task_id: TaskEnd(str(ti.state), ti.try_number) for ti in run.get_task_instances()}
