"""An MLflow server in memory that can be down, slow, or lose its answer after writing."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE


class FakeMlflow:
    """What `MlflowSink` uses of MlflowClient; one fault a call: "down", "lost", "hang" or ""."""

    def __init__(self, faults: Sequence[str] = ()) -> None:
        self.faults = list(faults)
        self.points: list[tuple[str, int, float]] = []
        self.runs: list[dict[str, Any]] = []
        self.statuses: list[str] = []
        self.questions = 0
        self.hanging = threading.Event()

    def create_run(self, experiment: str, tags: dict[str, str], run_name: str) -> Any:
        return self._write(lambda: self.runs.append(tags), SimpleNamespace(info=SimpleNamespace(run_id="r1")))

    def search_runs(self, experiments: list[str], filter_string: str, max_results: int) -> list[Any]:
        token = filter_string.split("'")[1]
        found = [run for run in self.runs if token in run.values()]
        return [SimpleNamespace(info=SimpleNamespace(run_id="r1")) for _ in found]

    def log_batch(self, run_id: str, metrics: Sequence[Any] = (), params: Sequence[Any] = ()) -> None:
        if len(metrics) > 1000 or any(metric.key == "bad" for metric in metrics):
            raise MlflowException("no such batch", error_code=INVALID_PARAMETER_VALUE)
        self._write(lambda: self.points.extend((m.key, m.step, m.value) for m in metrics), None)

    def get_metric_history(self, run_id: str, key: str) -> list[Any]:
        self.questions += 1
        return [SimpleNamespace(step=step) for name, step, _ in self.points if name == key]

    def set_terminated(self, run_id: str, status: str) -> None:
        self._write(lambda: self.statuses.append(status), None)

    def update_run(self, run_id: str, status: str) -> None:
        self._write(lambda: self.statuses.append(status), None)

    def _write(self, change: Any, answer: Any) -> Any:
        fault = self.faults.pop(0) if self.faults else ""
        if fault == "hang":
            self.hanging.wait()
        if fault == "down":
            raise MlflowException("connection refused")
        change()
        if fault == "lost":
            raise MlflowException("read timed out")
        return answer
