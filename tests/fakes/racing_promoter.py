"""One promoter of a race, in a process of its own."""

from __future__ import annotations

from multiprocessing.synchronize import Barrier
from pathlib import Path

from fixture_evidence import NOW, laptop_params
from registry_store import RegistryStore

from components.promotion.lease import Lease
from components.promotion.ledger import Ledger
from components.promotion.promote import Candidate, Rules, promote
from components.promotion.succession import Author


def race(folder: Path, candidate: Candidate, start: Barrier) -> None:
    """Promote ``candidate`` as soon as everybody stands at the line."""
    params = laptop_params()
    registry = RegistryStore(folder).registry()
    registry.by_alias("fastpitch", "champion_laptop")  # the store is open before the start
    who = f"promoter of v{candidate.version.version}"
    start.wait()
    promote(
        registry,
        Ledger(folder / "ledger.jsonl"),
        Lease(folder / "promotion.lock", who, timeout_s=60),
        candidate,
        Rules(params.kpi, params.evaluation, seed=7),
        Author(who, "0" * 40, NOW),
    )
