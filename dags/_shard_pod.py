"""A shard of a model's features in a pod of its own: the pod of the features stage with another command."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from _cluster import pod_settings
from _pod import StagePodOperator
from _shards import COMMAND
from airflow.sdk.definitions.mappedoperator import MappedOperator

from components.core.params import Params
from components.core.stage_graph import stage


class ShardPodOperator(StagePodOperator):
    """Runs ``features-shard --shard number/of`` where the features stage would run."""

    def __init__(self, *, shard: str, **kwargs: Any) -> None:
        super().__init__(stage=stage("features"), options=("shard",), **kwargs)
        self.stage, self.shard = COMMAND, shard

    def execute(self, context: Any) -> Any:
        """As a stage's, the share being one more choice of the run."""
        return super().execute({**context, "params": {**context["params"], "shard": self.shard}})


def shard_pods(
    model: str, params: Params, project: Path, settings: Mapping[str, Any], shares: Sequence[str]
) -> MappedOperator:
    """One mapped pod a share, with what every stage pod is given."""
    partial = ShardPodOperator.partial(
        model=model, params_of_profile=params, project=project, **pod_settings(params), **settings
    )
    return partial.expand(shard=list(shares))
