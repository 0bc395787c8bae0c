"""What every test gets: no telemetry, and an Airflow home of its own before airflow is imported."""

from __future__ import annotations

import os
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

if TYPE_CHECKING:
    from embedded_demo import Demo
    from xdist.remote import Producer

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


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """Two processes share the suite by folder, since what a folder's tests share is dear to make."""
    return _ByFolder(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whole runs come first: they last longest. `make test` keeps xdist from sorting by number of tests."""
    items.sort(key=lambda item: _group(item.nodeid) != _WHOLE_RUN)


_WHOLE_RUN = "whole-run"


@cache
def _group_of_file(path: str) -> str:
    """Tests of one group run in one process, one after the other."""
    ran = "demo: Demo" in (PROJECT / path).read_text(encoding="utf-8")
    folder = str(Path(path).parent)
    return _WHOLE_RUN if ran or folder in {"tests/e2e", "tests/faults"} else folder


def _group(nodeid: str) -> str:
    return _group_of_file(nodeid.split("::", maxsplit=1)[0])


class _ByFolder(LoadScopeScheduling):
    def _split_scope(self, nodeid: str) -> str:
        return _group(nodeid)


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """One run of the in-process launcher for the whole session: others are compared with it."""
    from embedded_demo import run_demo

    return run_demo(tmp_path_factory.mktemp("시연 demo"))
