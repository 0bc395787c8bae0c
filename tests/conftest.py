"""What every test gets: no telemetry, and an Airflow home of its own before airflow is imported."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from hypothesis import settings

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
