"""What every test gets: no telemetry, and an Airflow home of its own before airflow is imported."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from embedded_demo import Demo

PROJECT = Path(__file__).resolve().parents[1]

_AIRFLOW_HOME = tempfile.mkdtemp(prefix="iris-airflow-")
os.environ.update(
    {
        "AIRFLOW_HOME": _AIRFLOW_HOME,
        "AIRFLOW__CORE__DAGS_FOLDER": str(PROJECT / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        # how long the Kubernetes provider waits between two calls to an API server that is away
        "AIRFLOW__WORKERS__API_RETRY_WAIT_MIN": "0.01",
        "AIRFLOW__WORKERS__API_RETRY_WAIT_MAX": "0.05",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DVC_NO_ANALYTICS": "1",
        "GX_ANALYTICS_ENABLED": "false",
        "GOMP_SPINCOUNT": "2000",
        "OMP_NUM_THREADS": "1",  # a subprocess and this process must add up in the same order
        "IRIS_PROJECT_ROOT": str(PROJECT),
    }
)
os.environ.pop("IRIS_PROFILE", None)
os.environ.pop("IRIS_WORKSPACE", None)

# No test asserts a time: a busy machine must not turn a property red.
settings.register_profile("iris", deadline=None)
settings.load_profile("iris")


@pytest.hookimpl(tryfirst=True)  # before xdist reads the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Two processes share the suite by folder, since fixtures of a folder are dear; whole runs come first."""
    for item in items:
        item.add_marker(pytest.mark.xdist_group(_group(item)))
    items.sort(key=lambda item: _group(item) != _WHOLE_RUN)


_WHOLE_RUN = "whole-run"


def _group(item: pytest.Item) -> str:
    """Tests of one group run in one process, one after the other: they share what was made for the first."""
    if "demo" in getattr(item, "fixturenames", ()) or item.path.parent.name in {"e2e", "faults"}:
        return _WHOLE_RUN
    return str(item.path.parent.relative_to(PROJECT))


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """One run of the in-process launcher for the whole session: others are compared with it."""
    from embedded_demo import run_demo

    return run_demo(tmp_path_factory.mktemp("시연 demo"))
