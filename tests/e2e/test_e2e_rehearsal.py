"""The laptop run in small: shipped weights judged, retrained, judged again, all by the real recogniser."""

from __future__ import annotations

import pytest
from embedded_demo import Demo, run_demo

from components import catalogue
from components.core.paths import project_root
from components.promotion.succession import champion_alias
from components.stages import services
from components.stages.records import read_record

pytestmark = pytest.mark.e2e
ROOT = project_root()


@pytest.fixture(scope="module")
def rehearsal(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    return run_demo(tmp_path_factory.mktemp("rehearsal"), "--model", "fastpitch", profile="rehearsal")


def test_every_target_has_a_measured_figure_and_a_ceiling(rehearsal: Demo) -> None:
    kpis = rehearsal.summary["models"]["fastpitch"]["kpis"]
    heard = kpis["pronunciation_accuracy"]
    assert heard["n"] == kpis["speaker_similarity"]["n"] == 120
    assert heard["evidence"] == "measured"
    assert heard["low"] <= heard["value"] <= heard["high"] < 1.0
    assert heard["ceiling"] > heard["value"] > 0.8
    assert kpis["speaker_similarity"]["ceiling"] > kpis["speaker_similarity"]["value"] > 0.8


def test_what_is_shipped_met_the_targets_and_was_the_first_champion(rehearsal: Demo) -> None:
    record = read_record(rehearsal.workspace, "adopt", "fastpitch")
    assert record is not None
    assert record.summary["verdict"] == "PASS", record.summary["reasons"]
    assert record.summary["adopted"]


def test_the_alias_follows_the_last_verdict(rehearsal: Demo) -> None:
    params = catalogue.load(ROOT, "rehearsal")
    registry = services.registry_of(params.platform.mlflow, rehearsal.workspace)
    champion = registry.by_alias("fastpitch", champion_alias(params.evaluation.scope))
    adopted = read_record(rehearsal.workspace, "adopt", "fastpitch")
    states = {stage["name"]: stage["state"] for stage in rehearsal.summary["stages"]}
    retrained = rehearsal.summary["models"]["fastpitch"]
    assert champion is not None
    assert adopted is not None
    assert (states["promote"] == "done") == (retrained["verdict"] == "PASS")
    follows = retrained if retrained["verdict"] == "PASS" else adopted.summary
    assert str(champion.version) == str(follows["version"])
