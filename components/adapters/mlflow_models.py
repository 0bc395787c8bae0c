"""A candidate as MLflow's logged model: a page of its own, with its KPIs and the data they were found on.

So MLflow itself answers what `components search` does, by ``search_logged_models``. The files stay among the
run's artefacts (`components.adapters.mlflow_registry`); nothing is pickled.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING

from components.core.metrics import Evidence

if TYPE_CHECKING:
    from mlflow import MlflowClient

#: On a registered version: its logged model.
LOGGED_MODEL_TAG = "logged_model_id"
_TYPE = "iris"
#: MLflow takes no longer digest of a data set.
_DIGEST_LENGTH = 36


def log_model(client: MlflowClient, name: str, run_id: str, tags: Mapping[str, str]) -> str:
    """The id of the logged model of a run with these tags; made where there is none.

    Args:
        client: of the tracking server.
        name: of the registered model.
        run_id: whose artefacts hold the delivered files.
        tags: what tells one delivery of the run from another; plain words and values without quotes.
    """
    experiment = client.get_run(run_id).info.experiment_id
    ours = " AND ".join(f"tags.{key} = '{value}'" for key, value in {**tags, "source_run": run_id}.items())
    known = client.search_logged_models([experiment], filter_string=ours, max_results=1)
    if known:
        return str(known[0].model_id)
    made = client.create_logged_model(
        experiment, name=name, source_run_id=run_id, tags={**tags, "source_run": run_id}, model_type=_TYPE
    )
    client.finalize_logged_model(made.model_id, "READY")
    return str(made.model_id)


def log_kpis(client: MlflowClient, model_id: str, evidence: Evidence) -> None:
    """The evidence's values on the logged model, tied to the data version; twice changes nothing."""
    from mlflow.entities import Metric

    stamp = int(datetime.datetime.fromisoformat(evidence.created).timestamp())
    values = [
        Metric(
            metric.name,
            metric.value,
            stamp * 1000,
            stamp,
            model_id=model_id,
            dataset_name="data",
            dataset_digest=evidence.data_md5[:_DIGEST_LENGTH],
        )
        for metric in evidence.metrics
    ]
    if values:
        client.log_batch(evidence.run_id, metrics=values)
    tags = {f"{metric.name}.device": metric.device for metric in evidence.metrics}
    client.set_logged_model_tags(model_id, {**tags, "sentences_sha256": evidence.sentences_sha256})
