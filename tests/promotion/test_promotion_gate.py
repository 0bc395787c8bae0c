"""The gate's rules one by one, then as properties over whatever evidence there may be."""

from __future__ import annotations

import datetime
import math
from typing import Any

import numpy as np
import pytest
from fixture_evidence import NOW, SENTENCES, altered, evidence, laptop_params, metric, spread, summed
from hypothesis import given, settings
from hypothesis import strategies as st

from components.core.metrics import Decision, Evidence
from components.promotion.gate import decide, headroom

PARAMS = laptop_params()
GATED = PARAMS.kpi.gated.fastpitch
SEVERITY = {"FAIL": 0, "INCONCLUSIVE": 1, "PASS": 2}


def judge(
    found: Evidence, champion: Evidence | None = None, version: str | None = None, **changes: Any
) -> Decision:
    values = {"model": "fastpitch", "kpi": PARAMS.kpi, "evaluation": PARAMS.evaluation, "now": NOW, "seed": 7}
    return decide(evidence=found, champion=champion, champion_version=version, **{**values, **changes})


def of_kpi(decision: Decision, kpi: str) -> list[str]:
    return [reason.text for reason in decision.reasons if reason.kpi == kpi and reason.verdict != "PASS"]


def test_good_evidence_passes_and_every_reason_names_figure_interval_and_target() -> None:
    decision = judge(evidence())
    assert decision.verdict == "PASS"
    similarity = next(r for r in decision.reasons if r.kpi == "speaker_similarity")
    assert similarity.text == (
        "speaker_similarity 0.9 [0.9, 0.9], n = 120, measured, target ≥ 0.85: "
        "its 97.5 % bound 0.9 meets it, headroom 0.05"
    )
    assert (similarity.target, similarity.margin) == (0.85, pytest.approx(0.05))
    assert {r.kpi for r in decision.reasons} >= set(GATED)


@pytest.mark.parametrize(
    ("figures", "kpi"),
    [
        ({"pronunciation": 0.8999}, "pronunciation_accuracy"),
        ({"similarity": 0.8499}, "speaker_similarity"),
        ({"latency": 500.1}, "latency_p95_ms"),
    ],
)
def test_a_point_that_misses_the_target_fails_and_says_by_how_much(
    figures: dict[str, float], kpi: str
) -> None:
    decision = judge(evidence(**figures))
    assert decision.verdict == "FAIL"
    assert "short by" in of_kpi(decision, kpi)[0]


def test_only_the_bound_beyond_the_target_is_inconclusive_and_says_what_would_decide() -> None:
    close = spread(0.86, 0.1)
    found = altered(evidence(), "speaker_similarity", **summed(close))
    decision = judge(found)
    assert decision.verdict == "INCONCLUSIVE"
    (reason,) = (r for r in decision.reasons if r.verdict == "INCONCLUSIVE")
    assert reason.sentences_needed is not None
    # A one-sided z test at 2.5 % with power 0.8, by hand.
    by_hand = (2.8016 * float(np.std(list(close.values()))) / 0.01) ** 2
    assert reason.sentences_needed == pytest.approx(by_hand, rel=0.1)
    assert reason.text.endswith(f"; about {reason.sentences_needed} sentences would decide")


def test_a_value_on_its_bar_says_that_no_number_of_sentences_decides() -> None:
    decision = judge(altered(evidence(), "speaker_similarity", **summed(spread(0.85, 0.1))))
    assert decision.verdict == "INCONCLUSIVE"
    assert "too close to the bar" in of_kpi(decision, "speaker_similarity")[0]


def test_a_comparison_that_meets_95_percent_alone_may_miss_it_among_several() -> None:
    """Holm: the weakest of three has the whole 2.5 %; two weak ones share it."""

    def weak(centre: float) -> dict[str, Any]:
        return summed({key: 0.05 * step + centre for key, step in spread(0.0, 1.0, seed=5).items()})

    doubtful = weak(0.85 + 0.05 * 0.578 / math.sqrt(120) * 2.1)  # p about 0.018
    also = weak(0.90 + 0.05 * 0.578 / math.sqrt(120) * 2.1)
    alone = altered(evidence(), "speaker_similarity", **doubtful)
    assert judge(alone).verdict == "PASS"
    both = altered(alone, "pronunciation_accuracy", **also)
    decision = judge(both)
    assert decision.verdict == "INCONCLUSIVE"
    assert {r.kpi for r in decision.reasons if r.verdict != "PASS"} >= {"speaker_similarity"}


def test_exactly_on_every_target_passes() -> None:
    assert judge(evidence(pronunciation=0.90, similarity=0.85, latency=500.0)).verdict == "PASS"


