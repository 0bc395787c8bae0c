"""Stages whose pods are ended from outside at random moments, until enough ends have struck."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pod_runs
import run_outcome
from kube_standin import Cluster
from kube_standin.faults import HOWS, Kill, Strike, of_stage

from components.core.paths import Workspace
from components.stages.records import read_record

MODEL = "fastpitch"
#: Rounds for each end that is wanted, before we call it hopeless.
_PATIENCE = 5
#: A moment that came too late says that the stage is quicker than its record: later draws end earlier.
_EARLIER = 0.85
#: A warm interpreter's way to the stage, and from there to its end.
_START_S = 1.0


@dataclass(frozen=True)
class Target:
    """A stage to run again and again.

    Attributes:
        stage: its name.
        model: None for a stage that runs once.
        wrote: below the workspace, everything that it writes, so that a round begins from nothing.
    """

    stage: str
    model: str | None
    wrote: tuple[str, ...]

    @property
    def task(self) -> str:
        """Its task in the DAG."""
        return f"{self.model}.{self.stage}" if self.model else self.stage

    @property
    def record(self) -> str:
        """Its record, below the workspace."""
        return f"records/{self.stage}.{self.model}.json" if self.model else f"records/{self.stage}.json"


TARGETS = {
    target.stage: target
    for target in (
        Target("ingest", None, ("corpus/data", "ingest")),
        Target("version", None, ("corpus/data.dvc", "corpus/.dvc/cache", "dvc-remote", "data-versions")),
        Target("validate", None, ("validation",)),
        Target("features", MODEL, ("features",)),
        Target("train", MODEL, ("training",)),
        Target("evaluate", MODEL, ("evaluation",)),
        Target("gate", MODEL, ("decisions",)),
        Target("report", None, ("reports",)),
    )
}


@dataclass(frozen=True)
class KillReport:
    """What became of one stage: the strikes, how many pods and tries it took, and what differed."""

    stage: str
    strikes: tuple[Strike, ...]
    pods: int
    rounds: int
    differs: tuple[str, ...]

    @property
    def hits(self) -> int:
        """Strikes that found the pod running."""
        return sum(strike.hit for strike in self.strikes)


def seconds_of(workspace: Path, target: Target) -> float:
    """How long the stage's pod ran when nothing ended it: its work by the record, and its start."""
    record = read_record(Workspace.embedded(workspace), target.stage, target.model)
    assert record is not None, f"{target.stage} never ran in {workspace}"
    return record.seconds + _START_S


def kill(
    make: Callable[[Path], Cluster],
    template: Path,
    folder: Path,
    target: Target,
    wanted: int,
    seed: int,
) -> KillReport:
    """Run a stage on copies of a finished workspace until ``wanted`` ends have struck, and compare.

    Args:
        make: a cluster whose claim is the given folder.
        template: the finished workspace; it stays as it is.
        folder: an empty one, for the copies.
        target: the stage.
        seed: of ends and moments, which are drawn evenly from the time that it takes undisturbed.

    Raises:
        AssertionError: the stage did not succeed in the end, or too few ends found it running.
    """
    draws = random.Random(seed)
    strikes: list[Strike] = []
    differs: list[str] = []
    pods = rounds = 0
    seconds = seconds_of(template, target)
    while (missing := wanted - sum(strike.hit for strike in strikes)) > 0:
        rounds += 1
        assert rounds <= _PATIENCE * wanted, (
            f"{target.stage}: {missing} of {wanted} ends never found it running"
        )
        claim = copy_of(template, folder / f"{target.stage}-{rounds}", target)
        cluster = make(claim)
        cluster.faults.kills(_kills(draws, missing, seconds), of_stage(target.stage))
        ends = pod_runs.retrain(cluster, claim, target.task, retries=2 * wanted, pods_per_attempt=2 * wanted)
        cluster.wait_until_still()
        assert ends[target.task].state == "success", (ends, cluster.faults.strikes)
        strikes += cluster.faults.strikes
        seconds *= _EARLIER ** sum(not strike.hit for strike in cluster.faults.strikes)
        pods += len(cluster.created())
        differs += differences(template, claim, target)
        cluster.close()
        shutil.rmtree(claim)
    return KillReport(target.stage, tuple(strikes), pods, rounds, tuple(differs))


def copy_of(template: Path, claim: Path, target: Target) -> Path:
    """The workspace without what the stage wrote."""
    shutil.copytree(template, claim, symlinks=True)
    for name in (target.record, *target.wrote):
        path = claim / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    return claim


def differences(template: Path, claim: Path, target: Target) -> Iterator[str]:
    """What the stage left that is not as it was in the undisturbed run."""
    before, after = Workspace.embedded(template), Workspace.embedded(claim)
    expected = run_outcome.outputs(before, target.stage, target.model)
    found = run_outcome.outputs(after, target.stage, target.model)
    yield from (f"{target.stage}.{name}" for name in expected if expected[name] != found[name])
    if target.stage == "evaluate" and run_outcome.metrics(before, MODEL) != run_outcome.metrics(after, MODEL):
        yield "evaluate: metrics"
    if target.stage == "gate" and run_outcome.verdict(before, MODEL) != run_outcome.verdict(after, MODEL):
        yield "gate: verdict or version"
    if target.stage == "report":
        names = [sorted(p.name for p in space.reports.iterdir()) for space in (before, after)]
        yield from () if names[0] == names[1] else ("report: files",)
    # what DVC left unfinished in its stores has a random name, harms nobody and is DVC's to collect
    ours = (path for path in claim.rglob("*.tmp") if not {".dvc", "dvc-remote"} & set(path.parts))
    yield from (f"left over: {path.relative_to(claim)}" for path in ours)


def _kills(draws: random.Random, count: int, seconds: float) -> list[Kill]:
    return [Kill(draws.choice(HOWS), after_s=draws.uniform(0.0, seconds)) for _ in range(count)]
