"""Copy synthesis: a perfect copy scores as the recording does, a bad one shows in the figure it concerns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tone_corpus import ToneCorpus, tone

from components.auxiliaries.vocoder.fidelity import Fidelity, fidelity, mean_fidelity
from components.core.errors import DataError, NothingScoredError
from components.core.metrics import Evaluator
from components.core.utterance import Language
from components.data.corpus import Corpus
from components.evaluation.copy_synthesis import Clip, System, compare, load_clips
from components.evaluation.pronunciation import Transcript
from components.evaluation.recordings import Recording
from components.features.mel import MelAnalysis, log_mel, magnitudes
from components.features.pitch import PitchAnalysis, f0
from components.nn.contracts import Speech

ANALYSIS = MelAnalysis(22050, 1024, 256, 1024, 80, 0.0, 8000.0, 1e-5)
PITCH = PitchAnalysis("dio", 50.0, 1100.0)
CENTROIDS = {"spk1": np.array([1.0, 0.0], dtype=np.float32)}


class Verifier:
    """Hears the level: a clip's vector leans away from the centroid the quieter it is; silence has none."""

    def embed(self, clips: Sequence[Speech]) -> list[np.ndarray | None]:
        levels = [float(np.abs(clip.samples).max()) for clip in clips]
        return [
            None if level < 1e-3 else np.array([min(1.0, level), 0.0], dtype=np.float32) for level in levels
        ]


class Ears:
    """Hears "a" as often as the clip is long in seconds, rounded; silence as nothing."""

    identity = Evaluator(id="ears", version="1", weights_sha256="0" * 64, kind="proxy")

    def transcribe(self, clips: Sequence[Speech], language: Language) -> list[Transcript]:
        heard = [round(c.duration_s) if np.abs(c.samples).max() > 1e-3 else 0 for c in clips]
        return [Transcript(("a",) * count) for count in heard]

    def reference(self, text: str, language: Language) -> Transcript:
        return Transcript(("a", "a"))


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> list[Clip]:
    """Two tones, one of them sampled at another rate; a silent recording is left out with a reason."""
    corpus = ToneCorpus(tmp_path_factory.mktemp("data") / "tones")
    corpus.add("a", tone(2.0, 150.0))
    corpus.add("b", tone(2.0, 220.0, rate=16000), rate=16000)
    corpus.add("silent", np.zeros(44100, dtype=np.float32))
    folder = Corpus(corpus.write())
    found, left_out = load_clips([Recording(r, folder.audio(r)) for r in folder.rows], ANALYSIS, PITCH)
    assert list(left_out) == ["silent"]
    return found


def report(
    system: System, clips: list[Clip], recogniser: Ears | None = None
) -> tuple[Mapping[str, float], Mapping[str, float]]:
    made = compare({"it": system}, clips, CENTROIDS, Verifier(), recogniser, ANALYSIS, PITCH)  # type: ignore[arg-type]
    return made.ceiling, made.systems[0].values


def oracle(clips: list[Clip], change: float = 1.0, faster: bool = False) -> System:
    """Gives back the recording whose mel it is shown, louder or quieter, or with every other sample."""
    known = {clip.given_mel.tobytes(): clip.speech.samples for clip in clips}

    def system(mel: torch.Tensor, course: torch.Tensor) -> torch.Tensor:
        samples = known[mel.numpy().tobytes()] * np.float32(change)
        return torch.from_numpy(samples[::2].copy() if faster else samples)

    return system


def test_a_perfect_copy_scores_what_the_recording_scores(clips: list[Clip]) -> None:
    assert [clip.speech.sample_rate for clip in clips] == [22050, 22050]
    ceiling, values = report(oracle(clips), clips, Ears())
    assert values["speaker_similarity"] == ceiling["speaker_similarity"]
    assert values["phoneme_error_rate"] == ceiling["phoneme_error_rate"] == 0
    assert (values["mel_l1"], values["gross_f0_error"], values["voicing_error"]) == (0, 0, 0)
    assert values["n"] == 2
    assert values["rtf"] > 0


def test_a_quieter_copy_shows_in_the_mel_and_not_in_the_pitch(clips: list[Clip]) -> None:
    ceiling, values = report(oracle(clips, 0.5), clips)
    assert values["mel_l1"] == pytest.approx(np.log(2), abs=0.1)
    assert values["gross_f0_error"] == 0
    assert values["speaker_similarity"] < ceiling["speaker_similarity"]
    assert "phoneme_error_rate" not in values


def test_an_octave_shows_in_the_gross_error_and_half_the_length_in_the_error_rate(clips: list[Clip]) -> None:
    _, values = report(oracle(clips, faster=True), clips, Ears())
    assert values["gross_f0_error"] > 0.95
    assert values["phoneme_error_rate"] == 0.5


def test_copies_without_a_voice_raise_and_do_not_average(clips: list[Clip]) -> None:
    with pytest.raises(NothingScoredError, match="voiced"):
        report(oracle(clips, 0.0), clips)
    with pytest.raises(NothingScoredError, match="at least one clip"):
        report(oracle(clips), [])


def test_a_copy_that_is_not_finite_is_refused(clips: list[Clip]) -> None:
    with pytest.raises(DataError, match="NaN"):
        fidelity(clips[0].mel, clips[0].f0, np.full(44100, np.nan, np.float32), ANALYSIS, PITCH)


def test_voicing_is_counted_apart_from_gross_errors(tmp_path: Path) -> None:
    samples = tone(2.0, 150.0)
    mel = log_mel(magnitudes(samples, ANALYSIS), ANALYSIS)
    course = f0(samples, 22050, 256, PITCH)
    unvoiced = course.copy()
    unvoiced[20:60] = 0
    found = fidelity(mel, unvoiced, samples, ANALYSIS, PITCH)
    assert (found.gross, found.voicing) == (0, int((course[20:60] > 0).sum()))


counts = st.integers(0, 50)


@given(
    st.lists(st.tuples(st.floats(0, 9), st.integers(1, 99), counts, st.integers(1, 99), counts), min_size=1)
)
@settings(max_examples=30)
def test_frames_of_all_clips_count_alike(parts: list[tuple[float, int, int, int, int]]) -> None:
    figures = mean_fidelity([Fidelity(*part) for part in parts])
    assert figures["gross_f0_error"] == pytest.approx(sum(p[2] for p in parts) / sum(p[3] for p in parts))
    assert figures["mel_l1"] == pytest.approx(sum(p[0] for p in parts) / sum(p[1] for p in parts))
    assert figures["n"] == len(parts)
