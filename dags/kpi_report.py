"""Monthly review, and after every retraining: drift of the data, then the reports, then alerts.

Wiring only. ``drift`` compares the current data version with each champion's; ``report`` writes parameter
sheet, IRIS note and review page with trends, the difference to the last report and the alerts; ``tell`` puts
new alerts into the log and to the notifiers of ``platform.airflow.notifiers`` (none by default). The report
is written although drift failed; ``watch`` then turns the run red.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from _settings import PARAMS, PROFILE, PROFILES, PROJECT, RETRAINED
from _stage import stage_task
from _watch import watch
from airflow.sdk import AssetOrTimeSchedule, CronTriggerTimetable, Param, dag, task

from components.core.stage_graph import stage


@dag(
    dag_id="kpi_report",
    schedule=AssetOrTimeSchedule(
        timetable=CronTriggerTimetable(
            PARAMS.platform.airflow.report_cron, timezone=PARAMS.platform.airflow.timezone
        ),
        assets=[RETRAINED],
    ),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    doc_md=__doc__,
    tags=["iris", "review"],
    params={
        "profile": Param(PROFILE, type=["null", "string"], enum=[None, *PROFILES], description="Overlay"),
        "force": Param(
            default=False, type="boolean", description="Run stages although nothing changed / 강제 실행"
        ),
    },
)
def kpi_report() -> None:
    """Three tasks in a row, and the one that watches."""
    drift = stage_task(stage("drift"), None, PARAMS, PROJECT)
    report = stage_task(stage("report"), None, PARAMS, PROJECT)
    told = tell()
    drift >> report >> told
    [drift, report, told] >> watch()


@task(retries=0)
def tell(**context: Any) -> str:
    """New alerts to the log and to the notifiers; returns what was told."""
    from _alerting import tell as tell_people
    from _launching import workspace_of

    ended = context["ti"].xcom_pull(task_ids="report") or {}
    notifiers = PARAMS.platform.airflow.notifiers
    return tell_people(str(ended.get("verdict", "")), workspace_of(PROJECT), notifiers, context)


DAG = kpi_report()
