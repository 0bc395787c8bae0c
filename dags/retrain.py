"""Weekly retraining: data in, evidence out, champions promoted. Wiring only; stages do the work.

The list of stages is ``components.core.stage_graph``; the models are those ``components.catalogue`` can
train, so a fifth one appears here by itself. One task group a model: one model's failure does not stop
another. The report is written whatever became of single models; ``watch`` turns the run red if any failed.
A promotion wakes ``demo_video``.
"""

from __future__ import annotations

from datetime import UTC, datetime

from _settings import CHAMPIONS, CORPUS, PARAMS, PROFILE, PROFILES, PROJECT, RETRAINED
from _shards import feature_shards
from _stage import stage_task
from _watch import watch
from airflow.sdk import (
    AssetOrTimeSchedule,
    BaseOperator,
    CronTriggerTimetable,
    Param,
    TaskGroup,
    dag,
)

from components import catalogue
from components.core.params import Params
from components.core.retraining import tasks


def _schedule(params: Params) -> AssetOrTimeSchedule:
    airflow = params.platform.airflow
    return AssetOrTimeSchedule(
        timetable=CronTriggerTimetable(airflow.schedule_cron, timezone=airflow.timezone), assets=[CORPUS]
    )


@dag(
    dag_id="retrain",
    schedule=_schedule(PARAMS),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    doc_md=__doc__,
    tags=["iris", "retraining", *catalogue.trainable()],
    params={
        "models": Param(
            list(catalogue.trainable()),
            type="array",
            items={"type": "string", "enum": list(catalogue.trainable())},
            minItems=1,
            uniqueItems=True,
            description="Models to retrain / 재학습할 모델",
        ),
        "profile": Param(
            PROFILE,
            type=["null", "string"],
            enum=[None, *PROFILES],
            description="Overlay over params.yaml; none is the a100 profile / 프로필",
        ),
        "force": Param(
            default=False, type="boolean", description="Run stages although nothing changed / 강제 실행"
        ),
    },
)
def retrain() -> None:
    """Build one task for each stage that runs once, and one group of tasks for each model."""
    watched = watch()
    operators: dict[str, BaseOperator] = {}
    planned = tasks(catalogue.trainable(), catalogue.further_stages())
    for one in planned:
        if one.model is None:
            outlets = (RETRAINED,) if one.name == "report" else ()
            operators[one.name] = stage_task(one.stage, None, PARAMS, PROJECT, outlets=outlets)
    for model in catalogue.trainable():
        with TaskGroup(model):
            for one in planned:
                if one.model == model:
                    promoted = (CHAMPIONS,) if one.stage.only_on_pass else ()
                    operators[one.name] = stage_task(one.stage, model, PARAMS, PROJECT, outlets=promoted)
            if PARAMS.platform.feature_shards > 1:
                shards = feature_shards(model, PARAMS, PROJECT)
                operators["validate"] >> shards >> [operators[f"{model}.features"], watched]
    for one in planned:
        [operators[needed] for needed in one.needs] >> operators[one.name]
    list(operators.values()) >> watched


DAG = retrain()
