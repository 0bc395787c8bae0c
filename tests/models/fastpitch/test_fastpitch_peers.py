"""The real network in two processes: the curve of one process at the same effective batch."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
import torch
from finished_run import curve
from rank_pair import in_ranks

from components.core.progress import Progress
from components.features.store import FeatureStore
from components.models.fastpitch.params import Section
from components.models.fastpitch.spec import SPEC
from components.nn.contracts import TrainingTask
from components.training.loop import train
from components.training.peers import Peers, join

CPU = torch.device("cpu")


def test_two_processes_learn_as_one(section: Section, store: FeatureStore, tmp_path: Path) -> None:
    """Padded frames and symbols included: each micro-batch is the one that one process would have had."""
    exact = section.model_copy(
        update={
            "architecture": section.architecture.model_copy(update={"dropout": 0.0}),
            "training": section.training.model_copy(
                update={"batch_size": 2, "gradient_accumulation": 4, "phoneme_dropout": 0.0}
            ),
        }
    )

    def run(folder: Path, peers: Peers) -> None:
        task: TrainingTask = SPEC.training_task(exact, store.folder, 5, None)
        train(task, folder, CPU, Progress("test", io.StringIO()), lambda points: None, peers=peers)

    run(tmp_path / "one", Peers())
    assert in_ranks(lambda rank: run(tmp_path / "two", join(CPU, 60.0))) == [0, 0]
    one, two = curve(tmp_path / "one"), curve(tmp_path / "two")
    assert one.keys() == two.keys()
    assert any("alignment_mae_ms" in key for key, _ in one)
    for point, value in one.items():
        assert two[point] == pytest.approx(value, rel=1e-4, abs=1e-5), point
