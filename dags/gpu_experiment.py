"""Which precision, memory saving and batch a GPU trains VALL-E X fastest with, on demand.

One stage, ``gpu_experiment``: every cell of ``experiment`` in params.yaml is predicted; on a node with a GPU
the same step is run and stands beside the prediction. Cells (JSON, CSV), plot and the proposed change of
params.yaml lie in the workspace's folder ``experiments`` and in MLflow; nothing is applied.
"""

from __future__ import annotations

from datetime import UTC, datetime

from _settings import PARAMS, PROFILE, PROFILES, PROJECT
from _stage import stage_task
from airflow.sdk import Param, dag

from components.core.stage_graph import stage

_MODEL = "vallex"


@dag(
    dag_id="gpu_experiment",
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    doc_md=__doc__,
    tags=["iris", "experiment"],
    params={
        "models": Param([_MODEL], type="array", items={"enum": [_MODEL]}, description="Whose step / 모델"),
        "profile": Param(PROFILE, type=["null", "string"], enum=[None, *PROFILES], description="Overlay"),
        "force": Param(default=False, type="boolean", description="Run although nothing changed"),
    },
)
def gpu_experiment() -> None:
    """One task, which is a stage like those of retrain."""
    stage_task(stage("gpu_experiment"), _MODEL, PARAMS, PROJECT)


DAG = gpu_experiment()
