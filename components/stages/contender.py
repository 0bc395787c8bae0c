"""Who stands for evaluation and gate: the weights of a training run, or those shipped in ``pretrained/``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from components.stages.contract import StageContext


@dataclass(frozen=True)
class Contender:
    """Delivered weights and the run that answers for them.

    Attributes:
        model: name in params.yaml.
        run_id: the tracked run that evidence, tags and samples are logged to.
        folder: the delivered model.
        weights_sha256: of its file of weights.
    """

    model: str
    run_id: str
    folder: Path
    weights_sha256: str


def trained(context: StageContext) -> Contender:
    """What this run's train stage delivered."""
    summary = context.upstream["train"].summary
    return Contender(
        model=str(context.model),
        run_id=str(summary["run_id"]),
        folder=context.input("train", "delivered"),
        weights_sha256=str(summary["checkpoint_sha256"]),
    )
