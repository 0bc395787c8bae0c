"""1,000 points of a curve: what logging them costs the training, through the spool and one call a point.

Both write to an SQLite store of their own. The spool is timed twice: until the training may go on (the
ratio), and until every point is in the store. Prints one line: name, ratio, baseline, limit.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from components.adapters.mlflow_tracking import MlflowTracker
from components.core.ports import MetricPoint

POINTS = 1000
LIMIT = 30.0


def main() -> int:
    """Measure; 1 when the ratio misses the limit."""
    with tempfile.TemporaryDirectory() as folder:
        tracker = MlflowTracker(
            tracking_uri=f"sqlite:///{folder}/mlflow.db",
            experiment="benchmark",
            artifact_root=Path(folder) / "artifacts",
            spool=Path(folder) / "spool",
            flush_interval_s=0.1,
            request_timeout_s=30,
        )
        points = [MetricPoint("loss", 1.0 / (1 + step), step, 1_700_000_000_000) for step in range(POINTS)]
        one_by_one = _one_call_a_point(tracker, points)
        blocked, delivered = _through_the_spool(tracker, points)
    ratio = one_by_one / blocked
    sys.stdout.write(
        f"metric_logging  ratio {ratio:.0f}x  (all in the store: {one_by_one / delivered:.0f}x)  "
        f"baseline log_metric per point {one_by_one:.2f} s for {POINTS}  limit >= {LIMIT:.0f}x\n"
    )
    return 0 if ratio >= LIMIT else 1


def _one_call_a_point(tracker: MlflowTracker, points: list[MetricPoint]) -> float:
    run = tracker.start_run("one by one", {})
    run_id = run.run_id
    run.finish("FINISHED")
    client = tracker.client()
    started = time.perf_counter()
    for point in points:
        client.log_metric(run_id, point.key, point.value, point.timestamp_ms, point.step)
    return time.perf_counter() - started


def _through_the_spool(tracker: MlflowTracker, points: list[MetricPoint]) -> tuple[float, float]:
    run = tracker.start_run("spool", {})
    run_id = run.run_id
    started = time.perf_counter()
    for point in points:
        run.log_points([point])
    blocked = time.perf_counter() - started
    run.finish("FINISHED")
    delivered = time.perf_counter() - started
    if tracker.curves(run_id)["loss"] != points:
        raise SystemExit("the spool lost points: the ratio means nothing")
    return blocked, delivered


if __name__ == "__main__":
    sys.exit(main())
