"""The generated corpus: its sentences, its voices, its rendering and the symbols that it needs."""

from __future__ import annotations

import csv
import io
import itertools
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from components.auxiliaries.recogniser.voices import variants_of
from components.catalogue import load
from components.core.params.data import DataParams
from components.core.paths import project_root
from components.core.progress import Progress
from components.core.storage import sha256_path
from components.core.utterance import Language
from components.data.generated import render, speakers, training_sentences
from components.data.generated.build_symbols import closure, corpus_symbols, extended
from components.data.generated.measure_voices import table
from components.data.generated.project import seed_and_data
from components.data.generated.voices import crowd
from components.data.readers import generic
from components.espeak import variants
from components.text import inventory, phonemise

SEED = 20241011


def _small(crowd: int = 0) -> DataParams:
    params = load(project_root(), "ci").data
    espeak = params.embedded.espeak
    shares = espeak.sentences_per_voice_and_language.model_copy(
        update={"model": 2, "evaluator": 1, "unseen": 1, "made_up": 1, "crowd": crowd}
    )
    small = espeak.model_copy(update={"sentences_per_voice_and_language": shares})
    return params.model_copy(update={"embedded": params.embedded.model_copy(update={"espeak": small})})


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("generated") / "말뭉치"
    render(_small(), SEED, target, 1, Progress("corpus", io.StringIO()))
    return target


@pytest.mark.parametrize("language", get_args(Language))
def test_sentences_are_many_distinct_and_follow_the_seed(language: Language) -> None:
    sentences = training_sentences(language, SEED)
    assert len(set(sentences)) == len(sentences) >= 400
    assert sentences == training_sentences(language, SEED)
    assert sentences != training_sentences(language, SEED + 1)
    assert any(any(letter.isdigit() for letter in sentence) for sentence in sentences)
    assert not any("{" in sentence for sentence in sentences)


def test_korean_particles_fit_their_word() -> None:
    sentences = " ".join(training_sentences("ko", SEED))
    assert "커피을" not in sentences
    assert "우산를" not in sentences
    assert "서울으로" not in sentences


def test_ten_voices_in_their_roles_that_exist() -> None:
    roles = [speaker.role for speaker in speakers()]
    assert [roles.count(role) for role in ("model", "evaluator", "unseen")] == [4, 4, 2]
    assert len({speaker.speaker_id for speaker in speakers()}) == 10
    assert {speaker.voice.variant for speaker in speakers()} <= variants()


def test_the_voices_were_measured_to_be_apart() -> None:
    limit = seed_and_data()[1].embedded.espeak.max_voice_similarity
    assert all(0 < speaker.max_similarity < limit for speaker in speakers())


def test_the_crowd_is_apart_from_all_that_judges() -> None:
    """No recogniser heard one of its variants, no judge and no unseen voice is one or sounds like one."""
    limit = seed_and_data()[1].embedded.espeak.max_voice_similarity
    judging = {speaker.voice.variant for speaker in speakers() if speaker.role != "model"}
    assert {speaker.role for speaker in crowd()} == {"model"}
    assert not {speaker.speaker_id for speaker in crowd()} & {speaker.speaker_id for speaker in speakers()}
    assert len({(speaker.voice.variant, speaker.voice.pitch) for speaker in (*crowd(), *speakers())}) == 26
    assert {speaker.voice.variant for speaker in crowd()} <= set(variants_of("protected")) - judging
    assert all(0 < speaker.max_similarity < limit for speaker in crowd())


def test_the_crowd_speaks_where_it_is_asked_for_alone(corpus: Path, tmp_path: Path) -> None:
    source = generic.read(corpus)
    assert not {speaker.speaker_id for speaker in crowd()} & {
        row.consent.removeprefix("synthetic-") for row in source.rows
    }
    assert len(source.consents) == 10
    params = _small(crowd=2).model_copy(update={"languages": ("en",)})
    render(params, SEED, tmp_path / "c", 1, Progress("corpus", io.StringIO()))
    larger = generic.read(tmp_path / "c")
    assert len(larger.rows) == len([row for row in source.rows if row.language == "en"]) + 16 * 2
    assert len(larger.consents) == 26
    for row in source.rows:
        if row.language == "en":
            assert (tmp_path / "c" / row.audio).read_bytes() == (corpus / row.audio).read_bytes()


def test_measured_table_names_the_nearest_other_voice() -> None:
    matrix = np.eye(10)
    matrix[0, 3] = matrix[3, 0] = 0.5
    others = matrix - 2 * np.eye(10)  # as `main` leaves out a voice beside itself
    rows = list(csv.DictReader(io.StringIO(table(speakers(), others))))
    assert [row["max_similarity"] for row in rows[:4]] == ["0.500", "0.000", "0.000", "0.500"]


def test_the_corpus_is_read_as_a_generic_source(corpus: Path) -> None:
    source = generic.read(corpus)
    assert len(source.rows) == 4 * (4 * (2 + 1) + 4 + 2)
    assert not [row.problem for row in source.rows if row.problem]
    assert {record.basis for record in source.consents.values()} == {"synthetic"}
    assert {row.consent for row in source.rows} == set(source.consents)


def test_alignments_are_contiguous_and_what_the_front_end_says(corpus: Path) -> None:
    source = generic.read(corpus)
    for row in source.rows:
        timings = source.timings[row.utterance_id]
        size = (corpus / row.audio).stat().st_size - 44
        assert timings[0].start_s == 0
        assert all(a.end_s == b.start_s for a, b in itertools.pairwise(timings))
        assert timings[-1].end_s == pytest.approx(size / 2 / 22050, abs=1e-6)
        symbols = tuple(timing.symbol for timing in timings)
        assert symbols == phonemise(row.text, row.language).symbols  # type: ignore[arg-type]


def test_rendering_is_the_same_with_two_processes(corpus: Path, tmp_path: Path) -> None:
    left = tmp_path / ".again.killed.tmp"
    left.mkdir()
    render(_small(), SEED, tmp_path / "again", 2, Progress("corpus", io.StringIO()))
    assert not left.exists(), "what a killed run left is cleared away"
    assert sha256_path(tmp_path / "again") == sha256_path(corpus)


def test_the_inventory_covers_the_corpus() -> None:
    assert corpus_symbols(SEED) <= set(inventory())


def test_the_inventory_only_grows_at_its_end() -> None:
    assert extended(["<pad>", "z", "a"], {"b", "a", "0"}) == ["<pad>", "z", "a", "0", "b"]


@pytest.mark.parametrize("language", get_args(Language))
def test_the_inventory_covers_what_any_text_of_the_language_can_need(language: Language) -> None:
    needed = closure(language)
    assert needed <= set(inventory())
    assert len(needed) > 35
