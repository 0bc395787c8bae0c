"""Through the real loop into a delivered recogniser; what it hears, and its held-out figures."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import numpy as np
import pytest
import torch

from components.auxiliaries.recogniser.measure import error_rate
from components.auxiliaries.recogniser.params import Section
from components.auxiliaries.recogniser.phoneme_recogniser import NAME, Heard, PhonemeRecogniser
from components.auxiliaries.recogniser.spec import SPEC
from components.auxiliaries.recogniser.store import ReferenceStore
from components.core.errors import CorruptFileError, DataError, NothingScoredError
from components.core.progress import Progress
from components.data.generated.sentences import training_sentences
from components.espeak import Voice, synthesise
from components.nn.contracts import Speech
from components.nn.delivered import read_delivered
from components.training.loop import train

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def delivered(section: Section, features: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    task = SPEC.training_task(section, features, seed=1, warm_start=None)
    folder = tmp_path_factory.mktemp("run")
    return train(task, folder, CPU, Progress("test", StringIO()), lambda points: None).delivered


@pytest.fixture(scope="module")
def recogniser(delivered: Path) -> PhonemeRecogniser:
    return PhonemeRecogniser(delivered, CPU)


def clip(text: str, variant: str = "f2") -> Speech:
    said = synthesise(text, "en", Voice(variant), 165)
    return Speech(said.samples.astype(np.float32) / 32768, said.sample_rate_hz)


def test_the_delivered_file_is_checked(delivered: Path, tmp_path: Path) -> None:
    found = read_delivered(delivered, NAME)
    assert len(found.card["reference_sha256"]) == 64
    assert (delivered / "model.safetensors").stat().st_size < 8_000_000
    with pytest.raises(DataError, match="no weights"):
        PhonemeRecogniser(tmp_path, CPU)
    for name in ("model.safetensors", "model.json"):
        (tmp_path / name).write_bytes((delivered / name).read_bytes())
    broken = bytearray((tmp_path / "model.safetensors").read_bytes())
    broken[-3] ^= 1
    (tmp_path / "model.safetensors").write_bytes(broken)
    with pytest.raises(CorruptFileError, match="sha256"):
        PhonemeRecogniser(tmp_path, CPU)


def test_a_card_that_does_not_fit_the_weights_is_told(delivered: Path, tmp_path: Path) -> None:
    for name in ("model.safetensors", "model.json"):
        (tmp_path / name).write_bytes((delivered / name).read_bytes())
    card = (tmp_path / "model.json").read_text(encoding="utf-8")
    (tmp_path / "model.json").write_text(card.replace('"blocks": 2', '"blocks": 3'), encoding="utf-8")
    with pytest.raises(CorruptFileError, match="fit each other"):
        PhonemeRecogniser(tmp_path, CPU)


def test_nothing_is_heard_in_silence_and_hardly_anything_raises(recogniser: PhonemeRecogniser) -> None:
    quiet = [Speech(np.zeros(count, np.float32), 22050) for count in (0, 1, 500, 22050)]
    assert recogniser.hear(quiet, "ko") == [Heard((), ())] * 4
    odd = [
        Speech(np.full(3, 0.5, np.float32), 8000),
        Speech(np.random.default_rng(0).normal(0, 0.1, 4000).astype(np.float32), 16000),
        Speech(np.full(2000, np.nan, np.float32), 22050),
    ]
    assert len(recogniser.hear(odd, "zh")) == 3
    assert recogniser.hear([], "en") == []
    with pytest.raises(DataError, match="ru"):
        recogniser.hear(odd, "ru")  # type: ignore[arg-type]


def test_clips_together_are_heard_as_alone(recogniser: PhonemeRecogniser) -> None:
    clips = [clip("one two three"), clip("a much longer sentence than the first one", "Andy"), clip("go")]
    together = recogniser.hear(clips, "en")
    assert together == [recogniser.hear([one], "en")[0] for one in clips]


def test_figures_name_every_language_and_their_numbers(
    section: Section, delivered: Path, features: Path
) -> None:
    figures = SPEC.measure(section, delivered, features, CPU, Progress("test", StringIO()))
    for language in ("ko", "en", "ja", "zh"):
        assert figures[f"n_{language}"] == 2
        assert figures[f"per_{language}"] > 0.5  # four steps teach nothing, and the figure says so
    assert figures["n"] == 8
    assert figures["n_tones"] > 0
    assert {"per", "per_made_up", "per_validation", "tone_error", "per_shuffled"} <= set(figures)


def test_a_warm_start_continues_from_the_delivered_weights(
    section: Section, features: Path, delivered: Path
) -> None:
    task = SPEC.training_task(section, features, seed=2, warm_start=delivered)
    weights = read_delivered(delivered, NAME).weights
    for name, value in task.network.state_dict().items():
        torch.testing.assert_close(value, weights[name])


def test_error_rate_is_edits_over_all_reference_symbols() -> None:
    assert error_rate([("abcd", "abxd"), ("ab", "ab")]) == pytest.approx(1 / 6)
    assert error_rate([("ab", "abcdef")]) == 2.0
    with pytest.raises(NothingScoredError):
        error_rate([("", "a")])


def test_the_measure_can_fail_other_sentences_score_terribly(features: Path) -> None:
    store = ReferenceStore(features)
    for language in ("ko", "en", "ja", "zh"):
        said = [store.segments(row) for row in store.rows if row.language == language]
        assert error_rate([(one, one) for one in said]) == 0.0
        assert error_rate(list(zip(said, said[1:] + said[:1], strict=True))) > 0.7
    assert training_sentences("ko", 1)
