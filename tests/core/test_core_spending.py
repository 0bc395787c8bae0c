"""What was spent is known or None; it is never 0 because nobody looked."""

from __future__ import annotations

import datetime
import multiprocessing
import os
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.core import process_tree, spending

ZONE = datetime.timezone(datetime.timedelta(hours=9))


@given(st.lists(st.one_of(st.none(), st.floats(0, 1e6))))
def test_a_sum_with_an_unknown_part_is_unknown(parts: list[float | None]) -> None:
    summed = spending.total(parts)
    assert (summed is None) == (not parts or None in parts)
    assert summed is None or summed == pytest.approx(sum(part for part in parts if part is not None))


@pytest.mark.parametrize(
    ("gpu_hours", "rate", "amount"), [(2.0, 3.0, 6.0), (0.0, 3.0, 0.0), (0.0, None, None), (None, 3.0, None)]
)
def test_money_is_known_where_hours_and_price_are(
    gpu_hours: float | None, rate: float | None, amount: float | None
) -> None:
    assert spending.money(gpu_hours, rate) == amount


def test_the_wait_ends_when_the_process_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    submitted = datetime.datetime(2026, 11, 2, 3, 0, tzinfo=ZONE)
    monkeypatch.setenv(*spending.submission(submitted))
    assert spending.queue_seconds(submitted.timestamp() + 5400.25) == 5400.25


@pytest.mark.parametrize("told", [None, "", "yesterday", "2026-11-02T03:00:00", "2126-11-02T03:00:00+09:00"])
def test_no_time_of_submission_is_no_wait_of_zero(told: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """None, nothing, no time, no offset, and a clock that is ahead of ours."""
    monkeypatch.delenv(spending.SUBMITTED_VARIABLE, raising=False)
    if told is not None:
        monkeypatch.setenv(spending.SUBMITTED_VARIABLE, told)
    assert spending.queue_seconds(time.time()) is None


def test_a_pod_holds_what_it_was_given_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(spending.GPUS_VARIABLE, "4")
    assert spending.held_gpus(uses_gpu=False) == 4
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert spending.held_gpus(uses_gpu=True) == 0


def test_elsewhere_a_gpu_stage_holds_a_gpu_if_there_is_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    from pathlib import Path

    folder = Path(str(tmp_path))
    monkeypatch.setattr(spending, "_DEVICES", folder)
    for name in (spending.GPUS_VARIABLE, "CUDA_VISIBLE_DEVICES", "LOCAL_RANK", "LOCAL_WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    (folder / "nvidiactl").touch()
    assert spending.held_gpus(uses_gpu=True) == 0
    for name in ("nvidia0", "nvidia1"):
        (folder / name).touch()
    assert (spending.held_gpus(uses_gpu=True), spending.held_gpus(uses_gpu=False)) == (1, 0)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    assert spending.held_gpus(uses_gpu=True) == 2
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert spending.held_gpus(uses_gpu=True) == 0


def test_cpu_time_of_workers_counts_also_after_they_ended() -> None:
    def of_others() -> float:  # looking is work of our own
        return process_tree.cpu_seconds() - time.process_time()

    before = of_others()
    worker = multiprocessing.get_context("forkserver").Process(target=_burn, args=(1.5,))
    worker.start()
    worker.join()
    deadline = time.monotonic() + 5  # the fork server waits for its children in its own time
    while of_others() - before < 1.5 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert of_others() - before >= 1.5


def test_a_process_started_before_now_and_after_its_parent() -> None:
    assert 0 < process_tree.started_at() < time.time()
    assert os.getpid() in dict(process_tree._processes())


def _burn(seconds: float) -> None:
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass
