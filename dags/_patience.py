"""Patience with a Kubernetes API server that is away: an upgrade of it is no failure of a stage."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tenacity
from airflow.providers.cncf.kubernetes.kubernetes_helper_functions import KubernetesApiException
from airflow.sdk.exceptions import AirflowException
from kubernetes.client import ApiException
from urllib3.exceptions import HTTPError

#: Conflict (another writer was quicker), too many requests, and what a server says that is not up.
_BUSY = frozenset({409, 429, 500, 502, 503, 504})


def patiently(call: Callable[..., Any], *given: Any, seconds: float, pause_s: float, log: Any) -> Any:
    """``call(*given)``, again and again while the API server is away.

    Args:
        call: may be made twice without harm.
        given: its arguments.
        seconds: how long the server may be away.
        pause_s: between two calls.
        log: gets a warning for each pause.

    Raises:
        AirflowException: the server stayed away, or refuses.
    """
    trying = tenacity.Retrying(
        retry=tenacity.retry_if_exception(_is_away),
        stop=tenacity.stop_after_delay(seconds),
        wait=tenacity.wait_fixed(pause_s),
        before_sleep=lambda state: log.warning("API server away: %r", state.outcome.exception()),
        reraise=True,
    )
    try:
        return trying(call, *given)
    except (ApiException, HTTPError) as error:
        raise AirflowException(f"Kubernetes API: {error}") from error


def _is_away(error: BaseException) -> bool:
    if isinstance(error, ApiException):
        return error.status in _BUSY
    return isinstance(error, HTTPError | KubernetesApiException)
