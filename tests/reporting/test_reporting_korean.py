"""The gate's own sentences, made by the gate itself, told in Korean."""

from __future__ import annotations

import re
from typing import Any

import pytest
from fixture_evidence import NOW, evidence, laptop_params, metric, spread, summed

from components.core.metrics import Evidence, Metric, NotMeasured, Reason
from components.promotion.gate import decide
from components.reporting.korean import phrase_korean, reason_korean

PARAMS = laptop_params()
NO_RECOGNISER = "no recogniser configured (evaluation.recogniser.id is none)"
ENGLISH = re.compile(r"\b(?:the|value|misses|meets|target|sentences|scored|count|not|measured|champion|is)\b")


def holding(*metrics: Metric) -> Evidence:
    """The fixture's evidence with these metrics instead."""
    return evidence().model_copy(update={"metrics": metrics})


def reasons(found: Evidence, champion: Evidence | None = None) -> dict[str, Reason]:
    """The gate's last reason of each KPI."""
    decision = decide(
        "fastpitch",
        found,
        PARAMS.kpi,
        PARAMS.evaluation,
        champion,
        "3" if champion else None,
        NOW,
        PARAMS.seed,
    )
    return {reason.kpi: reason for reason in decision.reasons}


def similarity(value: float, **changes: Any) -> Metric:
    return metric("speaker_similarity", value, **changes)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (
            similarity(0.477),
            ("0.477", "목표 0.85 (무차원) 이상", "값이 목표에 미달함", "0.373 부족", "n=120"),
        ),
        (similarity(0.9), ("% 경계 0.9까지 목표를 만족함", "0.05 여유")),
        (
            metric("speaker_similarity", **summed(spread(0.86, 0.1))),
            ("이(가) 만족하지 못함", "판정하려면 문장 약", "개 필요"),
        ),
        (metric("speaker_similarity", **summed(spread(0.85, 0.1))), ("문장 수를 늘려도 판정할 수 없음",)),
        (
            similarity(0.88, per_sentence=spread(0.9, 0.0)),
            ("문장별 점수로는 0.9인데 기록에는 0.88(으)로 적힘",),
        ),
        (
            similarity(0.9, per_sentence={"ko_01": 0.9}),
            ("문장 1개만 채점됨", f"최소 {PARAMS.kpi.speaker_similarity.n_min}개 필요"),
        ),
        (similarity(0.9, ceiling=None), ("실녹음 상한 없음",)),
        (similarity(0.9, evidence="simulated", floor=0.9), ("모의 값", "타화자 하한 0.9이(가)", "; ")),
        (metric("latency_p95_ms", 212.0), ("212 ms", "목표 500 ms 이하", "288 여유")),
    ],
)
def test_a_figure_against_its_target(found: Metric, words: tuple[str, ...]) -> None:
    reason = reasons(holding(found))[found.name]
    said = reason_korean(reason)
    for word in words:
        assert word in said, said
    assert not ENGLISH.search(said), said


def test_a_kpi_that_was_not_measured() -> None:
    missing = NotMeasured(name="pronunciation_accuracy", reason=NO_RECOGNISER)
    found = holding(similarity(0.9)).model_copy(update={"not_measured": (missing,)})
    said = reason_korean(reasons(found)["pronunciation_accuracy"])
    assert said.startswith("측정하지 않음 (음소 인식기 없음")
    assert not ENGLISH.search(said.replace("recogniser.id", "")), said


def test_one_language_and_the_mean_of_all() -> None:
    scored = metric("pronunciation_accuracy", 0.93)
    decision = decide(
        "fastpitch", holding(scored), PARAMS.kpi, PARAMS.evaluation, None, None, NOW, PARAMS.seed
    )
    said = [reason_korean(reason) for reason in decision.reasons if reason.kpi == scored.name]
    assert any(text.startswith("ko 0.93") and "여유" in text for text in said), said
    assert any(text.startswith("언어 평균 0.93") for text in said), said


@pytest.mark.parametrize(("gain", "word"), [(0.0, "열등하지 않음"), (-0.08, ": 열등함")])
def test_against_the_champion(gain: float, word: str) -> None:
    said = reason_korean(
        reasons(holding(similarity(0.9 + gain)), holding(similarity(0.9)))["speaker_similarity"]
    )
    assert "챔피언 v3 대비 이득" in said
    assert word in said
    assert not ENGLISH.search(said), said


def test_a_void_comparison_says_why() -> None:
    other = holding(similarity(0.9)).model_copy(update={"sentences_sha256": "e" * 64})
    said = reason_korean(reasons(holding(similarity(0.9)), other)["champion"])
    assert "챔피언 v3과의 비교 무효" in said
    assert "다른 문장 집합(eeeeeeeeeeee)" in said
    assert "챔피언을 먼저 다시 평가해야 함" in said


def test_no_gpu_names_the_device() -> None:
    assert phrase_korean("no GPU: evaluated on cpu: Arm × 4") == "GPU 없음: cpu: Arm × 4에서 평가함"


@pytest.mark.parametrize("text", ["", "a phrase nobody knows", "no GPU: {0} {device}", "; ;"])
def test_an_unknown_phrase_stays_as_it_is(text: str) -> None:
    assert text.removeprefix("no GPU: ") in phrase_korean(text)
