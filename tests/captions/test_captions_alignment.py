"""Words of a recording in time: against the true times of generated speech, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch

from components import catalogue
from components.auxiliaries.recogniser.phoneme_recogniser import NAME, PhonemeRecogniser
from components.captions import align
from components.captions.timing_error import TimingError, boundary_errors, timing_error
from components.core.errors import DataError, NothingScoredError
from components.core.params import Params
from components.core.params.captions import AlignmentParams
from components.core.paths import project_root
from components.core.utterance import LANGUAGES, Language
from components.evaluation.measure_captions import Spoken, by_espeak
from components.nn.contracts import Speech
from components.nn.timed_speech import Timed

SENTENCES = 4
#: The target of the platform; measured are 8 to 32 ms (docs/captions.md).
TARGET_MS = 40.0


@pytest.fixture(scope="module")
def params() -> Params:
    return catalogue.load(project_root(), "laptop")


@pytest.fixture(scope="module")
def rules(params: Params) -> AlignmentParams:
    return params.captions.alignment


@pytest.fixture(scope="module")
def recogniser() -> PhonemeRecogniser:
    return PhonemeRecogniser(project_root() / "pretrained" / NAME, torch.device("cpu"))


@pytest.fixture(scope="module")
def clips(params: Params) -> dict[Language, list[Spoken]]:
    found: dict[Language, list[Spoken]] = {language: [] for language in LANGUAGES}
    for clip in by_espeak(params, SENTENCES):
        found[clip.language].append(clip)
    return found


def padded(clip: Spoken, before_s: float, after_s: float) -> Spoken:
    rate = clip.speech.sample_rate
    parts = [np.zeros(round(before_s * rate)), clip.speech.samples, np.zeros(round(after_s * rate))]
    speech = Speech(np.concatenate(parts).astype(np.float32), rate)
    words = tuple(Timed(w.text, w.start_s + before_s, w.end_s + before_s) for w in clip.words)
    return clip._replace(speech=speech, words=words)


@pytest.mark.parametrize("language", LANGUAGES)
def test_words_lie_where_they_are_said(
    language: Language,
    clips: dict[Language, list[Spoken]],
    recogniser: PhonemeRecogniser,
    rules: AlignmentParams,
) -> None:
    errors: list[float] = []
    for clip in clips[language]:
        for one in (clip, padded(clip, 0.4, 0.7)):  # silence around it belongs to no word
            found = align(recogniser, one.speech, one.text, language, rules)
            errors += boundary_errors(one.words, found)
            assert all(a.end_s <= b.start_s for a, b in pairwise(found))
    assert timing_error(errors).median_ms <= TARGET_MS


def test_a_pause_belongs_to_neither_word(
    clips: dict[Language, list[Spoken]], recogniser: PhonemeRecogniser, rules: AlignmentParams
) -> None:
    clip = clips["ko"][0]
    rate, cut = clip.speech.sample_rate, round(clip.words[1].start_s * clip.speech.sample_rate)
    held = np.zeros(round(0.8 * rate), np.float32)
    samples = np.concatenate([clip.speech.samples[:cut], held, clip.speech.samples[cut:]])
    first, second, *_ = align(recogniser, Speech(samples, rate), clip.text, "ko", rules)
    assert second.start_s - first.end_s == pytest.approx(0.8, abs=0.1)


def test_another_text_is_refused(
    clips: dict[Language, list[Spoken]], recogniser: PhonemeRecogniser, rules: AlignmentParams
) -> None:
    for own in clips.values():
        for a, b in pairwise(own):
            with pytest.raises(DataError, match=r"what is said in the recording|alignment of a text"):
                align(recogniser, a.speech, b.text, a.language, rules)


def test_what_cannot_be_aligned_is_told(
    clips: dict[Language, list[Spoken]], recogniser: PhonemeRecogniser, rules: AlignmentParams
) -> None:
    clip = clips["en"][0]
    short = rules.model_copy(update={"max_audio_s": 0.5})
    with pytest.raises(DataError, match="max_audio_s"):
        align(recogniser, clip.speech, clip.text, "en", short)
    with pytest.raises(DataError, match="silence"):
        align(recogniser, Speech(np.zeros(22050, np.float32), 22050), clip.text, "en", rules)
    with pytest.raises(DataError, match="nothing"):
        align(recogniser, clip.speech, "  ", "en", rules)
    with pytest.raises(DataError, match="language"):
        align(recogniser, clip.speech, clip.text, "fr", rules)  # type: ignore[arg-type]


def test_words_without_a_sound_are_left_out(
    clips: dict[Language, list[Spoken]], recogniser: PhonemeRecogniser, rules: AlignmentParams
) -> None:
    clip = clips["ko"][0]
    found = align(recogniser, clip.speech, f"{clip.text} 🙂", "ko", rules)
    assert [word.text for word in found] == [word.text for word in clip.words]


def test_the_error_is_of_starts_and_ends() -> None:
    true = [Timed("가", 0.0, 1.0), Timed("나", 1.0, 2.0)]
    found = [Timed("가", 0.01, 1.02), Timed("나", 1.03, 1.9)]
    errors = boundary_errors(true, found)
    assert errors == pytest.approx([0.01, 0.02, 0.03, -0.1])
    figures = timing_error(errors)
    assert figures == replace(
        figures, median_ms=pytest.approx(25.0), bias_ms=pytest.approx(15.0), boundaries=4
    )
    assert isinstance(figures, TimingError)
    with pytest.raises(DataError, match="word times"):
        boundary_errors(true, found[:1])
    with pytest.raises(NothingScoredError):
        timing_error([])