def spoken(languages: dict[str, float], more: dict[str, float] | None = None) -> dict[str, Any]:
    """Changes that give every sentence its language's figure."""
    scores = {name: languages[name[:2]] for name in SENTENCES} | (more or {})
    return summed(scores) | {"per_language": languages}


def test_one_language_under_its_minimum_fails_though_the_mean_is_good() -> None:
    languages = {"ko": 0.84, "en": 0.99, "ja": 0.99, "zh": 0.98}
    decision = judge(altered(evidence(), "pronunciation_accuracy", **spoken(languages)))
    assert decision.verdict == "FAIL"
    assert of_kpi(decision, "pronunciation_accuracy") == [
        "pronunciation_accuracy (ko) 0.84, target ≥ 0.85: short by 0.01"
    ]


def test_the_mean_of_the_languages_must_reach_the_target_itself() -> None:
    """Of a language with more sentences a mean over sentences would make more."""
    languages = {"ko": 0.99, "en": 0.86, "ja": 0.86, "zh": 0.86}
    more = {f"ko_{number:03d}": 0.99 for number in range(1, 100)}
    decision = judge(altered(evidence(), "pronunciation_accuracy", **spoken(languages, more)))
    assert decision.verdict == "FAIL"
    assert "mean of the languages" in of_kpi(decision, "pronunciation_accuracy")[0]


@pytest.mark.parametrize("languages", [{"ko": 0.95, "en": 0.95, "ja": 0.95}, {}])
def test_a_language_without_score_is_inconclusive(languages: dict[str, float]) -> None:
    decision = judge(altered(evidence(), "pronunciation_accuracy", per_language=languages))
    assert decision.verdict == "INCONCLUSIVE"
    assert "not scored in zh" in of_kpi(decision, "pronunciation_accuracy")[-1]


def test_thirty_sentences_of_each_language_are_asked_for() -> None:
    korean = {f"ko_{number:03d}": 0.95 for number in range(1, 92)}
    others = {name: 0.95 for name in SENTENCES if not name.startswith("ko")}
    fewer = {name: 0.95 for name in others if name != "zh_30"}
    found = altered(evidence(), "pronunciation_accuracy", per_sentence={**korean, **fewer})
    decision = judge(found)
    assert decision.verdict == "INCONCLUSIVE"
    assert "29 sentences scored, 30 asked" in of_kpi(decision, "pronunciation_accuracy")[0]


OBJECTIONS: list[tuple[str, dict[str, Any], str]] = [
    ("speaker_similarity", {"evidence": "simulated"}, "simulated, only measured"),
    ("speaker_similarity", {"evidence": "expected"}, "expected, only measured"),
    ("speaker_similarity", {"n": 119}, "119 sentences scored"),
    ("speaker_similarity", {"per_sentence": {"ko_01": 0.9}}, "1 sentences scored"),
    ("speaker_similarity", {"per_sentence": {**dict.fromkeys(SENTENCES, 0.9), "ko_01": math.nan}}, "ko_01"),
    ("speaker_similarity", {"value": 0.95, "high": 0.95}, "sentences give 0.9, the record says 0.95"),
    (
        "pronunciation_accuracy",
        {"per_language": {"ko": 0.99, "en": 0.95, "ja": 0.95, "zh": 0.95}},
        "its ko sentences give 0.95, the record says 0.99",
    ),
    ("speaker_similarity", {"ceiling": None}, "no ceiling"),
    ("speaker_similarity", {"ceiling": math.nan}, "no ceiling"),
    ("speaker_similarity", {"ceiling": 0.76}, "ceiling 0.76 under the target"),
    ("speaker_similarity", {"floor": None}, "no impostor floor"),
    ("speaker_similarity", {"floor": 0.86}, "impostor floor 0.86 reaches the target"),
    ("speaker_similarity", {"run_id": "another"}, "measured in run another"),
    ("speaker_similarity", {"data_md5": "9" * 32}, "measured on data 9"),
    ("pronunciation_accuracy", {"ceiling": 0.89}, "ceiling 0.89 under the target"),
    ("latency_p95_ms", {"n": 59}, "59 sentences scored"),
    ("latency_p95_ms", {"batch": 2}, "batch 2"),
    ("latency_p95_ms", {"device": "NVIDIA A100-SXM4-40GB"}, "measured on NVIDIA A100-SXM4-40GB"),
]


@pytest.mark.parametrize(("kpi", "changes", "words"), OBJECTIONS)
def test_a_figure_that_may_not_be_judged_is_inconclusive(
    kpi: str, changes: dict[str, Any], words: str
) -> None:
    decision = judge(altered(evidence(), kpi, **changes))
    assert decision.verdict == "INCONCLUSIVE"
    assert any(words in text for text in of_kpi(decision, kpi)), decision.reasons


