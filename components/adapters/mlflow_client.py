"""How we speak to MLflow: no telemetry, no pickles, short patience."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from components.core.errors import BadInputError, TrackingUnavailableError

if TYPE_CHECKING:
    from mlflow import MlflowClient

_NEVER_RIGHT = {"INVALID_PARAMETER_VALUE", "RESOURCE_DOES_NOT_EXIST", "INVALID_STATE"}


def connect(tracking_uri: str, request_timeout_s: int) -> MlflowClient:
    """A client for a server (http…) or a database (sqlite:///…).

    The first import of mlflow takes seconds of CPU, the first opening of an SQLite store some more. With
    MLflow's default retries a single call to a dead server blocks for four minutes; ours fails after at most
    two time-outs and the spool tries again. What the environment already sets is left as it is.
    """
    settings = {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
        "MLFLOW_HTTP_REQUEST_TIMEOUT": str(request_timeout_s),
    }
    for name, value in settings.items():
        os.environ.setdefault(name, value)
    from mlflow import MlflowClient

    logging.getLogger("mlflow.store.db.utils").setLevel(logging.WARNING)  # the making of tables, each time
    return MlflowClient(tracking_uri=tracking_uri)


def refused_for_good(error: Exception) -> bool:
    """Whether MLflow says that the request itself is wrong, so that no repetition will help."""
    return getattr(error, "error_code", None) in _NEVER_RIGHT


def without_credentials(uri: str) -> str:
    """The address without user name and password."""
    parts = urlsplit(uri)
    if "@" not in parts.netloc:
        return uri
    return parts._replace(netloc=parts.netloc.rsplit("@", 1)[1]).geturl()


@contextmanager
def answering(tracking_uri: str, wanted: str) -> Iterator[None]:
    """Turn MLflow's errors into ours.

    Raises:
        BadInputError: the server knows better (no such run, say).
        TrackingUnavailableError: it does not answer.
    """
    from mlflow.exceptions import MlflowException

    try:
        yield
    except (MlflowException, OSError) as error:
        who = without_credentials(tracking_uri)
        # MLflow quotes the whole address, password included.
        found = str(error).splitlines()[0].replace(tracking_uri.rstrip("/"), who.rstrip("/"))
        if refused_for_good(error):
            raise BadInputError(
                who=who, expected=wanted, found=found, action="check the id or name"
            ) from error
        raise TrackingUnavailableError(
            who=who, expected=wanted, found=found, action="see whether the server runs, then run again"
        ) from error
