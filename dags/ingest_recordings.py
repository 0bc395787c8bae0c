"""New recordings: ingest a source into a corpus, version the data, and wake ``retrain`` through its asset.

Started by hand or by whatever receives recordings (``airflow dags trigger ingest_recordings --conf ...``).
Ingest is incremental and idempotent: the same source twice changes nothing.
"""

from __future__ import annotations

from datetime import UTC, datetime

from _settings import CORPUS, PARAMS, PROFILE, PROFILES, PROJECT
from _stage import stage_task
from airflow.sdk import Param, dag

from components.core.stage_graph import stage
from components.data.readers import formats


@dag(
    dag_id="ingest_recordings",
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    doc_md=__doc__,
    tags=["iris", "data"],
    params={
        "source": Param("", type="string", minLength=1, description="Folder of the recordings / 녹음 폴더"),
        "format": Param("generic", type="string", enum=list(formats()), description="Its format / 형식"),
        "corpus": Param(
            "recordings", type="string", pattern="^[a-z0-9_-]+$", description="Folder below data/"
        ),
        "profile": Param(PROFILE, type=["null", "string"], enum=[None, *PROFILES], description="Overlay"),
        "force": Param(default=False, type="boolean", description="Run although nothing changed"),
    },
)
def ingest_recordings() -> None:
    """Two of retrain's stages, and the asset it listens to."""
    ingest = stage_task(stage("ingest"), None, PARAMS, PROJECT, options=("source", "format", "corpus"))
    version = stage_task(stage("version"), None, PARAMS, PROJECT, outlets=(CORPUS,))
    ingest >> version


DAG = ingest_recordings()
