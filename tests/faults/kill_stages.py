"""`make faults`: every stage's pod ended at random moments, and the API server away for 30 s.

Prints a table. Run as a script, outside `make test`: `python tests/faults/kill_stages.py --kills 100`.
Each stage runs through the real operator against the stand-in (tests/fakes/kube_standin) on copies of one
finished workspace, until as many ends as asked for have found it running; what it leaves must be what it left
undisturbed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [
    str(TESTS),
    str(TESTS / "fakes"),
    str(TESTS / "k8s"),
    str(TESTS.parent / "dags"),
    str(TESTS.parent),
]

import conftest  # noqa: E402, F401  an Airflow home of our own, before airflow is imported
import kill_runs  # noqa: E402
import pod_runs  # noqa: E402
import psutil  # noqa: E402
from kube_standin import Cluster, Image, Nursery, stage_environment  # noqa: E402
from standin_clusters import new_cluster  # noqa: E402

from components.core.paths import project_root  # noqa: E402

#: Share of the ends that each stage gets; the dear ones get fewer.
SHARES = {
    "train": 0.3,
    "gate": 0.15,
    "version": 0.15,
    "validate": 0.15,
    "report": 0.08,
    "features": 0.08,
    "ingest": 0.06,
    "evaluate": 0.03,
}
OUTAGE_S = 30.0


def main() -> int:
    """0 when nothing differed and every end that was asked for has struck."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--stage", choices=SHARES, help="only this one, with all the kills")
    parser.add_argument("--undisturbed", type=Path, help="a finished workspace of the profile ci; none: made")
    parser.add_argument("--seed", type=int, default=20261124)
    arguments = parser.parse_args()
    os.environ.setdefault("AIRFLOW__LOGGING__LOGGING_LEVEL", "CRITICAL")
    folder = Path(tempfile.mkdtemp(prefix="iris-faults-"))
    os.environ["IRIS_PROFILE"] = "ci"
    pod_runs.make_database()
    nursery = Nursery(stage_environment())
    try:
        with ExitStack() as clusters:
            return run(clusters, nursery, Image.of_stages(project_root(), nursery), folder, arguments)
    finally:
        nursery.close()
        shutil.rmtree(folder, ignore_errors=True)


def run(
    clusters: ExitStack, nursery: Nursery, image: Image, folder: Path, arguments: argparse.Namespace
) -> int:
    """The undisturbed run, then each stage, then the outage."""

    def make(claim: Path) -> Cluster:
        place = Path(tempfile.mkdtemp(dir=folder))
        return clusters.enter_context(new_cluster(place, image, claim))

    template = arguments.undisturbed
    if template is None:
        template = folder / "undisturbed"
        template.mkdir()
        pod_runs.retrain(make(template), template)
    print(f"{'stage':10} {'ends':>5} {'hit':>4} {'pods':>5} {'rounds':>6}  {'CPU s':>6}  differs   how")
    failed, total = 0, 0
    shares = {arguments.stage: 1.0} if arguments.stage else SHARES
    for number, (stage, share) in enumerate(shares.items()):
        clock = cpu_seconds(nursery)
        target, wanted = kill_runs.TARGETS[stage], max(1, -int(-arguments.kills * share // 1))
        try:
            report = kill_runs.kill(make, template, folder, target, wanted, arguments.seed + number)
        except AssertionError as error:
            print(f"{stage:10} FAILED {error}", flush=True)
            failed += 1
            continue
        hows = Counter(strike.kill.how for strike in report.strikes if strike.hit)
        print(
            f"{stage:10} {len(report.strikes):5} {report.hits:4} {report.pods:5} {report.rounds:6}  "
            f"{cpu_seconds(nursery) - clock:6.0f}  {', '.join(report.differs) or '-':8}  "
            f"{', '.join(f'{how} {count}' for how, count in sorted(hows.items()))}",
            flush=True,
        )
        failed += bool(report.differs)
        total += report.hits
    print(f"{total} ends struck, seed {arguments.seed}; {failed} stages failed or differ")
    outlived = outage(make, template, folder)
    return int(bool(failed) or total < arguments.kills or not outlived)


def outage(make: object, template: Path, folder: Path) -> bool:
    """Whether training outlives an API server that is away for 30 s, beginning in its middle."""
    target = kill_runs.TARGETS["train"]
    claim = kill_runs.copy_of(template, folder / "outage", target)
    cluster: Cluster = make(claim)  # type: ignore[operator]
    started = time.monotonic()
    cluster.api.on_create = lambda: cluster.api.outage(OUTAGE_S)
    end = pod_runs.retrain(cluster, claim, target.task, retries=0)[target.task]
    differs = list(kill_runs.differences(template, claim, target))
    print(
        f"API server away for {OUTAGE_S:.0f} s in training: {end.state}, {len(cluster.created())} pod, "
        f"{time.monotonic() - started:.0f} s, differs: {', '.join(differs) or '-'}"
    )
    return end == pod_runs.TaskEnd("success", 1) and not differs


def cpu_seconds(nursery: Nursery) -> float:
    """Of this process and of every pod that has ended."""
    pods = psutil.Process(nursery.pid).cpu_times()
    return sum(os.times()[:2]) + float(pods.children_user + pods.children_system)


if __name__ == "__main__":
    sys.exit(main())
