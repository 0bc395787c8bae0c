"""Which recogniser judges, what it is called, and what happens when it is missing, damaged or bewildered."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import WhisperConfig, WhisperFeatureExtractor, WhisperForConditionalGeneration

from components import catalogue
from components.auxiliaries.recogniser.labels import Labels, segments
from components.auxiliaries.recogniser.network import RecogniserNetwork
from components.auxiliaries.recogniser.params import Section
from components.core.metrics import Evaluator
from components.core.params.kpi import EvaluatorParams
from components.core.paths import project_root
from components.core.storage import sha256_path
from components.core.utterance import LANGUAGES, Language
from components.data.generated.sentences import training_sentences
from components.evaluation.phoneme_proxy import PROXY_ID, PhonemeProxy
from components.evaluation.recognisers import recogniser_for
from components.evaluation.whisper import WhisperRecogniser, is_whisper
from components.nn.contracts import Speech
from components.nn.delivered import write_delivered
from components.text import phonemise, spoken

PROXY = EvaluatorParams(id=PROXY_ID, version="1", kind="proxy", weights_sha256="")
SILENCE = Speech(np.zeros(16000, np.float32), 22050)
HISS = Speech(np.random.default_rng(0).normal(0, 0.1, 20000).astype(np.float32), 24000)


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recogniser that never learned anything, delivered."""
    section = catalogue.load(project_root(), "ci").auxiliaries["recogniser"].model_dump(mode="json")
    section["architecture"] |= {"channels": 16, "hidden": 16, "blocks": 1, "squeeze": 4}
    section["architecture"]["tone_branch"] |= {"channels": 8, "hidden": 8, "blocks": 1}
    typed = Section.model_validate(section)
    labels = Labels.among(
        (language, segments(phonemise(text, language).symbols))
        for language in LANGUAGES
        for text in training_sentences(language, 1)[:5]
    )
    torch.manual_seed(0)
    network = RecogniserNetwork(typed.architecture, labels, 0.0)
    card = {"architecture": section["architecture"], "labels": labels.to_json(), "log_floor": 1.0e-5}
    folder = tmp_path_factory.mktemp("pretrained") / "recogniser"
    folder.mkdir()
    write_delivered(network.state_dict(), folder, model="recogniser", card=card, dtype=torch.float16)
    return folder.parent


def test_the_proxy_says_who_it_is(pretrained: Path) -> None:
    recogniser, reason = recogniser_for(PROXY, pretrained)
    assert isinstance(recogniser, PhonemeProxy)
    assert reason == ""
    weights = sha256_path(pretrained / "recogniser" / "model.safetensors")
    assert recogniser.identity == Evaluator(id=PROXY_ID, version="1", weights_sha256=weights, kind="proxy")


def test_the_proxy_compares_phonemes_and_keeps_tones_apart(pretrained: Path) -> None:
    recogniser, _ = recogniser_for(PROXY, pretrained)
    assert recogniser is not None
    mandarin = recogniser.reference("今天天气很好。", "zh")
    assert len(mandarin.tones) == 6
    assert not any(symbol[-1] in "12345" or symbol == "_" for symbol in mandarin.symbols)
    english = recogniser.reference("Nothing, absolutely nothing.", "en")
    assert english.tones == ()
    assert not any(symbol.startswith(("ˈ", "ˌ")) for symbol in english.symbols)
    heard = recogniser.transcribe([SILENCE, HISS], "ko")
    assert heard[0].symbols == ()
    assert recogniser.transcribe([], "ko") == []


