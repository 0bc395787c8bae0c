"""The verifier against its package, the centroid protocol, and that no fault can raise a score."""

from __future__ import annotations

import stat
from pathlib import Path

import numpy as np
import pytest
from espeak_voices import VOICES, recorded, say

from components import catalogue
from components.core.errors import EnvironmentFaultError, NothingScoredError, VoicesNotRecordedError
from components.core.params.kpi import EvaluatorParams
from components.core.paths import project_root
from components.data.corpus import Corpus
from components.evaluation.embedding_store import EmbeddingStore
from components.evaluation.recordings import Panel, held_out, panel
from components.evaluation.sentences import Sentence
from components.evaluation.speaker_similarity import Gallery, build_gallery, score_similarity
from components.evaluation.speaking import Spoken, Take
from components.evaluation.verifier import MIN_CLIP_S, SpeakerVerifier
from components.nn.contracts import Speech

PARAMS = catalogue.load(project_root(), "ci")
REFERENCES = 10


@pytest.fixture(scope="module")
def verifier() -> SpeakerVerifier:
    return SpeakerVerifier(PARAMS.evaluation.speaker_verifier)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return Corpus(recorded(tmp_path_factory.mktemp("voices") / "espeak").write())


@pytest.fixture(scope="module")
def panels(corpus: Corpus) -> dict[str, Panel]:
    recordings = held_out([corpus], MIN_CLIP_S)
    return {speaker: panel(speaker, recordings, REFERENCES, seed=1) for speaker in VOICES}


@pytest.fixture(scope="module")
def gallery(
    panels: dict[str, Panel], verifier: SpeakerVerifier, tmp_path_factory: pytest.TempPathFactory
) -> Gallery:
    store = EmbeddingStore(tmp_path_factory.mktemp("store"), verifier)
    targets = [panels["low"], panels["high"]]
    return build_gallery(targets, [panels["croak"]], store, REFERENCES, impostor_pairs=30, seed=1)


def spoken(name: str, speech: Speech, speaker: str = "low", fault: str | None = None) -> Spoken:
    sentence = Sentence(sentence_id=name, language="en", text=name, kind="statement")
    return Spoken(sentence, speaker, Take(speech, 0.1, 0.1), fault)


def test_batched_embeddings_are_the_packages_own(verifier: SpeakerVerifier) -> None:
    import resemblyzer

    encoder = resemblyzer.VoiceEncoder("cpu", verbose=False)
    clips = [say(words, VOICES[name]) for words, name in ((3, "low"), (14, "high"), (7, "croak"))]
    for clip, vector in zip(clips, verifier.embed(clips), strict=True):
        wav = resemblyzer.preprocess_wav(clip.samples, source_sr=clip.sample_rate)
        np.testing.assert_allclose(vector, encoder.embed_utterance(wav), atol=1e-5)


def test_voiceless_clips_have_no_embedding(verifier: SpeakerVerifier) -> None:
    hiss = np.random.default_rng(0).normal(0, 0.01, 32000).astype(np.float32)
    tiny = np.full(10, 0.1, np.float32)
    voice = say(6, VOICES["low"])
    found = verifier.embed([Speech(hiss, 16000), voice, Speech(tiny, 16000)])
    assert found[0] is None
    assert found[2] is None
    assert found[1] is not None
    assert verifier.embed([]) == []


def test_another_verifier_than_the_installed_one_is_refused() -> None:
    for change in ({"id": "wavlm-sv"}, {"version": "0.1.3"}):
        params = EvaluatorParams(**{**PARAMS.evaluation.speaker_verifier.model_dump(), **change})
        with pytest.raises(EnvironmentFaultError, match=r"resemblyzer-ge2e 0\.1\.4"):
            SpeakerVerifier(params)


def test_identity_names_the_weights(verifier: SpeakerVerifier) -> None:
    assert len(verifier.identity.weights_sha256) == 64
    assert verifier.identity.kind == "reference"


def test_a_panel_parts_recordings_without_overlap_and_mixes_languages(corpus: Corpus) -> None:
    recordings = held_out([corpus], MIN_CLIP_S)
    one = panel("low", recordings, REFERENCES, seed=1)
    names = [r.utterance.utterance_id for r in (*one.references, *one.probes)]
    assert len(one.references) == REFERENCES
    assert len(one.probes) == REFERENCES
    assert len(set(names)) == 2 * REFERENCES
    assert {r.utterance.speaker_id for r in (*one.references, *one.probes)} == {"low"}
    assert {r.utterance.language for r in one.references} == {"ko", "en", "ja", "zh"}
    assert panel("low", recordings[::-1], REFERENCES, seed=1) == one
    assert panel("low", recordings, REFERENCES, seed=2) != one


