"""Listening tests: a blind, balanced design; raters who do not listen; figures that are known beforehand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from listening_asked import ASKED

from components.core.errors import DataError
from components.evaluation.listening_clips import levelled, modulated_noise
from components.evaluation.listening_plan import Plan, System, Take, plan
from components.evaluation.listening_scores import LOW_ANCHOR, REFERENCE, Ratings, findings

OPINION = {"old": 3, "new": 4, "reference": 5, "low_anchor": 2, "catch": 1}


def system(name: str, count: int = 6) -> System:
    takes = {}
    for language in ("ko", "en"):
        for number in range(count):
            key = f"{language}_{number:02d}"
            clip = Path(name) / f"{key}.wav"
            takes[key] = Take(key, language, clip, Path("reference") / f"{language}.wav")
    return System(name, takes)


def design(seed: int = 7) -> Plan:
    return plan([system("old"), system("new")], ASKED, seed)


def listener(test: Plan, rater: str, right: bool = True, **changes: str) -> Ratings:
    answers = {one.trial: str(OPINION[one.system or one.role]) for one in test.mos}
    for one in test.abx:
        other = "B" if one.x_is == "A" else "A"
        answers[one.trial] = one.x_is if right or one.role == "catch" else other
    return Ratings(rater, {**answers, **changes})


def test_every_system_says_the_same_sentences_and_order_and_sides_are_drawn() -> None:
    test = design()
    said = {name: {one.sentence_id for one in test.mos if one.system == name} for name in ("old", "new")}
    assert said["old"] == said["new"]
    assert len(said["old"]) == 6
    roles = [one.role for one in test.mos]
    assert (roles.count("reference"), roles.count("low_anchor"), roles.count("catch")) == (2, 2, 2)
    assert len([one for one in test.abx if one.role == "pair"]) == 4
    assert test == design()
    assert test.test_id != design(8).test_id
    many = [one for seed in range(20) for one in design(seed).abx if one.role == "pair"]
    assert 20 < sum(one.x_is == "A" for one in many) < 60  # of 80
    assert 20 < sum(one.first == "old" for one in many) < 60


def test_systems_that_share_nothing_or_have_no_recordings_are_refused() -> None:
    with pytest.raises(DataError, match="all systems said"):
        plan([system("old"), replace(system("new"), takes={})], ASKED, 1)
    mute = {key: replace(take, reference=None) for key, take in system("old").takes.items()}
    with pytest.raises(DataError, match="recordings for the anchors"):
        plan([System("old", mute)], ASKED, 1)
    with pytest.raises(DataError, match="each once"):
        plan([system("old"), system("old")], ASKED, 1)


def test_means_and_abx_are_what_was_answered() -> None:
    test = design()
    found = findings(test, [listener(test, f"P{number}") for number in range(5)], ASKED)
    assert {one.name: one.mean for one in found.mos} == {"old": 3, "new": 4, REFERENCE: 5, LOW_ANCHOR: 2}
    (abx,) = found.abx
    assert (abx.first, abx.second, abx.n, abx.correct) == ("old", "new", 20, 20)
    assert abx.p_value == pytest.approx(0.5**20)
    assert found.doubts == ()


def test_guessing_is_no_difference() -> None:
    test = design()
    (abx,) = findings(test, [listener(test, "P1"), listener(test, "P2", right=False)], ASKED).abx
    assert abx.share == 0.5
    assert abx.p_value > 0.5
    assert abx.low < 0.5 < abx.high


def test_who_rates_a_spoilt_clip_well_or_misses_an_easy_x_or_stops_is_left_out_and_said_so() -> None:
    test = design()
    catch = next(one for one in test.mos if one.role == "catch")
    easy = next(one for one in test.abx if one.role == "catch")
    asleep = listener(test, "asleep", **{catch.trial: "5"})
    hasty = listener(test, "hasty", **{easy.trial: "B" if easy.x_is == "A" else "A"})
    gone = listener(test, "gone", **{one.trial: "" for one in test.mos[:5]})
    found = findings(test, [asleep, hasty, gone, listener(test, "P1")], ASKED)
    assert found.raters == ("P1",)
    assert {one.rater: one.en.split(" ")[0] for one in found.left_out} == {
        "asleep": "failed",
        "hasty": "failed",
        "gone": str(len(test.mos) + len(test.abx) - 5),
    }
    assert catch.trial in found.left_out[0].en
    assert any("at least 3" in en for _, en in found.doubts)


def test_few_raters_make_a_wide_interval_though_ratings_are_many() -> None:
    """One rater who is stricter than another must show: single ratings drawn anew would hide it."""
    test = design()
    kind, strict = listener(test, "kind"), listener(test, "strict")
    harsh = {one.trial: "2" for one in test.mos if one.system == "new"}
    found = findings(test, [kind, Ratings("strict", {**strict.answers, **harsh})], ASKED)
    new = found.figure("new")
    assert new is not None
    assert new.mean == 3.0
    assert (new.low, new.high) == (2.0, 4.0)


@settings(max_examples=25)
@given(st.dictionaries(st.sampled_from([one.trial for one in design().mos]), st.text(max_size=3)))
def test_no_answer_makes_a_figure_outside_the_scale(answers: dict[str, str]) -> None:
    test = design()
    found = findings(test, [Ratings("P1", {**listener(test, "P1").answers, **answers})], ASKED)
    for one in found.mos:
        assert 1 <= one.low <= one.mean <= one.high <= 5


def test_clips_have_one_level_and_noise_follows_the_speech() -> None:
    speech = np.sin(np.arange(22050) * 0.05).astype(np.float32) * 0.1
    speech[10000:] = 0
    loud = levelled(speech, -26.0)
    assert 20 * np.log10(np.sqrt(np.mean(loud**2))) == pytest.approx(-26, abs=0.01)
    spoilt = modulated_noise(speech, 10.0, 1)
    assert not spoilt[10000:].any()
    ratio = np.mean(speech[:10000] ** 2) / np.mean((spoilt - speech)[:10000] ** 2)
    assert 10 * np.log10(ratio) == pytest.approx(10, abs=0.5)
    with pytest.raises(DataError, match="heard"):
        levelled(np.zeros(100, dtype=np.float32), -26.0)
