"""1,000 points of a curve: what logging them costs the training, through the spool and one call a point.

Both write to an SQLite store of their own, in turns. The ratio is over the time until the training may go on;
a second row, without a goal of its own, is over the time until every point is in the store (wall time).
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from ratio import Row, in_turns, row, tell, unmeasured

from components.adapters.mlflow_tracking import MlflowTracker
from components.core.ports import MetricPoint

POINTS, SHORT_POINTS = 1000, 20
REPEATS = 3


def main() -> int:
    """Measure; 1 when the ratio misses the goal."""
    return tell(rows(short=False))


def rows(short: bool) -> list[Row]:
    """Row 7, and until the store has everything."""
    count, repeats = (SHORT_POINTS, 1) if short else (POINTS, REPEATS)
    points = [MetricPoint("loss", 1.0 / (1 + step), step, 1_700_000_000_000) for step in range(count)]
    delivered: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        tracker = MlflowTracker(
            tracking_uri=f"sqlite:///{folder}/mlflow.db",
            experiment="benchmark",
            artifact_root=Path(folder) / "artifacts",
            spool=Path(folder) / "spool",
            flush_interval_s=0.1,
            request_timeout_s=30,
        )
        _one_call_a_point(tracker, points[:1])  # makes the store
        mine, theirs = in_turns(
            lambda: _through_the_spool(tracker, points, delivered),
            lambda: _one_call_a_point(tracker, points),
            repeats,
        )
    baseline = f"log_metric per point, {count} points on SQLite"
    blocked = unmeasured("7", "metric logging", 30.0, baseline, "an append to a file")
    stored = unmeasured("7b", "metric logging, all in the store", 1.0, baseline, "one transaction")
    return [row(blocked, mine, theirs), row(stored, delivered, theirs)]


def _one_call_a_point(tracker: MlflowTracker, points: list[MetricPoint]) -> float:
    run = tracker.start_run("one by one", {})
    run_id = run.run_id
    run.finish("FINISHED")
    client = tracker.client()
    started = time.perf_counter()
    for point in points:
        client.log_metric(run_id, point.key, point.value, point.timestamp_ms, point.step)
    return time.perf_counter() - started


def _through_the_spool(tracker: MlflowTracker, points: list[MetricPoint], delivered: list[float]) -> float:
    run = tracker.start_run("spool", {})
    run_id = run.run_id
    started = time.perf_counter()
    for point in points:
        run.log_points([point])
    blocked = time.perf_counter() - started
    run.finish("FINISHED")
    delivered.append(time.perf_counter() - started)
    if tracker.curves(run_id)["loss"] != points:
        raise SystemExit("the spool lost points: the ratio means nothing")
    return blocked


if __name__ == "__main__":
    sys.exit(main())
