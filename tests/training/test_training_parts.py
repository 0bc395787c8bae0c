"""Budget, moving average, generators, signals: the small parts of the loop, each alone."""

from __future__ import annotations

import io
import os
import random
import signal
from pathlib import Path

import numpy as np
import pytest
import tiny_tasks
import torch
from hypothesis import given
from hypothesis import strategies as st

from components.core.errors import ConfigError
from components.core.progress import Progress
from components.training import rng
from components.training.budget import Budget
from components.training.ema import MovingAverage, first_not_finite
from components.training.history import History, read_points
from components.training.loop import train
from components.training.stop_signal import StopSignal

CPU = torch.device("cpu")


def test_the_rate_stays_then_falls_to_zero_over_the_last_share() -> None:
    steps = Budget(max_steps=100, max_cpu_seconds=0.0, anneal_share=0.3)
    assert [steps.rate_factor(s, 1e9) for s in (0, 70)] == pytest.approx([1.0, 1.0])
    assert [steps.rate_factor(s, 0) for s in (85, 100)] == pytest.approx([0.5, 0.0])
    clock = Budget(max_steps=10**9, max_cpu_seconds=10.0, anneal_share=0.3)
    assert clock.rate_factor(5, 8.5) == pytest.approx(0.5)
    assert Budget(100, 0.0, 0.0).rate_factor(99, 0) == 1.0


@given(step=st.integers(0, 300), cpu=st.floats(0, 50))
def test_the_budget_ends_exactly_when_it_is_used_up(step: int, cpu: float) -> None:
    budget = Budget(max_steps=200, max_cpu_seconds=20.0, anneal_share=0.3)
    reached = budget.reached(step, cpu)
    assert (reached is not None) == (budget.share_used(step, cpu) == 1.0)
    assert reached in ({"max_steps"} if step >= 200 else {"max_cpu_seconds", None})
    assert 0.0 <= budget.rate_factor(step, cpu) <= 1.0


def test_the_average_follows_its_definition() -> None:
    network = torch.nn.BatchNorm1d(1)
    average = MovingAverage(network, decay=0.5)
    expected = 1.0
    for update, value in enumerate([3.0, -1.0, 2.0, 5.0]):
        with torch.no_grad():
            network.weight.fill_(value)
            network.running_mean.fill_(value)
        average.update(network)
        keep = min(0.5, (1 + update) / (10 + update))
        expected = keep * expected + (1 - keep) * value
        assert float(average.weights()["weight"]) == pytest.approx(expected)
        assert float(average.weights()["running_mean"]) == value


def test_no_decay_means_the_weights_themselves() -> None:
    network = torch.nn.Linear(3, 2)
    average = MovingAverage(torch.nn.Linear(3, 2), decay=0.0)
    average.update(network)
    assert torch.equal(average.weights()["weight"], network.weight)
    assert average.weights()["weight"].data_ptr() != network.weight.data_ptr()


def test_not_finite_is_named() -> None:
    state = {"a": torch.ones(2), "n": torch.tensor([1]), "b": torch.tensor([1.0, float("inf")])}
    assert first_not_finite(state) == "b"
    assert first_not_finite({"a": torch.ones(2)}) is None


def draws() -> list[float]:
    return [
        random.random(),
        random.gauss(0, 1),
        float(np.random.standard_normal()),
        float(np.random.random()),
        float(torch.randn(())),
    ]


def test_every_generator_comes_back() -> None:
    rng.seed_everything(5)
    draws()  # leaves a cached gaussian behind in python's and numpy's generators
    state = rng.capture(CPU)
    assert all(tensor.dtype in {torch.int64, torch.float64, torch.uint8} for tensor in state.values())
    first = draws()
    assert draws() != first
    rng.restore(state, CPU)
    assert draws() == first
    rng.restore(state, CPU)
    with rng.untouched(CPU):
        draws()
    assert draws() == first


def test_a_second_interrupt_does_not_wait() -> None:
    with StopSignal() as stop:
        os.kill(os.getpid(), signal.SIGINT)
        assert stop.received == "SIGINT"
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_history_survives_a_torn_line_and_rewinds(tmp_path: Path) -> None:
    said: list[str] = []
    history = History(tmp_path / "points.jsonl", lambda points: None, said.append)
    for step in range(4):
        history.log(step, {"loss": float(step), "손실": 1.0, "bad": float("nan")})
    with history.path.open("a", encoding="utf-8") as file:
        file.write('{"key": "loss", "val')
    assert len(history.points()) == 8
    history.rewind(1)
    assert [(p.key, p.step) for p in read_points(history.path)] == [
        ("loss", 0),
        ("손실", 0),
        ("loss", 1),
        ("손실", 1),
    ]
    assert said[0] == "warning: step 0: bad is not finite"


def test_a_checkpoint_of_another_recipe_is_refused_and_kept(tmp_path: Path) -> None:
    def run(task: tiny_tasks.TrainingTask) -> None:
        train(task, tmp_path, CPU, Progress("test", io.StringIO()), lambda points: None)

    run(tiny_tasks.regression())
    before = sorted(path.name for path in (tmp_path / "checkpoints").iterdir())
    with pytest.raises(ConfigError, match=r"recipe\.ema_decay: 0\.5 here, 0\.9 there"):
        run(tiny_tasks.regression(ema_decay=0.5))
    assert sorted(path.name for path in (tmp_path / "checkpoints").iterdir()) == before
