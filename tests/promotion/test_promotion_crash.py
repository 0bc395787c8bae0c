"""A promoter is killed at every line of the protocol; the next run repairs what it left."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest
from dying_line import dies_at, lines_of
from file_registry import FileRegistry
from fixture_evidence import NOW, evidence, laptop_params

from components.core import statistics, storage
from components.core.ports import ModelRegistry
from components.promotion import lease, ledger, promote, rollback, succession
from components.promotion.gate import decide

PARAMS = laptop_params()
FOUND = {str(n): evidence(run_id=f"run {n}", similarity=s) for n, s in enumerate((0.88, 0.90, 0.92, 0.80), 1)}
WORSE = "4"
AUTHOR = succession.Author("tester", "0" * 40, NOW)
RULES = promote.Rules(PARAMS.kpi, PARAMS.evaluation, 7, approval_required=False, objections=lambda _: ())
#: The protocol: everything that stands between two states of alias and ledger.
FILES = frozenset(str(module.__file__) for module in (promote, rollback, succession, ledger, lease, storage))


@dataclass(frozen=True)
class Place:
    """A registry and a ledger in a folder."""

    folder: Path

    @property
    def registry(self) -> ModelRegistry:
        return cast("ModelRegistry", FileRegistry(self.folder, FOUND))

    @property
    def ledger(self) -> ledger.Ledger:
        return ledger.Ledger(self.folder / "ledger.jsonl")

    @property
    def lease(self) -> lease.Lease:
        return lease.Lease(self.folder / "promotion.lock", "tester", timeout_s=5)

    def promote(self, number: str) -> str:
        found, version = FOUND[number], self.registry.by_version("fastpitch", number)
        decision = decide("fastpitch", found, PARAMS.kpi, PARAMS.evaluation, None, None, NOW, 7)
        candidate = promote.Candidate(version, found, decision)
        return promote.promote(self.registry, self.ledger, self.lease, candidate, RULES, AUTHOR).state

    def rollback(self) -> None:
        line = ("fastpitch", "laptop", "clicks", AUTHOR)
        rollback.rollback(self.registry, self.ledger, self.lease, *line, lambda _: ())

    def copy(self, folder: Path) -> Place:
        shutil.copytree(self.folder, folder)
        return Place(folder)

    def check(self, champions: set[str | None]) -> None:
        """Aliases and ledger tell one story, and it is one of the possible ones."""
        history = self.ledger.history("fastpitch", "laptop")
        found = [
            self.registry.by_alias("fastpitch", f"{a}_laptop") for a in ("champion", "previous_champion")
        ]
        champion, previous = (one.version if one else None for one in found)
        assert champion in champions
        assert (champion, previous) == (history.champion, history.previous)
        assert history.open_intent is None


@dataclass(frozen=True)
class Scenario:
    """What stood before, what is killed, and who may be champion when somebody else has run after it."""

    before: tuple[str, ...]
    act: Callable[[Place], object]
    after: frozenset[str | None]
    finally_champion: str


SCENARIOS = {
    "first": Scenario((), lambda place: place.promote("1"), frozenset({None, "1"}), "1"),
    "second": Scenario(("1",), lambda place: place.promote("2"), frozenset({"1", "2"}), "2"),
    "third": Scenario(("1", "2"), lambda place: place.promote("3"), frozenset({"2", "3"}), "3"),
    "refused": Scenario(("1",), lambda place: place.promote(WORSE), frozenset({"1"}), "1"),
    "rollback": Scenario(("1", "2", "3"), Place.rollback, frozenset({"2", "3"}), "2"),
}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The figures do not scatter; a few resamples tell as much."""
    monkeypatch.setattr(statistics, "RESAMPLES", 300)


def begun(scenario: Scenario, folder: Path) -> Place:
    folder.mkdir()
    place = Place(folder)
    for number in scenario.before:
        assert place.promote(number) == "promoted"
    return place


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_kill_at_any_line_is_repaired_by_the_next_run(tmp_path: Path, name: str) -> None:
    scenario = SCENARIOS[name]
    start = begun(scenario, tmp_path / "start")
    rehearsal = start.copy(tmp_path / "rehearsal")
    points = lines_of(lambda: scenario.act(rehearsal), FILES, tmp_path / "lines")
    assert len(points) > 50
    for point in points:
        place = start.copy(tmp_path / f"at {point}")
        assert dies_at(point, lambda: scenario.act(place), FILES)  # noqa: B023 - called at once
        assert place.promote(WORSE) == "refused"  # somebody else runs next
        place.check({*scenario.after})
        if name == "rollback":
            if place.ledger.history("fastpitch", "laptop").champion == "3":
                place.rollback()
        else:
            scenario.act(place)
        place.check({scenario.finally_champion})
        shutil.rmtree(place.folder)


def test_a_kill_during_the_repair_is_repaired_too(tmp_path: Path) -> None:
    """Sixty pairs of lines: one in the promotion or rollback, one in the run that repairs it."""
    draw = random.Random(20261128)
    for name in ("third", "rollback"):
        scenario = SCENARIOS[name]
        start = begun(scenario, tmp_path / name)
        points = lines_of(lambda: scenario.act(start.copy(tmp_path / f"{name} x")), FILES, tmp_path / "lines")  # noqa: B023
        for number in range(30):
            place = start.copy(tmp_path / f"{name} {number}")
            assert dies_at(draw.choice(points), lambda: scenario.act(place), FILES)  # noqa: B023
            dies_at(draw.randrange(400), lambda: place.promote(WORSE), FILES)  # noqa: B023
            assert place.promote(WORSE) == "refused"
            place.check({*scenario.after})
