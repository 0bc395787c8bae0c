"""Nothing that is judged or held out reaches training; rendering is incremental and atomic."""

from __future__ import annotations

import itertools
import random
from io import StringIO
from pathlib import Path

import numpy as np
import pytest

from components.auxiliaries.recogniser import families
from components.auxiliaries.recogniser.measure_voices import judged_variants
from components.auxiliaries.recogniser.params import Section
from components.auxiliaries.recogniser.prepare import prepare
from components.auxiliaries.recogniser.reference import PARTS, Utterance, utterances
from components.auxiliaries.recogniser.store import ReferenceStore
from components.auxiliaries.recogniser.voices import reference_voices, variants_of
from components.core.params import Params
from components.core.progress import Progress
from components.core.utterance import LANGUAGES
from components.data.generated.made_up_text import made_up
from components.data.generated.sentences import training_sentences
from components.data.splits import sentence_key, split_of
from components.espeak import variants
from components.text import UNK, phonemise


@pytest.fixture(scope="module")
def rendered(params: Params) -> list[Utterance]:
    shipped = Section.model_validate(params.auxiliaries["recogniser"].model_dump(mode="json"))
    return list(utterances(shipped.training.reference, params.data, params.seed))


def test_every_variant_has_one_part_and_judged_voices_and_their_kin_are_protected() -> None:
    voices = reference_voices()
    assert [voice.variant for voice in voices] == sorted(variants())
    protected = set(variants_of("protected"))
    assert set(judged_variants()) <= protected
    assert {"rob", "iven2", "iven3", "iven4", "linda"} <= protected
    judged_tracts = [families.formant_scales(variant) for variant in judged_variants()]
    for voice in voices:
        kin = any(families.same_tract(families.formant_scales(voice.variant), t) for t in judged_tracts)
        if kin or any(families.same_name(voice.variant, judged) for judged in judged_variants()):
            assert voice.part == "protected"


def test_a_held_out_family_is_held_out_whole() -> None:
    sides: dict[str, set[str]] = {}
    for voice in reference_voices():
        if voice.part in ("train", "validation", "test"):
            sides.setdefault(voice.family, set()).add(voice.part)
    assert all(len(parts) == 1 for parts in sides.values())
    assert len(variants_of("test")) >= 8


@pytest.mark.parametrize(
    ("one", "other", "kin"),
    [
        ("iven", "iven3", True),
        ("robert", "rob", True),
        ("belinda", "linda", True),
        ("anika", "anikaRobot", True),
        ("m1", "m3", False),
        ("paul", "pablo", False),
    ],
)
def test_names(one: str, other: str, kin: bool) -> None:
    assert families.same_name(one, other) is kin


def test_parts_share_neither_voices_nor_sentences(rendered: list[Utterance], params: Params) -> None:
    texts = {part: {sentence_key(u.text, u.language) for u in rendered if u.part == part} for part in PARTS}
    voices = {part: {u.voice.variant for u in rendered if u.part == part} for part in PARTS}
    for one, other in itertools.combinations(PARTS, 2):
        assert not texts[one] & texts[other]
        assert {one, other} == {"test", "test_made_up"} or not voices[one] & voices[other]
    assert not voices["train"] & set(variants_of("protected"))
    for utterance in rendered:
        if utterance.part == "test":
            assert split_of(utterance.text, utterance.language, "", params.data.splits, params.seed) == "test"


def test_the_evaluation_sentences_are_in_no_part(rendered: list[Utterance], params: Params) -> None:
    from components.evaluation.sentences import load_sentences

    judged = {
        sentence_key(s.text, s.language) for s in load_sentences(params.evaluation.sentences, params.kpi)
    }
    assert not judged & {sentence_key(u.text, u.language) for u in rendered}


def test_what_is_rendered_is_the_seeds(rendered: list[Utterance], params: Params, section: Section) -> None:
    assert len({u.utterance_id for u in rendered}) == len(rendered)
    reference = section.training.reference
    once = list(utterances(reference, params.data, params.seed))
    assert once == list(utterances(reference, params.data, params.seed))
    assert once != list(utterances(reference, params.data, params.seed + 1))


@pytest.mark.parametrize("language", LANGUAGES)
def test_made_up_texts_can_be_said_and_bring_sounds_that_sentences_rarely_have(language: str) -> None:
    sentences = training_sentences(language, 7)[:40]  # type: ignore[arg-type]
    texts = list(itertools.islice(made_up(language, sentences, random.Random(1)), 25))  # type: ignore[arg-type]
    assert len(set(texts)) == 25
    for text in texts:
        phonemes = phonemise(text, language)  # type: ignore[arg-type]
        assert not phonemes.unknown, text
        assert UNK not in phonemes.symbols
    assert texts == list(itertools.islice(made_up(language, sentences, random.Random(1)), 25))  # type: ignore[arg-type]


def _again(section: Section, params: Params, target: Path) -> tuple[int, int]:
    report = prepare(section, params.audio, params.data, target, params.seed, 1, Progress("t", StringIO()))
    assert report.accepted + len(report.rejected) == report.rows
    return report.rows, report.reused


def test_a_second_run_reuses_everything_and_a_damaged_store_is_made_again(
    section: Section, params: Params, features: Path, tmp_path: Path
) -> None:
    target = tmp_path / "features"
    rows, reused = _again(section, params, target)
    assert (rows, reused) == (4 * (4 + 3 * 2), 0)
    first = {name.name: name.read_bytes() for name in target.iterdir()}
    assert _again(section, params, target) == (rows, rows)
    assert {name.name: name.read_bytes() for name in target.iterdir()} == first
    assert {name.name: name.read_bytes() for name in features.iterdir()} == first
    (target / "mel.npy").write_bytes(first["mel.npy"][:-200])
    assert _again(section, params, target) == (rows, 0)
    assert {name.name: name.read_bytes() for name in target.iterdir()} == first
    assert [p.name for p in tmp_path.iterdir()] == ["features"]


def test_the_store_holds_what_was_rendered(features: Path) -> None:
    store = ReferenceStore(features)
    assert {row.part for row in store.rows} == set(PARTS)
    for row in store.rows:
        assert store.mel(row).shape == (row.mel_count, 80)
        assert np.isfinite(store.mel(row)).all()
        assert len(store.segments(row)) > 3
        assert (len(store.tones(row)) > 0) == (row.language == "zh")
        assert row.mel_count > 2 * len(store.segments(row))