def test_the_evaluator_must_be_the_configured_one_with_recorded_weights() -> None:
    right = metric("speaker_similarity", 0.9).evaluator
    for change, words in (
        ({"id": "wavlm-sv"}, "params.yaml names resemblyzer-ge2e"),
        ({"weights_sha256": ""}, "weights of resemblyzer-ge2e are not recorded"),
        ({"weights_sha256": "9" * 64}, "weights of resemblyzer-ge2e are 999999999999, params.yaml names"),
        ({"version": "0.2"}, "params.yaml names version 0.1.4"),
    ):
        wrong = right.model_copy(update=change)
        decision = judge(altered(evidence(), "speaker_similarity", evaluator=wrong))
        assert decision.verdict == "INCONCLUSIVE"
        assert words in of_kpi(decision, "speaker_similarity")[0]


def test_a_proxy_counts_in_scope_laptop_only() -> None:
    proxy = {"kind": "proxy", "id": "ctc-phonemes"}
    recogniser = PARAMS.evaluation.recogniser.model_copy(update=proxy)
    judged_by = metric("pronunciation_accuracy", 0.95).evaluator.model_copy(update=proxy)
    found = altered(evidence(), "pronunciation_accuracy", evaluator=judged_by)
    laptop = PARAMS.evaluation.model_copy(update={"recogniser": recogniser})
    assert judge(found, evaluation=laptop).verdict == "PASS"
    a100 = laptop.model_copy(update={"scope": "a100"})
    decision = judge(found, evaluation=a100)
    assert decision.verdict == "INCONCLUSIVE"
    assert "counts in scope laptop only" in of_kpi(decision, "pronunciation_accuracy")[0]


@pytest.mark.parametrize(
    ("name", "value", "kpi", "words"),
    [
        ("latency_repeats", 4, "latency_p95_ms", "4 repeats a sentence"),
        ("reference_utterances", 9, "speaker_similarity", "9 recordings behind a centroid"),
    ],
)
def test_a_protocol_weaker_than_asked_is_inconclusive(name: str, value: int, kpi: str, words: str) -> None:
    weaker = PARAMS.evaluation.model_copy(update={name: value})
    decision = judge(evidence(), evaluation=weaker)
    assert decision.verdict == "INCONCLUSIVE"
    assert words in of_kpi(decision, kpi)[0]


@pytest.mark.parametrize(
    ("created", "words"),
    [
        ((NOW - datetime.timedelta(days=31)).isoformat(), "31 days old"),
        ((NOW + datetime.timedelta(hours=1)).isoformat(), "after the time of judgement"),
        ("yesterday", "no ISO 8601"),
        ("2026-11-23T12:00:00", "no ISO 8601 time with an offset"),
    ],
)
def test_stale_or_undated_evidence_is_inconclusive(created: str, words: str) -> None:
    decision = judge(evidence(created=created))
    assert decision.verdict == "INCONCLUSIVE"
    assert words in of_kpi(decision, "evidence")[0]


def test_evidence_about_another_model_or_with_a_figure_twice_is_inconclusive() -> None:
    assert judge(evidence(model="rvc")).verdict == "INCONCLUSIVE"
    found = evidence()
    twice = found.model_copy(update={"metrics": (*found.metrics, metric("speaker_similarity", 0.1))})
    assert "stands 2 times" in of_kpi(judge(twice), "evidence")[0]


def test_a_model_that_nothing_gates_never_passes() -> None:
    nothing = PARAMS.kpi.model_copy(update={"gated": PARAMS.kpi.gated.model_copy(update={"fastpitch": ()})})
    assert judge(evidence(), kpi=nothing).verdict == "INCONCLUSIVE"


def test_a_gated_kpi_without_target_never_passes() -> None:
    gated = PARAMS.kpi.gated.model_copy(update={"fastpitch": ("rtf",)})
    found = evidence()
    rtf = Evidence(
        **{**dict(found), "metrics": (metric("latency_p95_ms", 0.1).model_copy(update={"name": "rtf"}),)}
    )
    decision = judge(rtf, kpi=PARAMS.kpi.model_copy(update={"gated": gated}))
    assert decision.verdict == "INCONCLUSIVE"
    assert "sets no target" in of_kpi(decision, "rtf")[0]


