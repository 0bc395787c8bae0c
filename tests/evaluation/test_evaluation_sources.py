"""Sources of conversions: an unseen voice says every sentence, and who says what is balanced."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tone_corpus import ToneCorpus, tone

from components import catalogue
from components.core.errors import DataError
from components.core.params import Params
from components.core.paths import project_root
from components.data.corpus import Corpus
from components.evaluation import sources as module
from components.evaluation.sentences import Sentence, load_sentences
from components.evaluation.sources import Sources, sources_for, voices_in_turn
from components.evaluation.speaking import assign_speakers

PARAMS = catalogue.load(project_root(), "ci")
SENTENCES = load_sentences(PARAMS.evaluation.sentences, PARAMS.kpi)
TARGETS = ("a", "b", "c")


@given(st.integers(1, 9), st.integers(1, 4))
def test_every_target_is_made_from_every_voice_about_as_often(targets: int, voices: int) -> None:
    speakers = [f"t{number}" for number in range(targets)]
    names = [f"v{number}" for number in range(voices)]
    target_of = {s.sentence_id: target for s, target in assign_speakers(SENTENCES, speakers)}
    turns = voices_in_turn(SENTENCES, speakers, names)
    assert [sentence for sentence, _ in turns] == list(SENTENCES)
    met = Counter((s.language, target_of[s.sentence_id], voice) for s, voice in turns)
    for language in PARAMS.kpi.languages:
        for target in speakers:
            counts = [met[language, target, name] for name in names]
            assert max(counts) - min(counts) <= 1
    per_target = Counter(target_of.values())
    assert max(per_target.values()) - min(per_target.values()) <= len(PARAMS.kpi.languages)


def generated(folder: Path) -> Sources:
    return sources_for(PARAMS, [], TARGETS, folder, 16000)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Sources]:
    folder = tmp_path_factory.mktemp("kept")
    return folder, generated(folder)


def test_the_unseen_voices_say_the_120_sentences(kept: tuple[Path, Sources]) -> None:
    folder, found = kept
    assert found.sentences == SENTENCES
    assert set(found.by_id) == {one.sentence_id for one in SENTENCES}
    assert {one.voice for one in found.by_id.values()} == {"espeak_nguyen", "espeak_sandro"}
    for one in found.by_id.values():
        assert one.speech.sample_rate == 16000
        assert 0.5 < one.speech.duration_s < 12.0
        assert np.abs(one.speech.samples).max() > 0.05
    assert len(list(folder.glob("*.wav"))) == 120


def test_what_was_spoken_is_kept_and_a_damaged_file_is_spoken_again(
    kept: tuple[Path, Sources], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, found = kept
    spoken: list[str] = []
    say = module.said

    def counted(text: str, *rest: object) -> object:
        spoken.append(text)
        return say(text, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "said", counted)
    next(iter(sorted(folder.glob("*.wav")))).write_bytes(b"RIFF")
    again = generated(folder)
    assert len(spoken) == 1
    for name, one in found.by_id.items():
        np.testing.assert_array_equal(again.by_id[name].speech.samples, one.speech.samples)


def recorded_only(per_language: int) -> Params:
    kpi = PARAMS.kpi.model_copy(update={"sentences_per_language": per_language})
    data = PARAMS.data.model_copy(update={"corpora": ("ours",)})
    return PARAMS.model_copy(update={"kpi": kpi, "data": data})


@pytest.fixture
def ours(tmp_path: Path) -> Corpus:
    """Three sentences a language by an unseen voice, one of them twice, and a target that says others."""
    corpus = ToneCorpus(tmp_path / "ours")
    for language in ("ko", "en", "ja", "zh"):
        for number, text in enumerate(("one", "two", "three", "two")):
            for role in ("unseen", "human"):
                corpus.add(
                    f"{role}_{language}_{number}", tone(1.0, 150.0, 22050), 22050, (), speaker_id=role,
                    language=language, text=f"{role} {text}", role=role,
                )  # fmt: skip
    return Corpus(corpus.write())


def test_without_the_embedded_corpus_recordings_of_unseen_voices_are_the_sources(
    ours: Corpus, tmp_path: Path
) -> None:
    found = sources_for(recorded_only(3), [ours], TARGETS, tmp_path / "kept", 16000)
    assert len(found.sentences) == 12
    assert {one.voice for one in found.by_id.values()} == {"unseen"}
    assert {s.text for s in found.sentences} == {"unseen one", "unseen two", "unseen three"}
    assert all(one.speech.sample_rate == 16000 for one in found.by_id.values())
    assert [Sentence.model_validate(s.model_dump()) for s in found.sentences] == list(found.sentences)
    again = sources_for(recorded_only(2), [ours], TARGETS, tmp_path / "kept", 16000)
    more = sources_for(recorded_only(2), [ours], ("x",), tmp_path / "kept", 16000)
    assert again.sentences == more.sentences, "the sentences do not depend on the targets"
    assert not (tmp_path / "kept").exists()


def test_too_few_recordings_say_what_is_missing(ours: Corpus, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="4 different transcribed recordings of voices with the role unseen"):
        sources_for(recorded_only(4), [ours], TARGETS, tmp_path, 16000)
