"""The tracker on MLflow. Reading asks the server; writing goes through a spool and never waits for it."""

from __future__ import annotations

import datetime
import logging
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.adapters.metric_spool import POINT, Spool
from components.adapters.mlflow_client import answering, connect, without_credentials
from components.adapters.mlflow_sink import MlflowSink
from components.adapters.spool_file import SpoolFile
from components.core.ports import MetricPoint, RunSummary

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

_LOG = logging.getLogger(__name__)

#: A finished run tries for this many request time-outs before it leaves the rest to the next opening. One
#: that was stopped has a grace period to keep and leaves after a single sending.
_TRIES_AT_THE_END = 3
#: Creating an SQLite store runs MLflow's migrations first: this many request time-outs.
_TRIES_TO_MAKE_A_DATABASE = 6


class MlflowTracker:
    """Runs in one MLflow experiment.

    Args:
        tracking_uri: of a server, or ``sqlite:///…``.
        experiment: its name; made on first use.
        artifact_root: where artefacts go when the store is a database of our own; a server decides itself.
        spool: folder of everything that has not arrived yet, shared by all processes of a workspace.
        flush_interval_s: between two sendings.
        request_timeout_s: patience with one request.
    """

    def __init__(
        self,
        tracking_uri: str,
        experiment: str,
        artifact_root: Path,
        spool: Path,
        flush_interval_s: float,
        request_timeout_s: int,
    ) -> None:
        self._uri, self._experiment, self._artifact_root = tracking_uri, experiment, artifact_root
        self._spool, self._flush_interval_s = spool, flush_interval_s
        self._timeout_s = request_timeout_s
        self._connecting = threading.Lock()
        self._connected: MlflowClient | None = None

    def start_run(self, name: str, tags: Mapping[str, str]) -> MlflowRun:
        """A new run; it appears on the server as soon as that answers.

        A spool of the same name and tags that a dead process left before its run had an id is taken over.
        """
        header = {"name": name, "tags": dict(tags), "run_id": None}
        file = self._take_over(header)
        fresh = file is None
        return self._run(file or SpoolFile.create(self._spool, header), fresh=fresh)

    def open_run(self, run_id: str) -> MlflowRun:
        """Write on into a run; what a dead process had still to send to it goes first."""
        header = {"name": "", "tags": {}, "run_id": run_id}
        file = self._take_over(header) or SpoolFile.create(self._spool, header)
        file.append([{"kind": "status", "status": "RUNNING"}])
        return self._run(file, fresh=False)

    def replay(self) -> None:
        """Send, in the background, what dead processes left; their unfinished runs are marked KILLED."""
        for file in SpoolFile.abandoned(self._spool):
            if not _is_closed(file):
                file.append([{"kind": "status", "status": "KILLED"}])
            self._start_spool(file, fresh=False).drain(_TRIES_AT_THE_END * self._timeout_s)

    def runs(self, model: str | None, limit: int) -> list[RunSummary]:
        """The latest runs, newest first.

        Raises:
            TrackingUnavailableError: the server does not answer.
        """
        wanted = f"tags.model = '{model}'" if model else ""
        with answering(self._uri, "a list of runs"):
            found = self.client().search_runs(
                [self._experiment_id()], wanted, max_results=limit, order_by=["attributes.start_time DESC"]
            )
        return [_summary(run) for run in found]

    def curves(self, run_id: str) -> dict[str, list[MetricPoint]]:
        """Every curve of a run, by step.

        Raises:
            BadInputError: no such run.
            TrackingUnavailableError: the server does not answer.
        """
        with answering(self._uri, f"the curves of run {run_id}"):
            keys = sorted(self.client().get_run(run_id).data.metrics)
            histories = {key: self.client().get_metric_history(run_id, key) for key in keys}
        return {
            key: sorted(
                (MetricPoint(key, metric.value, metric.step, metric.timestamp) for metric in history),
                key=lambda point: point.step,
            )
            for key, history in histories.items()
        }

    def annotate(self, run_id: str, points: Sequence[MetricPoint], tags: Mapping[str, str]) -> None:
        """Add to a run that has ended, without opening it again: its status and its end stay as they are.

        Raises:
            BadInputError: no such run.
            TrackingUnavailableError: the server does not answer; nothing is spooled, the caller runs again.
        """
        from mlflow.entities import Metric, RunTag

        metrics = [Metric(point.key, point.value, point.timestamp_ms, point.step) for point in points]
        with answering(self._uri, f"room for more in run {run_id}"):
            self.client().log_batch(
                run_id, metrics=metrics, tags=[RunTag(name, value) for name, value in tags.items()]
            )

    def fetch(self, run_id: str, folder: str, target: Path) -> Path:
        """The run's artefacts under ``folder``, copied below ``target``.

        Raises:
            BadInputError: no such run, or it has no such artefacts.
            TrackingUnavailableError: the server does not answer.
        """
        with answering(self._uri, f"{folder} of run {run_id}"):
            return Path(self.client().download_artifacts(run_id, folder, str(target)))

    def address(self, run_id: str) -> str:
        """The run's page on a server; for a database, which has no page, the database and the run."""
        place = without_credentials(self._uri)
        if not place.startswith("http"):
            return f"{place} run {run_id}"
        with answering(self._uri, f"run {run_id}"):
            experiment = self.client().get_run(run_id).info.experiment_id
        return f"{place.rstrip('/')}/#/experiments/{experiment}/runs/{run_id}"

    def client(self) -> MlflowClient:
        """The MLflow client, connected on first use."""
        with self._connecting:
            if self._connected is None:
                self._connected = connect(self._uri, self._timeout_s)
            return self._connected

    def _run(self, file: SpoolFile, *, fresh: bool) -> MlflowRun:
        self.replay()
        spool = self._start_spool(file, fresh=fresh)
        return MlflowRun(spool, _TRIES_AT_THE_END * self._timeout_s, self._flush_interval_s)

    def _start_spool(self, file: SpoolFile, *, fresh: bool) -> Spool:
        sink = MlflowSink(self.client, self._experiment_id, fresh=fresh)
        tries = 1 if self._uri.startswith("http") else _TRIES_TO_MAKE_A_DATABASE
        return Spool(file, sink, self._flush_interval_s, tries * self._timeout_s)

    def _take_over(self, header: Mapping[str, Any]) -> SpoolFile | None:
        """A dead process's spool for this very run, if there is one."""
        for file in SpoolFile.abandoned(self._spool):
            same_run = header["run_id"] is not None and file.header["run_id"] == header["run_id"]
            unnamed = header["run_id"] is None and file.header == header
            if same_run or unnamed:
                return file
            file.release()
        return None

    def _experiment_id(self) -> str:
        from mlflow.exceptions import MlflowException

        client = self.client()
        found = client.get_experiment_by_name(self._experiment)
        if found is None:
            ours = not self._uri.startswith("http")
            try:
                return str(
                    client.create_experiment(
                        self._experiment, artifact_location=self._artifact_root.as_uri() if ours else None
                    )
                )
            except MlflowException:  # somebody else was quicker, or it really cannot be made
                found = client.get_experiment_by_name(self._experiment)
                if found is None:
                    raise
        if found.lifecycle_stage == "deleted":
            client.restore_experiment(found.experiment_id)
        return str(found.experiment_id)


