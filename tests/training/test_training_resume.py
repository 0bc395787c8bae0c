"""A run that was interrupted ends exactly where an uninterrupted one ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import tiny_tasks
import torch
from finished_run import everything

from components.core.errors import RetryableError, StoppedError
from components.core.ports import MetricPoint
from components.core.progress import Progress
from components.training import checkpoint
from components.training.history import read_points
from components.training.loop import train
from components.training.result import TrainingResult

CPU = torch.device("cpu")
SCRIPT = Path(__file__).with_name("run_tiny.py")
FAKES = Path(tiny_tasks.__file__).parent


def run(task: tiny_tasks.TrainingTask, folder: Path) -> TrainingResult:
    return train(task, folder, CPU, Progress("test"), lambda points: None)


def stop_at(task: tiny_tasks.TrainingTask, step: int, number: signal.Signals = signal.SIGTERM) -> None:
    def hook(module: torch.nn.Module, inputs: tuple[object, ...]) -> None:
        if inputs[2] == step and module.training:
            os.kill(os.getpid(), number)

    task.network.register_forward_pre_hook(hook)


@pytest.mark.parametrize("make", [tiny_tasks.regression, tiny_tasks.gan])
@pytest.mark.parametrize("step", [0, 5, 9])
def test_stopped_and_resumed_equals_uninterrupted(make: object, step: int, tmp_path: Path) -> None:
    run(make(), tmp_path / "whole")
    interrupted = make()
    stop_at(interrupted, step)
    with pytest.raises(StoppedError, match="SIGTERM"):
        run(interrupted, tmp_path / "parts")
    assert run(make(), tmp_path / "parts").resumed_from == step + 1
    assert everything(tmp_path / "parts") == everything(tmp_path / "whole")


def test_the_comparison_notices_a_different_seed(tmp_path: Path) -> None:
    run(tiny_tasks.regression(), tmp_path / "one")
    run(tiny_tasks.regression(seed=8), tmp_path / "two")
    assert everything(tmp_path / "one")["files"] != everything(tmp_path / "two")["files"]


@pytest.mark.parametrize(("deadly", "code"), [("SIGTERM", 143), ("SIGINT", 143), ("SIGKILL", -9)])
def test_a_killed_process_resumes_to_the_same_end(deadly: str, code: int, tmp_path: Path) -> None:
    path = os.pathsep.join([str(FAKES), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": path}
    command = [sys.executable, str(SCRIPT), str(tmp_path / "parts"), deadly]
    first = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert first.returncode == code, first.stderr
    reached = 7 if code == 143 else tiny_tasks.RECIPE.checkpoint_every_steps
    assert run(tiny_tasks.regression(), tmp_path / "parts").resumed_from == reached
    run(tiny_tasks.regression(), tmp_path / "whole")
    assert everything(tmp_path / "parts") == everything(tmp_path / "whole")


def test_a_stop_during_validation_is_heard_and_the_curve_stays_whole(tmp_path: Path) -> None:
    run(tiny_tasks.regression(), tmp_path / "whole")
    interrupted = tiny_tasks.regression()

    class StopsInValidation(tiny_tasks.NoisyLine):
        asked = 0

        def __getitem__(self, index: int) -> object:
            StopsInValidation.asked += 1
            if StopsInValidation.asked == 1:
                os.kill(os.getpid(), signal.SIGTERM)
            return super().__getitem__(index)

    object.__setattr__(interrupted, "validation", StopsInValidation(6, 0.0))
    with pytest.raises(StoppedError):
        run(interrupted, tmp_path / "parts")
    run(tiny_tasks.regression(), tmp_path / "parts")
    assert everything(tmp_path / "parts") == everything(tmp_path / "whole")


def test_signal_handlers_come_back_and_are_left_alone_in_a_thread(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    seen: list[object] = []

    def observe(points: object) -> None:
        seen.append(signal.getsignal(signal.SIGTERM))

    def in_thread() -> None:
        train(tiny_tasks.regression(), tmp_path / "thread", CPU, Progress("test"), observe)

    worker = threading.Thread(target=in_thread)
    worker.start()
    worker.join()
    assert set(seen) == {before[0]}
    assert (tmp_path / "thread" / "delivered" / "model.safetensors").is_file()
    seen.clear()
    train(tiny_tasks.regression(), tmp_path / "main", CPU, Progress("test"), observe)
    assert before[0] not in seen
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before


def test_a_finished_run_is_delivered_again_without_a_step(tmp_path: Path) -> None:
    first = run(tiny_tasks.regression(), tmp_path)
    before = everything(tmp_path)
    network = tiny_tasks.regression()
    again = run(network, tmp_path)
    assert again.resumed_from == first.steps == again.steps
    assert network.network.batches == []
    assert everything(tmp_path) == before


def test_two_processes_do_not_share_a_folder(tmp_path: Path) -> None:
    clash: list[Exception] = []

    def observe(points: object) -> None:
        if not clash:
            with pytest.raises(RetryableError, match="only training run") as error:
                run(tiny_tasks.regression(), tmp_path)
            clash.append(error.value)

    train(tiny_tasks.regression(), tmp_path, CPU, Progress("test"), observe)
    assert clash


def test_observed_points_are_the_recorded_ones(tmp_path: Path) -> None:
    points: list[MetricPoint] = []
    train(tiny_tasks.regression(log_every_steps=3), tmp_path, CPU, Progress("test"), points.extend)
    assert points == read_points(tmp_path / "points.jsonl")
    assert [p.step for p in points if p.key == "train/all/total"] == [3, 6, 9, 12]
    assert [p.step for p in points if p.key == "validation/all/total"] == [4, 8, 12]


def test_at_most_the_newest_checkpoints_stay(tmp_path: Path) -> None:
    run(tiny_tasks.regression(keep_checkpoints=2), tmp_path)
    assert sorted(p.name for p in (tmp_path / "checkpoints").iterdir()) == ["step_00000008", "step_00000012"]
    found = checkpoint.latest(tmp_path / "checkpoints", _identity(tmp_path), print)
    assert found is not None
    assert found.step == 12


def _identity(folder: Path) -> dict[str, object]:
    newest = max((folder / "checkpoints").glob("step_*"))
    return dict(json.loads((newest / "manifest.json").read_text())["body"]["identity"])
