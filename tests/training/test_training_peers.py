"""Two processes over gloo: the curve of one process, decisions in common, and what a lost one leaves."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import tiny_tasks
import torch
from finished_run import curve, everything
from rank_pair import in_ranks
from safetensors.torch import load_file
from torch import Tensor, nn

from components.core.progress import Progress
from components.nn.contracts import Batch, TrainingTask
from components.training.loop import train
from components.training.peers import Peers, join
from components.training.result import TrainingResult

CPU = torch.device("cpu")
#: Two processes sum the same floats in another order: 12 steps of AdamW stay within this.
TOLERANCE = {"rtol": 2e-5, "atol": 1e-6}
TIMEOUT_S = 60.0
RETRY, STOPPED, BAD, KILLED = 75, 143, 42, -9

Spoil = Callable[[TrainingTask], None]


def run(
    task: TrainingTask, folder: Path, peers: Peers | None = None, said: io.StringIO | None = None
) -> TrainingResult:
    progress = Progress("test", said or io.StringIO())
    return train(task, folder, CPU, progress, lambda points: None, peers=peers)


def pair(
    make: Callable[[], TrainingTask],
    folder: Path,
    spoil: Mapping[int, Spoil] | None = None,
    world: int = 2,
    after: Callable[[int, TrainingResult], None] | None = None,
) -> list[int]:
    """Train in ``world`` processes; ``spoil`` changes the task of some ranks. What each said lies beside."""

    def one(rank: int) -> None:
        task, said = make(), io.StringIO()
        (spoil or {}).get(rank, lambda task: None)(task)
        try:
            result = run(task, folder, join(CPU, TIMEOUT_S), said)
            if after:
                after(rank, result)
        finally:
            folder.with_name(f"{folder.name}.said.{rank}").write_text(said.getvalue(), encoding="utf-8")

    return in_ranks(one, world)


def said(folder: Path, rank: int) -> str:
    return folder.with_name(f"{folder.name}.said.{rank}").read_text(encoding="utf-8")


def exact(make: Callable[..., TrainingTask], **recipe: Any) -> TrainingTask:
    """Nothing drawn at random: what processes draw differs, and with it the curve."""
    return dataclasses.replace(make(**recipe), train=tiny_tasks.NoisyLine(30, 0.0))


def weights(folder: Path, step: int) -> dict[str, Tensor]:
    return load_file(folder / "checkpoints" / f"step_{step:08d}" / "weights.safetensors")


def at_step(step: int, action: Callable[[], None]) -> Spoil:
    def spoil(task: TrainingTask) -> None:
        def hook(module: nn.Module, inputs: tuple[Any, ...]) -> None:
            if inputs[2] == step and module.training:
                action()

        task.network.register_forward_pre_hook(hook)

    return spoil


class MaskedMean(nn.Module):
    """A loss over a share of each batch that differs, a branch that few samples take, one that none takes."""

    def __init__(self) -> None:
        super().__init__()
        self.line, self.rare, self.never = nn.Linear(2, 1), nn.Linear(2, 1), nn.Linear(2, 1)

    def forward(self, phase: str, batch: Batch, step: int) -> Mapping[str, Tensor]:
        index = torch.tensor(batch["index"])
        error = (self.line(batch["x"]) - batch["y"]).square().flatten()
        valid = (index % 3 > 0).float()
        losses = {"total": (error * valid).sum() / valid.sum().clamp(min=1.0)}
        if bool((index == 7).any()):
            rare = self.rare(batch["x"][index == 7]).square().mean()
            losses = {"total": losses["total"] + rare, "rare": rare}
        return losses


def masked(**recipe: Any) -> TrainingTask:
    torch.manual_seed(3)
    return tiny_tasks.task(MaskedMean(), (tiny_tasks.phase("all", ""),), **recipe)


@pytest.mark.parametrize(
    ("make", "recipe", "world"),
    [
        (tiny_tasks.gan, {"batch_size": 3, "gradient_accumulation": 2}, 2),
        (tiny_tasks.gan, {"batch_size": 6}, 3),
        (masked, {"batch_size": 3, "gradient_accumulation": 4, "max_steps": 24}, 2),
    ],
    ids=["two-phases", "one-batch-split", "masked-means-and-unused-branches"],
)
def test_the_curve_is_that_of_one_process(
    make: Callable[..., TrainingTask], recipe: dict[str, Any], world: int, tmp_path: Path
) -> None:
    run(exact(make, **recipe), tmp_path / "one")
    assert pair(lambda: exact(make, **recipe), tmp_path / "many", world=world) == [0] * world
    one, many = curve(tmp_path / "one"), curve(tmp_path / "many")
    assert one.keys() == many.keys()
    assert len(one) > 20
    for point, value in one.items():
        assert many[point] == pytest.approx(value, rel=TOLERANCE["rtol"], abs=TOLERANCE["atol"]), point
    last = recipe.get("max_steps", 12)
    for name, value in weights(tmp_path / "one", last).items():
        torch.testing.assert_close(weights(tmp_path / "many", last)[name], value, **TOLERANCE)


def test_a_parameter_that_nobody_used_is_left_alone(tmp_path: Path) -> None:
    """Weight decay would move it if it got a gradient of zeros."""
    recipe = {"batch_size": 3, "gradient_accumulation": 4, "max_steps": 4}
    assert pair(lambda: exact(masked, **recipe), tmp_path / "two") == [0, 0]
    before, after = weights(tmp_path / "two", 0), weights(tmp_path / "two", 4)
    assert torch.equal(before["never.weight"], after["never.weight"])
    assert not torch.equal(before["rare.weight"], after["rare.weight"])


def test_averaging_over_processes_would_not_be_enough(tmp_path: Path) -> None:
    """The comparison above can fail: halving one process's weight moves the curve out of the tolerance."""

    class Halved(Peers):
        def add_up(self, tensors: Any) -> None:
            if self.rank == 1:
                for tensor in tensors:
                    tensor.mul_(0.5)
            super().add_up(tensors)

    recipe = {"batch_size": 3, "gradient_accumulation": 2}
    run(exact(tiny_tasks.gan, **recipe), tmp_path / "one")

    def one(rank: int) -> None:
        joined = join(CPU, TIMEOUT_S)
        run(exact(tiny_tasks.gan, **recipe), tmp_path / "two", Halved(joined.rank, joined.world))

    assert in_ranks(one) == [0, 0]
    key = ("train/discriminator/total", 12)
    assert curve(tmp_path / "two")[key] != pytest.approx(curve(tmp_path / "one")[key], rel=1e-2)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two processes, nothing in their way; the regression draws from every generator."""
    folder = tmp_path_factory.mktemp("pair") / "whole"
    assert pair(two_batches, folder) == [0, 0]
    return folder


def two_batches(**recipe: Any) -> TrainingTask:
    return tiny_tasks.regression(gradient_accumulation=2, **recipe)


def test_two_runs_of_two_processes_are_equal_to_the_bit(undisturbed: Path, tmp_path: Path) -> None:
    assert pair(two_batches, tmp_path / "again") == [0, 0]
    assert everything(tmp_path / "again") == everything(undisturbed)
    assert "rng_1.safetensors" in everything(undisturbed)["files"]


@pytest.mark.parametrize("rank", [0, 1])
def test_a_signal_to_one_stops_all_at_the_same_step(rank: int, undisturbed: Path, tmp_path: Path) -> None:
    stop = {rank: at_step(5, lambda: os.kill(os.getpid(), signal.SIGTERM))}
    assert pair(two_batches, tmp_path / "parts", stop) == [STOPPED, STOPPED]
    assert max(p.name for p in (tmp_path / "parts" / "checkpoints").glob("step_*")) == "step_00000006"
    assert pair(two_batches, tmp_path / "parts") == [0, 0]
    assert "resuming at step 6" in said(tmp_path / "parts", 0)
    assert everything(tmp_path / "parts") == everything(undisturbed)


@pytest.mark.parametrize("rank", [0, 1])
def test_a_killed_one_ends_the_other_and_a_restart_comes_to_the_same_end(
    rank: int, undisturbed: Path, tmp_path: Path
) -> None:
    kill = {rank: at_step(6, lambda: os.kill(os.getpid(), signal.SIGKILL))}
    started = time.monotonic()
    codes = pair(two_batches, tmp_path / "parts", kill)
    assert codes[rank] == KILLED
    assert codes[1 - rank] == RETRY
    assert time.monotonic() - started < TIMEOUT_S, "a closed connection tells, not the timeout"
    assert pair(two_batches, tmp_path / "parts") == [0, 0]
    assert "resuming at step 4" in said(tmp_path / "parts", 0)
    assert everything(tmp_path / "parts") == everything(undisturbed)


def test_another_number_of_processes_goes_on_and_says_what_it_costs(tmp_path: Path) -> None:
    stop = {0: at_step(5, lambda: os.kill(os.getpid(), signal.SIGTERM))}
    recipe = {"batch_size": 3, "gradient_accumulation": 2}
    assert pair(lambda: exact(tiny_tasks.gan, **recipe), tmp_path / "parts", stop) == [STOPPED, STOPPED]
    told = io.StringIO()
    assert run(exact(tiny_tasks.gan, **recipe), tmp_path / "parts", said=told).resumed_from == 6
    assert "saved by 2 process(es), 1 now: random generators begin anew" in told.getvalue()
    run(exact(tiny_tasks.gan, **recipe), tmp_path / "one")
    for point, value in curve(tmp_path / "one").items():
        assert curve(tmp_path / "parts")[point] == pytest.approx(value, rel=2e-5, abs=1e-6), point


def spoilt(when: Callable[[int], bool]) -> Spoil:
    """The loss of some forward passes is NaN, counted from 0."""

    def spoil(task: TrainingTask) -> None:
        seen = iter(range(10**6))

        def hook(module: nn.Module, inputs: tuple[Any, ...], losses: Any) -> Any:
            if module.training and when(next(seen)):
                return {**losses, "total": losses["total"] * float("nan")}
            return losses

        task.network.register_forward_hook(hook)

    return spoil


def test_nan_at_one_is_skipped_and_rolled_back_by_all(tmp_path: Path) -> None:
    told: Path = tmp_path / "told"
    told.mkdir()

    def keep(rank: int, result: TrainingResult) -> None:
        counted = {"skipped": result.skipped_steps, "rollbacks": result.rollbacks}
        (told / f"{rank}.json").write_text(json.dumps(counted), encoding="utf-8")

    # once at step 1, then three times in a row, one more than is allowed
    bad = {1: spoilt(lambda number: number == 1 or 6 <= number <= 8)}
    assert pair(two_batches, tmp_path / "two", bad, after=keep) == [0, 0]
    expected = {"skipped": 4, "rollbacks": 1}
    assert [json.loads((told / f"{rank}.json").read_text()) for rank in (0, 1)] == [expected] * 2
    assert "batches in between" in said(tmp_path / "two", 0)


def test_lasting_nan_at_one_ends_all_with_the_same_error(tmp_path: Path) -> None:
    assert pair(two_batches, tmp_path / "two", {1: spoilt(lambda number: number >= 2)}) == [BAD, BAD]


def test_out_of_memory_at_one_halves_the_micro_batch_of_all(tmp_path: Path) -> None:
    def tight(task: TrainingTask) -> None:
        def small_device(module: nn.Module, inputs: tuple[Any, ...]) -> None:
            if len(inputs[1]["index"]) > 2 and module.training:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 MiB")

        task.network.register_forward_pre_hook(small_device)

    def make() -> TrainingTask:
        return exact(tiny_tasks.gan, batch_size=4, gradient_accumulation=2)

    assert pair(make, tmp_path / "tight", {1: tight}) == [0, 0]
    for rank in (0, 1):
        assert "2 samples at a time from here, still 8 a step" in said(tmp_path / "tight", rank)
    run(make(), tmp_path / "roomy")
    for name, value in weights(tmp_path / "roomy", 12).items():
        torch.testing.assert_close(weights(tmp_path / "tight", 12)[name], value, **TOLERANCE)


def test_the_leaders_cpu_seconds_end_the_run_for_all(tmp_path: Path) -> None:
    def busy(task: TrainingTask) -> None:
        def burn(module: nn.Module, inputs: tuple[Any, ...]) -> None:
            until = time.process_time() + 0.02
            while time.process_time() < until:
                pass

        task.network.register_forward_pre_hook(burn)

    def make() -> TrainingTask:
        return two_batches(max_steps=10**9, max_cpu_seconds=0.3, validate_every_steps=10**6)

    assert pair(make, tmp_path / "two", {1: busy}) == [0, 0]
    newest = max((tmp_path / "two" / "checkpoints").glob("step_*"))
    state = json.loads((newest / "state.json").read_text(encoding="utf-8"))
    assert 0.3 <= state["counters"]["cpu_seconds"] < 0.6


def test_a_batch_that_cannot_be_split_is_refused(tmp_path: Path) -> None:
    assert pair(lambda: tiny_tasks.gan(batch_size=3), tmp_path / "two") == [BAD, BAD]


def test_weights_that_drifted_apart_are_never_saved(tmp_path: Path) -> None:
    def drift(task: TrainingTask) -> None:
        def nudge() -> None:
            with torch.no_grad():
                next(task.network.parameters()).add_(1e-3)

        at_step(6, nudge)(task)

    assert pair(lambda: exact(tiny_tasks.gan), tmp_path / "two", {1: drift}) == [RETRY, RETRY]
    names = sorted(path.name for path in (tmp_path / "two" / "checkpoints").glob("step_*"))
    assert names == ["step_00000000", "step_00000004"]


def test_one_process_alone_asks_nobody() -> None:
    alone = Peers()
    tensor = torch.ones(3)
    alone.add_up([tensor])
    alone.follow_leader([tensor])
    assert torch.equal(tensor, torch.ones(3))
    assert (alone.any(True), alone.any(False), alone.largest([3, -1])) == (True, False, [3, -1])
    assert (alone.of_leader("x"), alone.gather("x"), alone.leads, alone.alone) == ("x", ["x"], True, True)
    assert join(CPU, 1.0).alone