def test_training_recordings_and_short_clips_are_never_held_out(tmp_path: Path) -> None:
    trained = recorded(tmp_path / "trained", per_voice=2, split="train")
    trained.add("short", say(2, VOICES["low"]).samples, symbols=(), speaker_id="low", split="test")
    trained.add("kept", say(8, VOICES["low"]).samples, symbols=(), speaker_id="low", split="validation")
    kept = held_out([Corpus(trained.write())], MIN_CLIP_S)
    assert [r.utterance.utterance_id for r in kept] == ["kept"]


def test_same_voice_scores_between_ceiling_and_floor(gallery: Gallery, verifier: SpeakerVerifier) -> None:
    assert np.mean(gallery.ceiling) > np.mean(gallery.floor) + 0.1
    assert len(gallery.ceiling) == 2 * REFERENCES
    assert len(gallery.floor) == 30
    right = [spoken(f"en_0{i}", say(8, VOICES["low"], turn=3 * i), "low") for i in range(3)]
    wrong = [spoken(f"en_0{i}", say(8, VOICES["high"], turn=3 * i), "low") for i in range(3)]
    good = score_similarity(right, gallery, verifier).per_sentence
    bad = score_similarity(wrong, gallery, verifier).per_sentence
    assert min(good.values()) > max(bad.values()) + 0.1


def test_faults_and_hiss_lower_the_mean_and_short_clips_are_counted(
    gallery: Gallery, verifier: SpeakerVerifier
) -> None:
    voice = say(8, VOICES["low"])
    hiss = Speech(np.random.default_rng(0).normal(0, 0.01, 32000).astype(np.float32), 16000)
    alone = score_similarity([spoken("en_01", voice)], gallery, verifier)
    mixed = score_similarity(
        [
            spoken("en_01", voice),
            spoken("en_02", voice, fault="clipped"),
            spoken("en_03", hiss),
            spoken("en_04", say(2, VOICES["low"])),
        ],
        gallery,
        verifier,
    )
    assert mixed.per_sentence["en_01"] == pytest.approx(alone.per_sentence["en_01"], abs=1e-5)
    assert mixed.per_sentence["en_02"] == 0.0
    assert mixed.per_sentence["en_03"] == 0.0
    assert 0.0 < mixed.per_sentence["en_04"] < 1.0
    assert mixed.voiceless == ("en_03",)
    assert mixed.short == ("en_04",)


def test_nothing_with_a_voice_raises(gallery: Gallery, verifier: SpeakerVerifier) -> None:
    silent = spoken("en_01", Speech(np.zeros(0, np.float32), 22050), fault="empty")
    with pytest.raises(NothingScoredError, match="none voiced") as caught:
        score_similarity([silent], gallery, verifier)
    assert caught.value.details == ("en_01: empty",)
    with pytest.raises(NothingScoredError):
        score_similarity([], gallery, verifier)


def test_a_gallery_does_not_print_embeddings(gallery: Gallery) -> None:
    assert "centroids" not in repr(gallery)


def test_too_few_references_raise_and_name_every_voice(
    panels: dict[str, Panel], verifier: SpeakerVerifier, tmp_path: Path
) -> None:
    few = Panel("low", panels["low"].references[: REFERENCES - 1], ())
    absent = [Panel(name, (), ()) for name in ("human_carlo", "human_flora")]
    store = EmbeddingStore(tmp_path, verifier)
    with pytest.raises(VoicesNotRecordedError, match=r"of low: .*found 9 of low\. To do: give them more"):
        build_gallery([few], [], store, REFERENCES, 10, seed=1)
    with pytest.raises(VoicesNotRecordedError, match="of human_carlo, human_flora: ") as refused:
        build_gallery([panels["low"], *absent], [], store, REFERENCES, 10, seed=1)
    line, hint = refused.value.lines()
    assert "found none. To do: ingest a corpus with recordings of these voices" in line
    assert "data.corpora" in hint
    assert "판정할 수 없습니다" in hint


class CountingVerifier(SpeakerVerifier):
    """Remembers how many clips it was asked about."""

    asked = 0

    def embed(self, clips: list[Speech]) -> list[np.ndarray | None]:  # type: ignore[override]
        self.asked += len(clips)
        return super().embed(clips)


def test_the_store_asks_once_and_keeps_them_private(panels: dict[str, Panel], tmp_path: Path) -> None:
    counting = CountingVerifier(PARAMS.evaluation.speaker_verifier)
    store = EmbeddingStore(tmp_path / "embeddings", counting)
    recordings = panels["low"].references[:3]
    first = store.embed(recordings)
    files = sorted((tmp_path / "embeddings").rglob("*.npy"))
    assert counting.asked == len(files) == 3
    assert {stat.S_IMODE(f.stat().st_mode) for f in files} == {0o600}
    assert stat.S_IMODE(files[0].parent.stat().st_mode) == 0o700
    files[0].write_bytes(b"not an array")
    again = EmbeddingStore(tmp_path / "embeddings", counting).embed(recordings)
    assert counting.asked == 4
    np.testing.assert_allclose(np.stack(again), np.stack(first), atol=1e-5)  # type: ignore[arg-type]
