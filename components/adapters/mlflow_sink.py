"""Delivers spooled entries to one MLflow run, each point once."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.adapters.metric_spool import POINT, RefusedError
from components.adapters.mlflow_client import refused_for_good
from components.adapters.spool_file import Entry

if TYPE_CHECKING:
    from mlflow import MlflowClient

_TOKEN_TAG = "spool_token"  # noqa: S105 - names a spool, opens nothing
_CONTEXT_TAG = "mlflow.data.context"
_PARAMS_PER_BATCH = 100


class MlflowSink:
    """A sink for one run.

    Args:
        client: makes the client; called in the sending thread, so that a slow first connection costs the
            work nothing.
        experiment_id: finds or creates the experiment.
        fresh: the run does not exist before us, so the server cannot hold any of its points yet.
    """

    def __init__(
        self, client: Callable[[], MlflowClient], experiment_id: Callable[[], str], *, fresh: bool
    ) -> None:
        self._client, self._experiment_id, self._fresh = client, experiment_id, fresh
        self._tried_to_create = not fresh
        self._held: dict[str, set[int]] = {}

    def run_id(self, token: str, header: Entry) -> str:
        """The run tagged with ``token``; an earlier creation of unknown fate is looked for first."""
        experiment = self._experiment_id()
        if self._tried_to_create:
            found = self._client().search_runs([experiment], f"tags.{_TOKEN_TAG} = '{token}'", max_results=1)
            if found:
                return str(found[0].info.run_id)
        self._tried_to_create = True
        tags = {**header["tags"], _TOKEN_TAG: token}
        run = self._client().create_run(experiment, tags=tags, run_name=header["name"])
        return str(run.info.run_id)

    def send(self, run_id: str, entries: Sequence[Entry]) -> None:
        """Deliver points, or one entry of another kind.

        Raises:
            RefusedError: MLflow will never take it.
        """
        with _judged():
            if entries[0]["kind"] == POINT:
                self._send_points(run_id, entries)
            else:
                _SENDERS[entries[0]["kind"]](self._client(), run_id, entries[0])

    def _send_points(self, run_id: str, entries: Sequence[Entry]) -> None:
        from mlflow.entities import Metric

        new: list[Any] = []
        taken: dict[str, set[int]] = defaultdict(set)
        for entry in entries:
            key, step = entry["key"], entry["step"]
            if step not in self._steps_held(run_id, key) and step not in taken[key]:
                taken[key].add(step)
                new.append(Metric(key, entry["value"], entry["timestamp_ms"], step))
        try:
            if new:
                self._client().log_batch(run_id, metrics=new)
        except BaseException:
            # They may have been written before the answer was lost: ask before sending them again.
            self._fresh = False
            for key in taken:
                self._held.pop(key, None)
            raise
        for key, steps in taken.items():
            self._held[key] |= steps

    def _steps_held(self, run_id: str, key: str) -> set[int]:
        """Steps that the server has of this curve; it is asked once, and again after an error."""
        if key not in self._held:
            history = [] if self._fresh else self._client().get_metric_history(run_id, key)
            self._held[key] = {metric.step for metric in history}
        return self._held[key]


def _send_params(client: MlflowClient, run_id: str, entry: Entry) -> None:
    from mlflow.entities import Param

    params = iter([Param(key, value) for key, value in entry["values"].items()])
    while part := list(islice(params, _PARAMS_PER_BATCH)):
        client.log_batch(run_id, params=part)


def _send_tags(client: MlflowClient, run_id: str, entry: Entry) -> None:
    for key, value in entry["values"].items():
        client.set_tag(run_id, key, value)


def _send_artefact(client: MlflowClient, run_id: str, entry: Entry) -> None:
    path = Path(entry["path"])
    if path.is_dir():
        client.log_artifacts(run_id, str(path), entry["folder"])
    elif path.is_file():
        client.log_artifact(run_id, str(path), entry["folder"])
    else:
        raise RefusedError(f"{path} is gone")


def _send_dataset(client: MlflowClient, run_id: str, entry: Entry) -> None:
    # Built from the entity: mlflow.data refuses addresses it cannot read itself (dvc://).
    from mlflow.entities import Dataset, DatasetInput, InputTag

    source = json.dumps({"url": entry["source"]})
    dataset = Dataset(name=entry["name"], digest=entry["md5"], source_type="http", source=source)
    tags = [InputTag(key=_CONTEXT_TAG, value=entry["context"])]
    client.log_inputs(run_id, [DatasetInput(dataset=dataset, tags=tags)])


def _send_status(client: MlflowClient, run_id: str, entry: Entry) -> None:
    if entry["status"] == "RUNNING":
        client.update_run(run_id, status="RUNNING")
    else:
        client.set_terminated(run_id, status=entry["status"])


_SENDERS: Mapping[str, Callable[[MlflowClient, str, Entry], None]] = {
    "params": _send_params,
    "tags": _send_tags,
    "artefact": _send_artefact,
    "dataset": _send_dataset,
    "status": _send_status,
}


@contextmanager
def _judged() -> Iterator[None]:
    from mlflow.exceptions import MlflowException

    try:
        yield
    except MlflowException as error:
        if refused_for_good(error):
            raise RefusedError(str(error)) from error
        raise
