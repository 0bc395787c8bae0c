"""The task that turns a run red: the report is written whatever failed and would paint it green."""

from __future__ import annotations

from airflow.sdk import TriggerRule, task
from airflow.sdk.exceptions import AirflowFailException


@task(trigger_rule=TriggerRule.ONE_FAILED, retries=0)
def watch() -> None:
    """Fails the run when any task failed."""
    raise AirflowFailException("a task of this run failed; see the red task and its log")
