"""NaN, running out of memory, phases, precision: what the loop does when a step is not plain."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import tiny_tasks
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from components.core.errors import ConfigError, DataError, EnvironmentFaultError, TrainingDivergedError
from components.core.progress import Progress
from components.nn.contracts import Batch, TrainingTask
from components.training.loop import train
from components.training.result import TrainingResult
from components.training.sampler import BatchOrder

CPU = torch.device("cpu")


def run(task: TrainingTask, folder: Path, said: io.StringIO | None = None) -> TrainingResult:
    return train(task, folder, CPU, Progress("test", said or io.StringIO()), lambda points: None)


def spoil(task: TrainingTask, when: Callable[[int, Batch], bool], value: float = float("nan")) -> None:
    """Make the training loss ``value`` in the steps that ``when`` names."""

    def hook(
        module: nn.Module, inputs: tuple[Any, ...], losses: Mapping[str, Tensor]
    ) -> Mapping[str, Tensor]:
        _, batch, step = inputs
        spoilt = module.training and when(step, batch)
        return {**losses, "total": losses["total"] * value} if spoilt else losses

    task.network.register_forward_hook(hook)


def weights(folder: Path, step: int, group: str = "weights") -> dict[str, Tensor]:
    return load_file(folder / "checkpoints" / f"step_{step:08d}" / f"{group}.safetensors")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_spoiled_step_changes_no_weight(value: float, tmp_path: Path) -> None:
    task = tiny_tasks.regression(checkpoint_every_steps=1, max_steps=4, keep_checkpoints=9)
    spoil(task, lambda step, batch: step == 1, value)
    said = io.StringIO()
    result = run(task, tmp_path, said)
    assert result.skipped_steps == 1
    assert result.rollbacks == 0
    for name, _ in task.network.named_parameters():
        assert torch.equal(weights(tmp_path, 1)[name], weights(tmp_path, 2)[name])
        assert torch.equal(weights(tmp_path, 1, "average")[name], weights(tmp_path, 2, "average")[name])
        assert not torch.equal(weights(tmp_path, 2)[name], weights(tmp_path, 3)[name])
    assert "not finite, step skipped (1 of at most 2 in a row)" in said.getvalue()


def test_bad_data_is_passed_by_rolling_back_once(tmp_path: Path) -> None:
    task = tiny_tasks.regression(max_steps=12)
    order: list[int] = []

    drawn: list[tuple[int, ...]] = []

    def sixth_to_eighth_batch(step: int, batch: Batch) -> bool:
        order.append(step)
        drawn.append(tuple(batch["index"]))
        return 6 <= len(order) <= 8  # by count, not by step: after going back, other batches come

    spoil(task, sixth_to_eighth_batch)
    said = io.StringIO()
    result = run(task, tmp_path, said)
    assert result.rollbacks == 1
    assert result.skipped_steps == 3
    assert order == [0, 1, 2, 3, 4, 5, 6, 7, 4, 5, 6, 7, 8, 9, 10, 11]
    expected = BatchOrder(30, 4, seed=7)
    assert drawn == [tuple(expected.batch(position)) for position in range(16)]
    assert "back to step 4" in said.getvalue()


def test_lasting_nan_ends_in_a_typed_error_and_never_on_disk(tmp_path: Path) -> None:
    task = tiny_tasks.regression()
    spoil(task, lambda step, batch: step >= 6)
    with pytest.raises(TrainingDivergedError, match="after 1 roll-back"):
        run(task, tmp_path)
    for file in tmp_path.rglob("*.safetensors"):
        if not file.name.startswith("rng"):
            assert all(bool(t.isfinite().all()) for t in load_file(file).values() if t.is_floating_point())
    assert not (tmp_path / "delivered").exists()


def test_out_of_memory_keeps_the_effective_batch(tmp_path: Path) -> None:
    tight = tiny_tasks.gan(batch_size=8, max_steps=3)

    def small_device(module: nn.Module, inputs: tuple[Any, ...]) -> None:
        if len(inputs[1]["index"]) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 MiB")

    tight.network.register_forward_pre_hook(small_device)
    said = io.StringIO()
    result = run(tight, tmp_path / "tight", said)
    run(tiny_tasks.gan(batch_size=8, max_steps=3), tmp_path / "roomy")
    assert result.micro_batch == 2
    assert "4 samples at a time" in said.getvalue()
    assert "2 samples at a time from here, still 8 a step" in said.getvalue()
    for name, value in weights(tmp_path / "roomy", 3).items():
        torch.testing.assert_close(weights(tmp_path / "tight", 3)[name], value)


def test_memory_that_never_suffices_is_said_once(tmp_path: Path) -> None:
    task = tiny_tasks.regression(batch_size=16)

    def never(phase: str, batch: Batch, step: int) -> Mapping[str, Tensor]:
        raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried …")

    task.network.forward = never
    with pytest.raises(EnvironmentFaultError, match="after 3 halvings"):
        run(task, tmp_path)


def test_another_runtime_error_is_not_mistaken_for_memory(tmp_path: Path) -> None:
    task = tiny_tasks.regression()

    def broken(phase: str, batch: Batch, step: int) -> Mapping[str, Tensor]:
        raise RuntimeError("shape mismatch")

    task.network.forward = broken
    with pytest.raises(RuntimeError, match="shape mismatch"):
        run(task, tmp_path)


def test_accumulation_equals_one_large_batch(tmp_path: Path) -> None:
    run(tiny_tasks.gan(batch_size=8, gradient_accumulation=1, max_steps=4), tmp_path / "large")
    run(tiny_tasks.gan(batch_size=2, gradient_accumulation=4, max_steps=4), tmp_path / "small")
    for name, value in weights(tmp_path / "large", 4).items():
        torch.testing.assert_close(weights(tmp_path / "small", 4)[name], value)


def test_each_phase_changes_only_its_own_modules(tmp_path: Path) -> None:
    task = tiny_tasks.gan(max_steps=1, checkpoint_every_steps=1)
    only_d = dataclasses.replace(task, phases=task.phases[:1])
    run(only_d, tmp_path)
    before, after = weights(tmp_path, 0), weights(tmp_path, 1)
    assert torch.equal(before["generator.weight"], after["generator.weight"])
    assert not torch.equal(before["discriminator.0.weight"], after["discriminator.0.weight"])
    both = tiny_tasks.gan(max_steps=2)
    run(both, tmp_path / "both")
    assert both.network.turns[:4] == ["discriminator", "generator"] * 2
    assert all(parameter.requires_grad for parameter in both.network.parameters())


def test_clipping_bounds_the_step(tmp_path: Path) -> None:
    def plain_sgd(parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
        return torch.optim.SGD(parameters, lr=1.0)

    moved = {}
    for limit in (1e-3, None):
        task = tiny_tasks.regression(max_steps=1, anneal_share=0.0)
        phases = (dataclasses.replace(task.phases[0], optimiser=plain_sgd, clip_norm=limit),)
        run(dataclasses.replace(task, phases=phases), tmp_path / str(limit))
        before, after = weights(tmp_path / str(limit), 0), weights(tmp_path / str(limit), 1)
        steps = [(after[name] - before[name]).flatten() for name, _ in task.network.named_parameters()]
        moved[limit] = float(torch.cat(steps).norm())
    assert moved[1e-3] == pytest.approx(1e-3, rel=0.01)
    assert moved[None] > 0.1


@pytest.mark.parametrize("precision", ["bf16-mixed", "16-mixed"])
def test_mixed_precision_keeps_weights_and_targets_whole(precision: str, tmp_path: Path) -> None:
    task = tiny_tasks.regression(precision=precision)
    seen: set[tuple[torch.dtype, torch.dtype]] = set()

    def look(module: nn.Module, inputs: tuple[Any, ...], output: Tensor) -> None:
        seen.add((inputs[0].dtype, output.dtype))

    task.network.head.register_forward_hook(look)
    targets: set[torch.dtype] = set()
    task.network.register_forward_pre_hook(lambda module, inputs: targets.add(inputs[1]["y"].dtype))
    result = run(task, tmp_path)
    assert result.steps == 12
    assert result.losses["train/all/total"] > 0
    half = torch.bfloat16 if precision.startswith("bf16") else torch.float16
    assert half in {dtype for pair in seen for dtype in pair}
    assert targets == {torch.float32}
    assert all(v.dtype != half for v in weights(tmp_path, 12).values())


def test_float16_overflow_lowers_the_scale_without_counting_as_divergence(tmp_path: Path) -> None:
    task = tiny_tasks.regression(precision="16-mixed", max_skipped_steps=0)
    spoil(task, lambda step, batch: True, 1e4)
    result = run(task, tmp_path)
    assert result.rollbacks == 0
    assert result.skipped_steps > 0
    assert result.steps == 12


def test_training_learns_the_line(tmp_path: Path) -> None:
    task = tiny_tasks.regression(max_steps=300, validate_every_steps=50, checkpoint_every_steps=100)
    free = dataclasses.replace(task.phases[0], schedule=lambda step: 1.0)
    result = run(dataclasses.replace(task, phases=(free,)), tmp_path)
    first = run(tiny_tasks.regression(max_steps=1), tmp_path / "first")
    assert result.losses["validation/all/total"] < 0.1 * first.losses["validation/all/total"]
    assert result.peak_memory.rss_gb > 0.05
    assert result.peak_memory.allocated_gb is None
    assert result.parameters == 2 * 8 + 8 + 16 + 8 + 1
    assert result.device.startswith("cpu: ")


def test_what_is_delivered_is_the_average(tmp_path: Path) -> None:
    result = run(tiny_tasks.regression(), tmp_path)
    delivered = load_file(result.delivered / "model.safetensors")
    average = weights(tmp_path, 12, "average")
    assert all(torch.equal(delivered[name], average[name]) for name in average)
    assert not torch.equal(delivered["head.weight"], weights(tmp_path, 12)["head.weight"])


def test_a_cpu_budget_ends_the_run_annealed(tmp_path: Path) -> None:
    task = tiny_tasks.regression(max_steps=10**9, max_cpu_seconds=0.5, anneal_share=0.3)
    rates: list[float] = []

    def observe(points: Any) -> None:
        rates.extend(p.value for p in points if p.key == "train/all/learning_rate")

    flat = (dataclasses.replace(task.phases[0], schedule=lambda step: 1.0),)
    result = train(
        dataclasses.replace(task, phases=flat), tmp_path, CPU, Progress("t", io.StringIO()), observe
    )
    assert result.ended_by == "max_cpu_seconds"
    assert 0.5 <= result.cpu_seconds < 2.0
    assert rates[0] == 0.01
    assert rates[-1] < 0.002


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"precision": "int4"}, ConfigError, "one of 32-true"),
        ({"gradient_checkpointing": True}, ConfigError, "enable_gradient_checkpointing"),
    ],
)
def test_recipes_that_cannot_be(
    change: dict[str, Any], error: type[Exception], message: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=message):
        run(tiny_tasks.regression(**change), tmp_path)


def test_a_phase_over_a_missing_module_or_no_data_is_refused(tmp_path: Path) -> None:
    task = tiny_tasks.regression()
    with pytest.raises(ConfigError, match="a submodule 'tail'"):
        run(dataclasses.replace(task, phases=(tiny_tasks.phase("all", "tail"),)), tmp_path)
    with pytest.raises(DataError, match="at least one sample"):
        run(dataclasses.replace(task, train=tiny_tasks.NoisyLine(0, 0.0)), tmp_path)


def test_gradient_checkpointing_is_switched_on_where_the_network_has_it(tmp_path: Path) -> None:
    task = tiny_tasks.regression(gradient_checkpointing=True, max_steps=1)
    called: list[bool] = []
    task.network.enable_gradient_checkpointing = lambda: called.append(True)
    run(task, tmp_path)
    assert called == [True]
