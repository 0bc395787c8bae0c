"""Champions, candidates and comparisons."""

from __future__ import annotations

import datetime
import io
import json
from typing import cast

import pytest
from fixture_evidence import SENTENCES, altered, evidence, laptop_params
from memory_registry import MemoryRegistry, run_id
from rich.console import Console
from rich.table import Table

from components.core.errors import ConfigError
from components.core.metrics import Evidence
from components.core.ports import ModelRegistry, RunSummary, Tracker
from components.stages.kpi_compare import Difference, compare
from components.stages.kpi_review import (
    comparison_json,
    comparison_table,
    standing_json,
    standing_table,
)
from components.stages.kpi_standing import day, standings

PARAMS = laptop_params()
BETTER = {name: 0.90 + 0.001 * (index % 7) for index, name in enumerate(SENTENCES)}
WORSE = {name: value - 0.02 for name, value in BETTER.items()}


def scored(run_id: str, scores: dict[str, float]) -> Evidence:
    mean = sum(scores.values()) / len(scores)
    changes = {"value": mean, "low": mean - 0.01, "high": mean + 0.01, "per_sentence": scores}
    return altered(evidence(run_id=run_id), "speaker_similarity", **changes)


class Shop:
    """Two judged versions of FastPitch: 1 is champion, 2 the candidate; and a run without a version."""

    def __init__(self) -> None:
        memory = MemoryRegistry()
        self.registry = cast("ModelRegistry", memory)
        self.ids: list[str] = []
        for scores, verdict in ((WORSE, "PASS"), (BETTER, "INCONCLUSIVE")):
            made = run_id()
            version = memory.candidate(scored(made, scores))
            tags = {"verdict": verdict, "kpi.speaker_similarity.verdict": verdict}
            memory.set_version_tags("fastpitch", version.version, tags)
            self.ids.append(made)
        self.registry.set_alias("fastpitch", "champion_laptop", "1")

    def runs(self, model: str | None, limit: int) -> list[RunSummary]:
        days = ("2026-10-05T16:00:00+00:00", "2026-11-23T12:00:00+09:00")
        both = [
            RunSummary(
                one, "train", "FINISHED", day, "", {"lr": lr}, {"rtf": 0.5, "speaker_similarity": 0.9},
                {"model": "fastpitch", "gate.version": str(number)},
            )
            for number, (one, day, lr) in enumerate(zip(self.ids, days, ("0.1", "0.2"), strict=True), 1)
        ]  # fmt: skip
        bare = RunSummary(
            "ffff0000", "train", "FAILED", days[1], "", {}, {"rtf": 0.7}, {"model": "fastpitch"}
        )
        return [] if model not in (None, "fastpitch") else [bare, *reversed(both)]

    @property
    def tracker(self) -> Tracker:
        return cast("Tracker", self)


@pytest.fixture
def shop() -> Shop:
    return Shop()


def text(view: Table) -> str:
    paper = io.StringIO()
    Console(width=220, file=paper).print(view)
    return paper.getvalue()


def figure(found: tuple[Difference, ...], name: str) -> Difference:
    return next(one for one in found if one.name == name)


def test_champion_and_candidate_stand_with_value_interval_n_and_the_gates_word(shop: Shop) -> None:
    found = standings(PARAMS, shop.tracker, shop.registry, ["fastpitch", "rvc"], None)
    shown = text(standing_table(found, "laptop", "", PARAMS.kpi.source))
    champion, candidate = (one for one in shown.splitlines() if "speaker_similarity" in one)
    for word in ("≥ 0.85", "0.883", "0.873 – 0.893", "120", "measured · cpu: test machine × 2", "PASS ✔"):
        assert word in champion
    assert "0.903" in candidate
    assert "INCONCLUSIVE ?" in candidate
    assert "rvc" in shown
    assert "nothing judged so far" in shown
    assert f"목표의 출처: {PARAMS.kpi.source.ko}" in shown
    assert f"targets: {PARAMS.kpi.source.en}" in shown
    told = json.loads(json.dumps(standing_json(found, "laptop")))["models"]["fastpitch"]
    assert (told["champion"]["version"], told["candidate"]["version"]) == ("1", "2")
    assert told["candidate"]["kpis"]["speaker_similarity"]["metric"]["evaluator"]["id"] == "resemblyzer-ge2e"


def test_since_hides_candidates_before_it_and_never_a_champion(shop: Shop) -> None:
    for since, roles in ((datetime.date(2026, 11, 23), 2), (datetime.date(2026, 11, 24), 1)):
        found = standings(PARAMS, shop.tracker, shop.registry, ["fastpitch"], since)
        assert [one.role for one in found["fastpitch"]] == ["champion", "candidate"][:roles]


def test_a_day_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigError, match="YYYY-MM-DD"):
        day("last week")


@pytest.mark.parametrize("names", [("fastpitch:champion", "fastpitch:v2"), ("1", "2"), ("runs", "runs")])
def test_a_difference_has_the_interval_of_the_pairs(shop: Shop, names: tuple[str, str]) -> None:
    first, second = shop.ids if names == ("runs", "runs") else names
    found = compare(PARAMS, shop.tracker, shop.registry, first, second, "fastpitch")
    similarity = figure(found.figures, "speaker_similarity")
    assert similarity.value == pytest.approx(0.02)
    # every sentence is better by the same amount, so the pairs leave no doubt where the values would
    assert (similarity.low, similarity.high) == pytest.approx((0.02, 0.02))
    assert similarity.n == 120
    assert similarity.better is True
    assert found.params == (("lr", "0.1", "0.2"),)
    assert "+0.02 – +0.02" in text(comparison_table(found))
    assert comparison_json(found)["figures"][0]["name"] == "pronunciation_accuracy"


def test_without_tables_or_on_another_device_there_is_a_difference_and_no_interval(shop: Shop) -> None:
    bare = compare(PARAMS, shop.tracker, shop.registry, "ffff", "fastpitch:2", None)
    assert figure(bare.figures, "rtf").low is None
    ours = shop.registry.evidence_of(shop.registry.by_version("fastpitch", "2"))
    assert ours is not None
    elsewhere = altered(ours, "latency_p95_ms", device="NVIDIA A100-SXM4-80GB")
    shop.registry.attach_evidence(shop.registry.by_version("fastpitch", "2"), elsewhere)
    found = compare(PARAMS, shop.tracker, shop.registry, "fastpitch:1", "fastpitch:2", None)
    assert figure(found.figures, "latency_p95_ms").low is None
    assert "measured on" in figure(found.figures, "latency_p95_ms").note
    assert figure(found.figures, "speaker_similarity").low is not None


@pytest.mark.parametrize(
    ("wanted", "words"), [("x", "no such run"), ("", "no such run"), ("rvc:champion", "none")]
)
def test_what_names_nothing_is_refused(shop: Shop, wanted: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        compare(PARAMS, shop.tracker, shop.registry, wanted, "fastpitch:1", None)