def test_lip_sync_is_held_against_the_real_clips() -> None:
    def wav2lip(value: float, real: float | None) -> Decision:
        metrics = (metric("lse_c", value, ceiling=real), metric("latency_p95_ms", 300.0))
        return judge(evidence(model="wav2lip", metrics=metrics), model="wav2lip")

    assert wav2lip(7.2, 8.0).verdict == "PASS"
    assert wav2lip(7.19, 8.0).verdict == "FAIL"
    assert wav2lip(7.19, 7.9).verdict == "PASS"
    assert wav2lip(7.2, None).verdict == "INCONCLUSIVE"
    assert wav2lip(-1.0, -2.0).verdict == "INCONCLUSIVE"


@pytest.mark.parametrize(("gain", "verdict"), [(0.02, "PASS"), (-0.009, "PASS"), (-0.02, "FAIL")])
def test_the_candidate_may_be_worse_than_the_champion_within_the_margin(gain: float, verdict: str) -> None:
    champion = evidence(similarity=0.90)
    decision = judge(evidence(similarity=0.90 + gain), champion, "3")
    assert decision.verdict == verdict
    assert decision.champion_version == "3"


def test_a_gain_that_scatters_beyond_the_margin_is_inconclusive() -> None:
    champion = altered(evidence(), "speaker_similarity", **summed(spread(0.9, 0.09, seed=1)))
    candidate = altered(evidence(), "speaker_similarity", **summed(spread(0.9, 0.09, seed=2)))
    decision = judge(candidate, champion, "3")
    assert decision.verdict == "INCONCLUSIVE"
    assert "may be inferior" in of_kpi(decision, "speaker_similarity")[0]


def test_pairing_cancels_what_makes_a_sentence_hard() -> None:
    """The same scatter on both sides, shifted by less than the margin: an unpaired test would not tell."""
    hard = spread(0.9, 0.09)
    champion = altered(evidence(), "speaker_similarity", **summed(hard))
    shifted = {name: value - 0.005 for name, value in hard.items()}
    assert (
        judge(altered(evidence(), "speaker_similarity", **summed(shifted)), champion, "3").verdict == "PASS"
    )


def test_latency_is_compared_on_its_own_quantile() -> None:
    """Three sentences in four slower by far, the slow tail the same: the mean differs, p95 does not."""
    base = dict.fromkeys(SENTENCES, 300.0) | dict.fromkeys(SENTENCES[::4], 400.0)
    slower = dict.fromkeys(SENTENCES, 390.0) | dict.fromkeys(SENTENCES[::4], 400.0)
    champion = altered(evidence(), "latency_p95_ms", value=400.0, low=400.0, high=400.0, per_sentence=base)
    candidate = altered(evidence(), "latency_p95_ms", value=400.0, low=400.0, high=400.0, per_sentence=slower)
    assert judge(candidate, champion, "3").verdict == "PASS"


def voiding() -> list[tuple[Evidence | None, str]]:
    other_judge = metric("speaker_similarity", 0.9).evaluator.model_copy(update={"weights_sha256": "9" * 64})
    renamed = {f"x_{name}": 0.9 for name in SENTENCES}
    return [
        (evidence(sentences_sha256="9" * 64), "another sentence set"),
        (altered(evidence(), "speaker_similarity", evaluator=other_judge), "another evaluator"),
        (altered(evidence(), "speaker_similarity", evidence="simulated"), "its figure is simulated"),
        (altered(evidence(), "speaker_similarity", per_sentence=renamed), "0 sentences scored in both"),
        (altered(evidence(), "latency_p95_ms", device="cpu: another × 8"), "measured on cpu: another"),
        (evidence(metrics=evidence().metrics[1:]), "was not measured"),
        (evidence(model="rvc"), "about rvc"),
        (None, "unreadable"),
    ]


@pytest.mark.parametrize(("champion", "words"), voiding())
def test_a_void_comparison_is_inconclusive(champion: Evidence | None, words: str) -> None:
    decision = judge(evidence(), champion, "3")
    assert decision.verdict == "INCONCLUSIVE"
    assert any(words in reason.text for reason in decision.reasons if reason.verdict != "PASS")


def test_the_same_question_gets_the_same_answer() -> None:
    champion = altered(evidence(), "speaker_similarity", **summed(spread(0.9, 0.05, seed=1)))
    candidate = altered(evidence(), "speaker_similarity", **summed(spread(0.9, 0.05, seed=2)))
    assert judge(candidate, champion, "3") == judge(candidate, champion, "3")


def test_headroom_orders_candidates_and_a_missing_figure_comes_last() -> None:
    def rank(found: Evidence) -> float:
        return headroom("fastpitch", found, PARAMS.kpi, PARAMS.evaluation)

    assert rank(evidence(similarity=0.91)) > rank(evidence(similarity=0.90)) > rank(evidence(latency=400.0))
    assert rank(evidence(metrics=evidence().metrics[1:])) == -math.inf


