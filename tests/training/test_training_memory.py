"""What autograd keeps, what a step will need, and the way down when it does not fit."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import tiny_tasks
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from components.core.errors import EnvironmentFaultError
from components.core.progress import Progress
from components.nn.contracts import TrainingTask
from components.training import memory
from components.training.learner import Learner
from components.training.loop import train
from components.training.memory import SavedTensors
from components.training.peers import Peers
from components.training.preflight import Need, plan
from components.training.result import TrainingResult

MB = 1_000_000


def run(task: TrainingTask, folder: Path, said: io.StringIO | None = None) -> TrainingResult:
    return train(
        task, folder, torch.device("cpu"), Progress("test", said or io.StringIO()), lambda points: None
    )


def weights(folder: Path) -> dict[str, Tensor]:
    found: dict[str, Tensor] = load_file(folder / "checkpoints" / "step_00000003" / "weights.safetensors")
    return found


def test_saved_bytes_are_those_of_the_storages() -> None:
    x, weight = torch.randn(100, 50), torch.randn(50, 50, requires_grad=True)
    with SavedTensors([x, weight]) as saved:
        hidden = torch.tanh(x @ weight)  # keeps its output; x and the weight lie there anyway
        total = (hidden.view(-1) * hidden.view(-1)).sum()  # keeps views of the same storage
    assert saved.bytes == 4 * 100 * 50
    total.backward()  # type: ignore[no-untyped-call]
    assert weight.grad is not None


def test_a_checkpointed_block_keeps_its_input_alone() -> None:
    block = nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 64))
    x = torch.randn(32, 64, requires_grad=True)
    kept = {}
    for name in ("plain", "checkpointed"):
        with SavedTensors(block.parameters()) as saved:
            made = checkpoint(block, x, use_reentrant=False) if name == "checkpointed" else block(x)
            assert made.requires_grad
        kept[name] = saved.bytes
    assert kept["checkpointed"] == 4 * 32 * 64
    assert kept["plain"] >= 4 * 32 * (64 + 256)


@given(a=st.integers(0, MB), b=st.integers(0, MB), n=st.integers(1, 64))
def test_what_is_kept_is_a_line(a: int, b: int, n: int) -> None:
    need = Need.measured(lambda samples: a + b * samples, fixed=7)
    assert need.kept(n) == a + b * n
    assert need.of(n) >= 7 + a + b * n


@given(room=st.integers(0, 40 * MB), asked=st.integers(1, 64), can=st.booleans())
def test_a_plan_fits_or_is_refused(room: int, asked: int, can: bool) -> None:
    plain, light = Need(MB, 0, 3 * MB), Need(MB, 0, MB)

    def needs(checkpointing: bool) -> list[Need]:
        return [light if checkpointing else plain, Need(0, 0, 1)]

    least = (light if can else plain).of(1)
    if room < least:
        with pytest.raises(EnvironmentFaultError, match="memory before the first"):
            plan(needs, asked, room, False, can)
        return
    found = plan(needs, asked, room, False, can)
    assert found.bytes <= room
    assert 1 <= found.micro_batch <= asked
    assert found.checkpointing == (plain.of(1) > room), "the last resort, not the first"


def test_looking_ahead_tells_the_need_and_leaves_no_trace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(tiny_tasks.gan(batch_size=8, max_steps=3), tmp_path / "blind")
    room = 10**9
    monkeypatch.setattr(memory, "room", lambda device: room)
    said = io.StringIO()
    assert run(tiny_tasks.gan(batch_size=8, max_steps=3), tmp_path / "roomy", said).micro_batch == 8
    assert "GB predicted for a step, 1.00 GB left, 8 samples at a time" in said.getvalue()
    task = tiny_tasks.gan(batch_size=8, max_steps=3)
    learner = Learner(task, torch.device("cpu"), lambda line: None, Peers())
    room = max(phase.need(task.train[0], 0).of(4) for phase in learner.phases)
    tight = run(tiny_tasks.gan(batch_size=8, max_steps=3), tmp_path / "tight")
    assert tight.micro_batch == 4, "no step ran out of memory: it was known before"
    for name, value in weights(tmp_path / "blind").items():
        assert torch.equal(weights(tmp_path / "roomy")[name], value)
        torch.testing.assert_close(weights(tmp_path / "tight")[name], value)


def test_no_room_is_refused_before_the_first_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "room", lambda device: 10)
    with pytest.raises(EnvironmentFaultError, match="GB left"):
        run(tiny_tasks.gan(batch_size=8, max_steps=3), tmp_path)


def test_after_the_last_halving_comes_checkpointing(tmp_path: Path) -> None:
    task = tiny_tasks.gan(batch_size=2, max_steps=3)
    forward = task.network.forward
    light: list[bool] = []

    def small(phase: str, batch: Mapping[str, Any], step: int) -> Mapping[str, Tensor]:
        if not light and step >= 1:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 MiB")
        made: Mapping[str, Tensor] = forward(phase, batch, step)
        return made

    task.network.forward = small
    task.network.enable_gradient_checkpointing = lambda: light.append(True)
    said = io.StringIO()
    result = run(task, tmp_path / "tight", said)
    run(tiny_tasks.gan(batch_size=2, max_steps=3), tmp_path / "roomy")
    assert (result.steps, result.micro_batch, light) == (3, 1, [True])
    assert "gradient checkpointing from here" in said.getvalue()
    for name, value in weights(tmp_path / "roomy").items():
        torch.testing.assert_close(weights(tmp_path / "tight")[name], value)
