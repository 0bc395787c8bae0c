"""No point is lost or doubled, and nobody waits, whatever the server does."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from fake_mlflow import FakeMlflow
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from components.adapters.metric_spool import Spool
from components.adapters.mlflow_sink import MlflowSink
from components.adapters.mlflow_tracking import MlflowRun, MlflowTracker
from components.adapters.spool_file import SpoolFile
from components.core.errors import TrackingUnavailableError
from components.core.ports import MetricPoint

HEADER = {"name": "n", "tags": {"model": "m"}, "run_id": None}


class TrackerOf(MlflowTracker):
    """A tracker whose client is a fake."""

    def __init__(self, fake: FakeMlflow, spool: Path) -> None:
        super().__init__("http://127.0.0.1:1", "e", spool, spool, flush_interval_s=0.005, request_timeout_s=1)
        self._connected = fake

    def _experiment_id(self) -> str:
        return "1"


def points(count: int, key: str = "loss", first: int = 0) -> list[MetricPoint]:
    return [MetricPoint(key, float(step), step, 1_700_000_000_000) for step in range(first, first + count)]


def spool_of(fake: FakeMlflow, root: Path) -> Spool:
    sink = MlflowSink(lambda: fake, lambda: "1", fresh=True)
    return Spool(SpoolFile.create(root, HEADER), sink, interval_s=0.005, patience_s=0.2)


def steps(fake: FakeMlflow, key: str = "loss") -> list[int]:
    return [step for name, step, _ in fake.points if name == key]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(faults=st.lists(st.sampled_from(["", "down", "lost"]), max_size=12))
def test_every_point_arrives_once_under_any_faults(faults: list[str], tmp_path: Path) -> None:
    fake = FakeMlflow(faults)
    run = MlflowRun(spool_of(fake, tmp_path), 10.0, 10.0)
    for start in range(0, 60, 20):
        run.log_points(points(20, first=start))
        run.log_points(points(20, key="other", first=start))
    run.finish("FINISHED")
    assert sorted(steps(fake)) == sorted(steps(fake, "other")) == list(range(60))
    assert len(fake.runs) == 1, "a creation whose answer was lost must not be repeated"
    assert set(fake.statuses) == {"FINISHED"}
    assert not [p for p in tmp_path.iterdir() if p.is_dir()]


def test_a_lost_answer_alone_makes_us_ask_the_server(tmp_path: Path) -> None:
    calm, lossy = FakeMlflow(), FakeMlflow(["", "lost"])
    for fake in (calm, lossy):
        run = MlflowRun(spool_of(fake, tmp_path), 10.0, 10.0)
        run.log_points(points(10))
        run.finish("FINISHED")
        assert steps(fake) == list(range(10))
    assert calm.questions == 0
    assert lossy.questions == 1


def test_more_points_than_one_batch_holds(tmp_path: Path) -> None:
    fake = FakeMlflow()
    run = MlflowRun(spool_of(fake, tmp_path), 10.0, 10.0)
    run.log_points(points(2500))
    run.finish("FINISHED")
    assert steps(fake) == list(range(2500))


def test_repeated_points_are_kept_once(tmp_path: Path) -> None:
    fake = FakeMlflow()
    run = MlflowRun(spool_of(fake, tmp_path), 10.0, 10.0)
    run.log_points(points(5) + points(5))
    run.log_points(points(5))
    run.finish("FINISHED")
    assert steps(fake) == list(range(5))


def test_a_hanging_server_does_not_stall_the_work(tmp_path: Path) -> None:
    fake = FakeMlflow(["hang"])
    tracker = TrackerOf(fake, tmp_path)
    started = time.monotonic()
    run = tracker.start_run("n", {"model": "m"})
    for point in points(200):
        run.log_points([point])
    logged = time.monotonic() - started
    run.finish("KILLED")
    assert logged < 1.0
    assert time.monotonic() - started < 3.0
    fake.hanging.set()  # the server comes back, and the sender with it
    deadline = time.monotonic() + 10
    while steps(fake) != list(range(200)) and time.monotonic() < deadline:
        time.sleep(0.01)
    tracker.replay()
    assert steps(fake) == list(range(200))


def test_a_run_that_cannot_be_created_says_so_and_waits_on_disk(tmp_path: Path) -> None:
    down = FakeMlflow(["down"] * 10_000)
    run = TrackerOf(down, tmp_path).start_run("n", {"model": "m"})
    run.log_points(points(3))
    with pytest.raises(TrackingUnavailableError, match="connection refused"):
        _ = run.run_id
    run.finish("FAILED")
    back = FakeMlflow()
    again = TrackerOf(back, tmp_path).start_run("n", {"model": "m"})
    again.log_points(points(6))
    again.finish("FINISHED")
    assert steps(back) == list(range(6))
    assert len(back.runs) == 1


def test_what_a_dead_process_left_is_sent_and_its_run_marked(tmp_path: Path) -> None:
    dead = SpoolFile.create(tmp_path, {**HEADER, "run_id": "r0"})
    dead.append([{"kind": "point", "key": "loss", "value": 1.0, "step": 4, "timestamp_ms": 1}])
    with (dead.folder / "entries.jsonl").open("a") as file:
        file.write('{"kind": "point", "key": "lo')  # the kill came here
    fake = FakeMlflow()
    TrackerOf(fake, tmp_path).replay()
    assert fake.points == [], "a spool whose owner lives is left alone"
    dead.release()
    TrackerOf(fake, tmp_path).replay()
    deadline = time.monotonic() + 10
    while any(p.is_dir() for p in tmp_path.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert fake.points == [("loss", 4, 1.0)]
    assert fake.statuses == ["KILLED"]


def test_an_opened_run_keeps_the_points_the_server_has(tmp_path: Path) -> None:
    fake = FakeMlflow()
    fake.points = [("loss", step, -1.0) for step in range(5)]
    run = TrackerOf(fake, tmp_path).open_run("r1")
    run.log_points(points(8))
    run.finish("FINISHED")
    assert steps(fake) == list(range(8))
    assert fake.statuses == ["RUNNING", "FINISHED"]
    assert not fake.runs


def test_an_entry_that_is_wrong_for_good_is_put_aside_and_holds_nothing_up(tmp_path: Path) -> None:
    fake = FakeMlflow()
    run = MlflowRun(spool_of(fake, tmp_path), 10.0, 10.0)
    run.log_points([*points(2), *points(1, key="bad"), *points(2, first=2)])
    run.log_file(tmp_path / "없는 파일.txt", "x")
    run.finish("FINISHED")
    assert steps(fake) == [0, 1, 2, 3]
    refused = (tmp_path / "refused.jsonl").read_text(encoding="utf-8")
    assert '"bad"' in refused
    assert "is gone" in refused
    assert len(refused.splitlines()) == 2
