"""The launcher of several processes: real torchrun, real workers, and the exit codes of the contract."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import tiny_tasks
from finished_run import everything
from hypothesis import given
from hypothesis import strategies as st
from rank_pair import in_ranks

from components.core.progress import Progress
from components.nn.device import best_device
from components.training.loop import train
from components.training.peers import join
from components.training.torchrun import together

SCRIPT = Path(__file__).with_name("run_tiny.py")
FAKES = Path(tiny_tasks.__file__).parent


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ([0, 0], 0),
        ([143, 143], 143),
        ([143, 75], 75),
        ([143, 0], 75),
        ([75, -9], 75),
        ([-9, -15], 75),
        ([75, 42], 42),
        ([1, 75], 1),
        ([70, 75, -15], 70),
        ([1, 42], 42),
    ],
)
def test_what_codes_mean_together(codes: list[int], expected: int) -> None:
    assert together(codes) == expected


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ([143, 75], 143),
        ([143, -15], 143),
        ([-15, -15], 75),
        ([75, 75], 75),
        ([143, -9], 75),
        ([143, 42], 42),
        ([0, 0], 0),
    ],
)
def test_a_stop_that_was_asked_for_takes_peers_along(codes: list[int], expected: int) -> None:
    assert together(codes, asked_to_stop=True) == expected


@given(st.lists(st.sampled_from([0, 1, 42, 70, 75, 143, -6, -9, -11, -15]), min_size=1))
def test_only_success_of_all_is_success_and_order_does_not_matter(codes: list[int]) -> None:
    assert (together(codes) == 0) is (set(codes) == {0})
    assert together(codes) == together(codes[::-1])
    assert together(codes) in {0, 1, 42, 70, 75, 143}


@pytest.mark.parametrize(("deadly", "code"), [("SIGKILL", 75), ("launcher", 143)])
def test_a_worker_or_the_launcher_is_hit_and_a_restart_ends_the_same(
    deadly: str, code: int, tmp_path: Path
) -> None:
    """``launcher``: SIGTERM to torchrun, as a pod gets it when its node is drained."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": _path(), "GLOO_SOCKET_IFNAME": "lo"}
    command = [sys.executable, "-m", "components.training.torchrun", "--standalone", "--nproc-per-node", "2"]
    command += [str(SCRIPT), str(tmp_path / "parts"), deadly]
    first = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert first.returncode == code, first.stderr

    def undisturbed(name: str) -> list[int]:
        return in_ranks(lambda rank: _train(tmp_path / name))

    assert undisturbed("parts") == [0, 0]
    assert undisturbed("whole") == [0, 0]
    assert everything(tmp_path / "parts") == everything(tmp_path / "whole")


def _train(folder: Path) -> None:
    device = best_device()
    task = tiny_tasks.regression()
    train(task, folder, device, Progress("test"), lambda points: None, peers=join(device, 60.0))


def _path() -> str:
    return os.pathsep.join([str(FAKES), *filter(None, [os.environ.get("PYTHONPATH")])])
