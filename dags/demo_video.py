"""The promoted models together: a sentence becomes a captioned video, after every promotion and on demand.

One stage, ``pipeline``: speech, another voice, lips, captions burned in. Video, label, captions and the time
of each part lie in the workspace's folder ``demonstration``, with the versions that made them in the stage's
record. A model that moves lips is left out until it has weights.
"""

from __future__ import annotations

from datetime import UTC, datetime

from _settings import CHAMPIONS, PARAMS, PROFILE, PROFILES, PROJECT
from _stage import stage_task
from airflow.sdk import Param, dag

from components.core.stage_graph import stage

_OPTIONS = ("text", "language", "speaker", "convert-to", "face")


@dag(
    dag_id="demo_video",
    schedule=[CHAMPIONS],
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    doc_md=__doc__,
    tags=["iris", "demonstration"],
    params={
        "text": Param(
            PARAMS.pipeline.sentence, type="string", minLength=1, description="What is said / 문장"
        ),
        "language": Param(
            PARAMS.pipeline.language,
            type="string",
            enum=list(PARAMS.kpi.languages),
            description="Of it / 언어",
        ),
        "speaker": Param("", type="string", description="Voice of the speech; empty: the first / 화자"),
        "convert-to": Param(
            PARAMS.pipeline.convert_to, type="string", description="Voice it becomes; empty: none / 변환 화자"
        ),
        "face": Param("", type="string", description="Video or still; empty: a drawn face / 얼굴 파일"),
        "profile": Param(PROFILE, type=["null", "string"], enum=[None, *PROFILES], description="Overlay"),
        "force": Param(default=False, type="boolean", description="Run although nothing changed"),
    },
)
def demo_video() -> None:
    """One task, which is a stage like those of retrain."""
    stage_task(stage("pipeline"), None, PARAMS, PROJECT, options=_OPTIONS)


DAG = demo_video()
