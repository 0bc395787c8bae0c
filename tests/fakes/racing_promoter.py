"""Promoters in processes of their own, round after round on one registry in SQLite (a real MLflow)."""

from __future__ import annotations

import multiprocessing
import os
import queue
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fixture_evidence import NOW, altered, evidence, laptop_params, spread, summed
from registry_store import RegistryStore

from components.core.metrics import Evidence
from components.promotion.gate import decide, headroom
from components.promotion.lease import Lease
from components.promotion.ledger import Ledger
from components.promotion.promote import Candidate, Rules, promote
from components.promotion.succession import Author, champion_alias, previous_alias

MODEL, SCOPE = "fastpitch", "laptop"
#: Distances above the targets, of similarity and accuracy; latency is as far below its own in relation. Some
#: lie within the margin of each other, some beyond it, two miss a target.
QUALITIES = (-0.03, -0.005, 0.02, 0.021, 0.024, 0.045, 0.0455, 0.046)
_PATIENCE_S, _ENDING_S = 300, 30
_READY, _CPU = "ready", "cpu"


def evidence_of(quality: float, run_id: str) -> Evidence:
    """Sentences scatter alike in all candidates, so that a better one is better in each."""
    found = evidence(run_id=run_id)
    for name, centre, width, unit in (
        ("pronunciation_accuracy", 0.90, 0.02, 1.0),
        ("speaker_similarity", 0.85, 0.02, 1.0),
        ("latency_p95_ms", 480.0, 10.0, -1000.0),
    ):
        scores = spread(centre + unit * quality, width)
        found = altered(found, name, **summed(scores, tail=unit < 0))
    return found


def candidates(store: RegistryStore, qualities: Sequence[float] = QUALITIES) -> list[Candidate]:
    """Registered, and each judged before anybody was champion, as in a race."""
    params, made = laptop_params(), []
    for quality in qualities:
        found = evidence_of(quality, store.run())
        decision = decide(MODEL, found, params.kpi, params.evaluation, None, None, NOW, seed=7)
        made.append(Candidate(store.candidate(found), found, decision))
    return made


def _promoter(folder: Path, tasks: Any, ended: Any, lines: Mapping[int, Any]) -> None:
    params = laptop_params()
    rules = Rules(params.kpi, params.evaluation, 7, approval_required=False, objections=lambda version: ())
    registry = RegistryStore(folder).registry()
    registry.by_alias(MODEL, champion_alias(SCOPE))  # the store is open before the first start
    ended.put((_READY, ""))
    while (task := tasks.get()) is not None:
        candidate, ledger, racing = task
        who = f"promoter of v{candidate.version.version}"
        lines[racing].wait()
        try:
            lease = Lease(folder / "promotion.lock", who, timeout_s=_PATIENCE_S)
            outcome = promote(registry, ledger, lease, candidate, rules, Author(who, "0" * 40, NOW))
            ended.put((candidate.version.version, outcome.state))
        except Exception as error:  # noqa: BLE001 - whatever it is, the race tells it
            ended.put((candidate.version.version, repr(error)))
    ended.put((_CPU, time.process_time()))


@dataclass
class Races:
    """Rounds on one store; a round has a ledger of its own and begins without a champion.

    Attributes:
        cpu_s: of the promoters, known when they have stopped.
    """

    folder: Path
    store: RegistryStore
    pool: Sequence[Candidate]
    tasks: Any
    ended: Any
    rounds: int = 0
    findings: list[str] = field(default_factory=list)
    cpu_s: float = 0.0

    def round(self, racing: Sequence[Candidate]) -> None:
        """One start, all promotions, and what is wrong with what they left."""
        registry = self.store.registry()
        for alias in (champion_alias(SCOPE), previous_alias(SCOPE)):
            registry.delete_alias(MODEL, alias)
        self.rounds += 1
        ledger = Ledger(self.folder / f"ledger-{self.rounds}.jsonl")
        for one in racing:
            self.tasks.put((one, ledger, len(racing)))
        states = dict(_told(self.ended, f"the end of a promotion of round {self.rounds}") for _ in racing)
        wrong = list(self._wrong(racing, states, ledger))
        self.findings += [f"round {self.rounds}, {len(racing)} promoters: {one}" for one in wrong]

    def _wrong(self, racing: Sequence[Candidate], states: Mapping[str, str], ledger: Ledger) -> Iterator[str]:
        best, registry = best_of(racing), self.store.registry()
        history = ledger.history(MODEL, SCOPE)
        champion = registry.by_alias(MODEL, champion_alias(SCOPE))
        previous = registry.by_alias(MODEL, previous_alias(SCOPE))
        serving = champion.version if champion else None
        if serving != best:
            yield f"champion v{serving}, the best is v{best} ({dict(states)})"
        if history.champion != serving:
            yield f"the ledger says v{history.champion}, the alias v{serving}"
        if history.previous != (previous.version if previous else None):
            yield f"the ledger's previous is v{history.previous}, the alias {previous}"
        if history.open_intent:
            yield "an attempt without an end"
        closing = sorted(str(row.to_version) for row in ledger.rows() if row.state != "intent")
        if closing != sorted(one.version.version for one in racing):
            yield f"closing rows for {closing}"
        if bad := {version: said for version, said in states.items() if said not in {"promoted", "refused"}}:
            yield f"ended otherwise: {bad}"


def _told(ended: Any, wanted: str) -> tuple[str, Any]:
    """The next word of a promoter; a busy machine takes its time, a dead promoter says nothing."""
    try:
        word: tuple[str, Any] = ended.get(timeout=_PATIENCE_S)
    except queue.Empty as error:
        raise TimeoutError(f"no word of {wanted} within {_PATIENCE_S} s") from error
    return word


def best_of(racing: Sequence[Candidate]) -> str | None:
    """By the gate: the highest of those that pass it; None where none does."""
    params = laptop_params()

    def height(one: Candidate) -> float:
        return headroom(MODEL, one.evidence, params.kpi, params.evaluation)

    passing = [one for one in racing if one.decision.verdict == "PASS"]
    return max(passing, key=height).version.version if passing else None


@contextmanager
def races(folder: Path, most: int) -> Iterator[Races]:
    """Candidates and ``most`` waiting promoters."""
    os.environ["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"] = "false"  # a bar for each of thousands of small files
    store = RegistryStore.in_folder(folder)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["racing_promoter", "mlflow"])
    tasks, ended = context.Queue(), context.Queue()
    lines = {racing: context.Barrier(racing) for racing in range(2, most + 1)}
    pool = candidates(store)
    processes = [
        context.Process(target=_promoter, args=(folder, tasks, ended, lines), daemon=True)
        for _ in range(most)
    ]
    for process in processes:
        process.start()
    running = Races(folder, store, pool, tasks, ended)
    try:
        for _ in processes:
            _told(ended, "a promoter that has opened its store")
        yield running
    finally:
        for _ in processes:
            tasks.put(None)
        with suppress(queue.Empty):
            running.cpu_s = sum(ended.get(timeout=_ENDING_S)[1] for _ in processes)
        for process in processes:
            process.join(timeout=_ENDING_S)
            if process.is_alive():
                process.kill()


def run_rounds(
    folder: Path, sizes: Sequence[int], seed: int, told: Callable[[Races], None] = lambda race: None
) -> Races:
    """A round for each of ``sizes`` promoters, with candidates drawn by ``seed``."""
    draw = random.Random(seed)
    with races(folder, max(sizes)) as running:
        for size in sizes:
            running.round(draw.sample(list(running.pool), size))
            told(running)
    return running