accuracies = st.floats(0.80, 1.0)
figures = st.tuples(accuracies, st.floats(0.75, 1.0), st.floats(100.0, 700.0))
losses = st.tuples(st.floats(0.0, 0.2), st.floats(0.0, 0.2), st.floats(0.0, 300.0))
widths = st.tuples(st.floats(0.0, 0.3), st.floats(0.0, 0.3), st.floats(0.0, 300.0))


def scattered(figures: tuple[float, ...], widths: tuple[float, ...], losses: tuple[float, ...]) -> Evidence:
    """Evidence whose sentences lie about ``figures``, each of them worse by up to ``losses``."""
    found = evidence(*figures)
    for name, centre, width, loss in zip(GATED, figures, widths, losses, strict=True):
        worse = 1.0 if name.endswith("_ms") else -1.0
        scores = spread(centre, width)
        lost = spread(loss / 2, loss / 2, seed=4)  # from nothing to ``loss``
        found = altered(
            found, name, **summed({k: v + worse * lost[k] for k, v in scores.items()}, tail=worse > 0)
        )
    return found


@settings(max_examples=20, deadline=None)
@given(good=figures, width=widths, loss=losses, champion=figures)
def test_worse_evidence_never_gets_a_better_verdict(
    good: tuple[float, ...], width: tuple[float, ...], loss: tuple[float, ...], champion: tuple[float, ...]
) -> None:
    nothing = (0.0, 0.0, 0.0)
    better, worse = scattered(good, width, nothing), scattered(good, width, loss)
    rival = scattered(champion, width, nothing)
    for version, against in ((None, None), ("3", rival)):
        first, second = judge(better, against, version), judge(worse, against, version)
        assert SEVERITY[second.verdict] <= SEVERITY[first.verdict]
        for one, other in zip(first.reasons, second.reasons, strict=True):
            if one.value is not None:  # reason by reason, so that no KPI gains by another one's loss
                assert SEVERITY[other.verdict] <= SEVERITY[one.verdict]


def spoilt(name: str, how: str, found: Evidence) -> tuple[Evidence, dict[str, Any]]:
    """Evidence that must not pass, and changes of what it is judged by."""
    metrics: dict[str, dict[str, Any]] = {
        "simulated": {"evidence": "simulated"},
        "expected": {"evidence": "expected"},
        "no number": {"value": math.nan, "low": math.nan, "high": math.nan},
        "a sentence without number": {"per_sentence": {**dict.fromkeys(SENTENCES, 1.0), "ko_07": math.nan}},
        "infinite": {"value": math.inf, "high": math.inf},
        "too few": {"n": 59},
        "another run": {"run_id": "another"},
        "another judge": {"evaluator": metric("lse_c", 1.0).evaluator.model_copy(update={"kind": "proxy"})},
        "tampered": {"value": 0.999 if not name.endswith("_ms") else 1.0},
    }
    if how == "missing":
        return found.model_copy(
            update={"metrics": tuple(each for each in found.metrics if each.name != name)}
        ), {}
    if how == "stale":
        return found, {"now": NOW + datetime.timedelta(days=31)}
    if how == "wrong device":
        return altered(found, "latency_p95_ms", device="NVIDIA H100 80GB HBM3"), {}
    spoiled = tuple(
        each.model_copy(update=metrics[how]) if each.name == name else each for each in found.metrics
    )
    return found.model_copy(update={"metrics": spoiled}), {}


SPOILT = (
    "simulated", "expected", "no number", "a sentence without number", "infinite", "too few", "another run",
    "another judge", "tampered", "missing", "stale", "wrong device",
)  # fmt: skip


@settings(max_examples=80, deadline=None)
@given(good=figures, name=st.sampled_from(GATED), how=st.sampled_from(SPOILT), against=st.booleans())
def test_what_was_not_measured_here_and_whole_never_passes(
    good: tuple[float, ...], name: str, how: str, against: bool
) -> None:
    found, changes = spoilt(name, how, evidence(*good))
    decision = judge(found, evidence(*good) if against else None, "3" if against else None, **changes)
    assert decision.verdict != "PASS"


@settings(max_examples=25, deadline=None)
@given(good=figures)
def test_pass_means_that_every_target_is_met(good: tuple[float, ...]) -> None:
    passed = judge(evidence(*good)).verdict == "PASS"
    assert passed == (good[0] >= 0.90 - 1e-9 and good[1] >= 0.85 - 1e-9 and good[2] <= 500 + 1e-9)