class MlflowRun:
    """One run being written. Entries reach the disk at once and the server when it answers."""

    def __init__(self, spool: Spool, patience_s: float, hurry_s: float) -> None:
        self._spool, self._patience_s, self._hurry_s = spool, patience_s, hurry_s

    @property
    def run_id(self) -> str:
        """The run's id.

        Raises:
            TrackingUnavailableError: the server has not created it so far.
        """
        return self._spool.run_id

    def log_params(self, params: Mapping[str, str]) -> None:
        """Record parameters once."""
        self._spool.add([{"kind": "params", "values": dict(params)}])

    def log_points(self, points: Sequence[MetricPoint]) -> None:
        """Record points; a (key, step) that the run already has is left as it is."""
        self._spool.add(
            [
                {
                    "kind": POINT,
                    "key": p.key,
                    "value": p.value,
                    "step": p.step,
                    "timestamp_ms": p.timestamp_ms,
                }
                for p in points
            ]
        )

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Set tags; the last value wins."""
        self._spool.add([{"kind": "tags", "values": dict(tags)}])

    def log_file(self, path: Path, folder: str) -> None:
        """Store a file; it must stay where it is until it has been sent."""
        self._spool.add([{"kind": "artefact", "path": str(path.resolve()), "folder": folder}])

    def log_folder(self, path: Path, folder: str) -> None:
        """Store a folder; it must stay where it is until it has been sent."""
        self.log_file(path, folder)

    def log_dataset(self, name: str, source: str, md5: str, context: str) -> None:
        """Link the data version that went in."""
        self._spool.add([{"kind": "dataset", "name": name, "source": source, "md5": md5, "context": context}])

    def finish(self, status: str) -> None:
        """Close the run; what does not arrive in time waits on disk for the next tracker to send."""
        self._spool.add([{"kind": "status", "status": status}])
        if not self._spool.close(self._patience_s if status == "FINISHED" else self._hurry_s):
            _LOG.warning("the tracking server did not take everything; the rest waits in the spool")


def _is_closed(file: SpoolFile) -> bool:
    last = file.entries()[-1:]
    return bool(last) and last[0]["kind"] == "status" and last[0]["status"] != "RUNNING"


def _summary(run: Run) -> RunSummary:
    return RunSummary(
        run_id=run.info.run_id,
        name=run.info.run_name or "",
        status=run.info.status,
        started=_iso(run.info.start_time),
        ended=_iso(run.info.end_time),
        params=dict(run.data.params),
        metrics=dict(run.data.metrics),
        tags={key: value for key, value in run.data.tags.items() if not key.startswith("mlflow.")},
    )


def _iso(milliseconds: int | None) -> str:
    if milliseconds is None:
        return ""
    moment = datetime.datetime.fromtimestamp(milliseconds / 1000, tz=datetime.UTC)
    return moment.astimezone().isoformat(timespec="seconds")