def test_a_missing_or_damaged_proxy_is_a_reason_not_a_crash(pretrained: Path, tmp_path: Path) -> None:
    recogniser, reason = recogniser_for(PROXY, tmp_path)
    assert recogniser is None
    assert "cannot be used" in reason
    assert "no weights" in reason
    broken = tmp_path / "recogniser"
    broken.mkdir()
    for path in (pretrained / "recogniser").iterdir():
        (broken / path.name).write_bytes(path.read_bytes())
    weights = bytearray((broken / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (broken / "model.safetensors").write_bytes(weights)
    recogniser, reason = recogniser_for(PROXY, tmp_path)
    assert recogniser is None
    assert "sha256" in reason


def test_none_and_unknown_recognisers_have_a_reason(tmp_path: Path) -> None:
    recogniser, reason = recogniser_for(
        EvaluatorParams(id="none", version="", kind="proxy", weights_sha256=""), tmp_path
    )
    assert recogniser is None
    assert "evaluation.recogniser.id is none" in reason
    recogniser, reason = recogniser_for(
        EvaluatorParams(id="a/b", version="", kind="reference", weights_sha256=""), tmp_path
    )
    assert recogniser is None
    assert "'a/b' has no adapter" in reason


class StubProcessor:
    """Whisper's own features; tokens decode to the next of some texts."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._features = WhisperFeatureExtractor(feature_size=8)
        self.texts = list(texts)
        self.rates: set[int] = set()

    def __call__(self, audio: list[Any], *, sampling_rate: int, return_tensors: str) -> Any:
        self.rates.add(sampling_rate)
        return self._features(audio, sampling_rate=sampling_rate, return_tensors=return_tensors)

    def batch_decode(self, tokens: Any, *, skip_special_tokens: bool) -> list[str]:
        assert skip_special_tokens
        assert tokens.shape[1] <= 128 + 8  # the cap, and the prompt before it
        return [self.texts.pop(0) for _ in tokens]


def tiny_whisper() -> WhisperForConditionalGeneration:
    """A Whisper of toy size with random weights and the special tokens that its prompt needs."""
    tokens = {f"<|{code}|>": place for place, code in enumerate(("ko", "en", "ja", "zh"), start=40)}
    config = WhisperConfig(
        vocab_size=64, num_mel_bins=8, d_model=16, encoder_layers=1, decoder_layers=1,
        encoder_attention_heads=2, decoder_attention_heads=2, encoder_ffn_dim=16, decoder_ffn_dim=16,
        max_target_positions=160, pad_token_id=60, bos_token_id=61, eos_token_id=62,
        decoder_start_token_id=50, begin_suppress_tokens=None, suppress_tokens=None,
    )  # fmt: skip
    torch.manual_seed(0)
    model = WhisperForConditionalGeneration(config).eval()
    generation = model.generation_config
    generation.is_multilingual = True
    generation.lang_to_id = tokens
    generation.task_to_id = {"transcribe": 51, "translate": 52}
    generation.no_timestamps_token_id = 53
    generation.suppress_tokens = generation.begin_suppress_tokens = None
    return model


@pytest.mark.filterwarnings("ignore")
def test_whisper_hears_text_and_compares_what_the_front_end_makes_of_it() -> None:
    identity = Evaluator(id="openai/whisper-tiny", version="", weights_sha256="0" * 64, kind="reference")
    processor = StubProcessor(["6:30에 만나요.", "☃☃"])
    whisper = WhisperRecogniser(tiny_whisper(), processor, identity)
    heard = whisper.transcribe([HISS, SILENCE, HISS], "ko")
    assert processor.rates == {16000}
    assert heard[0] == whisper.reference("6:30에 만나요", "ko")
    assert [one.symbols for one in heard[1:]] == [(), ()]  # silence is not sent; a snowman says nothing


REFERENCES: list[tuple[Language, str, str, bool]] = [
    ("en", "We met at 6:30!", "we met at six thirty", True),
    ("en", "Café, please", "cafe please", True),
    ("en", "We met", "we meet", False),
    ("ko", "５０１번 버스", "오백일번 버스", True),
    ("ko", "국물", "궁물", True),
    ("ja", "今日は三時です。", "きょうは3時です", True),
    ("zh", "我们，上午见！", "我们上午见", True),
    ("zh", "妈妈", "马马", True),
]


@pytest.mark.parametrize(("language", "one", "other", "alike"), REFERENCES)
def test_writing_does_not_count_sound_does(language: Language, one: str, other: str, alike: bool) -> None:
    identity = Evaluator(id="openai/whisper-tiny", version="", weights_sha256="0" * 64, kind="reference")
    whisper = WhisperRecogniser(None, StubProcessor([]), identity)
    a, b = whisper.reference(one, language), whisper.reference(other, language)
    assert (a.symbols == b.symbols) is alike
    assert a.symbols
    if language == "en":
        assert all(word.isalpha() for word in a.words)
    if language == "ko":
        assert "".join(a.words) == "".join(filter(str.isalpha, spoken(one, "ko")))


def test_whisper_that_cannot_be_had_is_a_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    folder = tmp_path / "whisper-empty"
    folder.mkdir()
    recogniser, reason = recogniser_for(
        EvaluatorParams(id=str(folder), version="", kind="reference", weights_sha256=""), tmp_path
    )
    assert recogniser is None
    assert "safetensors" in reason
    assert is_whisper("openai/whisper-large-v3")
    assert not is_whisper("openai/clip")
