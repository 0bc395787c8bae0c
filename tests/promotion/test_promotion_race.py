"""Promoters in processes of their own, racing on one SQLite registry: the best one ends as champion."""

from __future__ import annotations

import multiprocessing
import random
from pathlib import Path

from fixture_evidence import NOW, evidence, laptop_params
from racing_promoter import race
from registry_store import RegistryStore

from components.promotion.gate import decide
from components.promotion.ledger import Ledger
from components.promotion.promote import Candidate


def candidates(store: RegistryStore, similarities: list[float]) -> list[Candidate]:
    """Each judged before anybody was champion, as in a race."""
    params, made = laptop_params(), []
    for similarity in similarities:
        found = evidence(run_id=store.run(), similarity=similarity)
        decision = decide("fastpitch", found, params.kpi, params.evaluation, None, None, NOW, seed=7)
        made.append(Candidate(store.candidate(found), found, decision))
    return made


def test_the_best_of_five_racing_promoters_is_champion(tmp_path: Path) -> None:
    """Three lie within the margin of each other, one beyond it, and one misses the target."""
    similarities = [0.88, 0.92, 0.921, 0.922, 0.80]
    random.Random(3).shuffle(similarities)
    store = RegistryStore.in_folder(tmp_path)
    racing = candidates(store, similarities)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["racing_promoter", "mlflow"])
    start = context.Barrier(len(racing))
    processes = [context.Process(target=race, args=(tmp_path, one, start)) for one in racing]
    for process in processes:
        process.start()
    for process in processes:
        process.join(timeout=120)
    assert [process.exitcode for process in processes] == [0] * len(racing)

    best = racing[similarities.index(max(similarities))].version.version
    champion = store.registry().by_alias("fastpitch", "champion_laptop")
    ledger = Ledger(tmp_path / "ledger.jsonl")
    history = ledger.history("fastpitch", "laptop")
    closing = [row for row in ledger.rows() if row.state != "intent"]
    assert champion is not None
    assert champion.version == history.champion == best
    assert sorted(str(row.to_version) for row in closing) == sorted(one.version.version for one in racing)
    assert [row.to_version for row in closing if row.action == "promote"][-1] == best
    previous = store.registry().by_alias("fastpitch", "previous_champion_laptop")
    assert (previous.version if previous else None) == history.previous
