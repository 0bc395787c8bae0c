"""Tells people of alerts: the log always, Airflow notifiers where ``platform.airflow.notifiers`` names some.

What was told once is not told again while nothing changes, so a monthly review of an idle platform is quiet.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

from airflow.sdk.exceptions import AirflowFailException

from components.core.params.review import NotifierParams
from components.core.paths import Workspace

_LOG = logging.getLogger(__name__)


def tell(
    verdict: str, workspace: Workspace, notifiers: Sequence[NotifierParams], context: Mapping[str, Any]
) -> str:
    """Log the alerts of the last report and hand new ones to every notifier.

    Args:
        verdict: what the report stage ended with.
        workspace: where it left ``alerts.json``; a worker without the storage points at the report's log.
        notifiers: of params.yaml. Their secrets are Airflow connections.
        context: of the task.

    Returns:
        The text that was told; "" where there was nothing new.

    Raises:
        AirflowFailException: a notifier that cannot be built. One that cannot send says so in the log, as
            Airflow's notifiers do.
    """
    from components.stages.alerting import pending, remember
    from components.stages.report import ALERT

    found = pending(workspace)
    lines = found.lines if found else []
    if verdict == ALERT and found is None:
        lines = ["경보가 있습니다: report 작업의 로그를 보십시오 / alerts: see the log of task report"]
    for line in lines:
        _LOG.warning("%s", line)
    if not lines or (found is not None and found.told):
        return ""
    text = "\n".join(lines)
    for one in notifiers:
        _notifier(one)({**context, "alerts": text})
    if found is not None:
        remember(workspace, found)
    return text


def _notifier(one: NotifierParams) -> Any:
    module, _, name = one.notifier.rpartition(".")
    try:
        return getattr(import_module(module), name)(**one.arguments)
    except (ImportError, AttributeError, TypeError) as error:
        raise AirflowFailException(f"platform.airflow.notifiers: {one.notifier}: {error}") from error
