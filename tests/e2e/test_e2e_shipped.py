"""What the repository ships speaks and is understood: FastPitch, vocoder and recogniser of pretrained/."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from components import catalogue, inference
from components.core.paths import project_root
from components.core.utterance import LANGUAGES, Language
from components.evaluation.pronunciation import Score
from components.evaluation.recognisers import recogniser_for
from components.evaluation.sentences import load_sentences
from components.nn.contracts import Speech
from components.nn.control import UNCHANGED
from components.stages.shipped import auxiliaries

pytestmark = pytest.mark.e2e
ROOT = project_root()
SHIPPED = ROOT / "pretrained"
EIGHT_MB = 8_000_000
SENTENCES_A_LANGUAGE = 3
#: Far below what the shipped weights score (their cards), far above what a broken part of the chain leaves.
UNDERSTOOD = 0.75


@pytest.mark.parametrize("name", ["fastpitch", "recogniser", "vocoder"])
def test_weights_are_small_and_have_a_card(name: str) -> None:
    folder = SHIPPED / name
    assert (folder / "model.safetensors").stat().st_size <= EIGHT_MB
    card = (folder / "README.md").read_text(encoding="utf-8")
    header = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    assert header["model"] == name
    assert header["dtype"] == "float16"
    assert header["weights_sha256"] in card
    for word in ("data", "cpu hours", "licence", f"make pretrain model={name}"):
        assert word in card.lower()


@pytest.fixture(scope="module")
def scores() -> dict[Language, list[Score]]:
    """A few of the 120 sentences in each language, spoken by the first voice and heard by the proxy."""
    params = catalogue.load(ROOT, "laptop")
    section = params.models["fastpitch"]
    voice = inference.load(
        "fastpitch", section, SHIPPED / "fastpitch", auxiliaries(ROOT, params), torch.device("cpu")
    )
    recogniser, reason = recogniser_for(params.evaluation.recogniser, SHIPPED)
    assert recogniser is not None, reason
    sentences = load_sentences(params.evaluation.sentences, params.kpi)
    found: dict[Language, list[Score]] = {}
    for language in LANGUAGES:
        chosen = [s.text for s in sentences if s.language == language][:SENTENCES_A_LANGUAGE]
        timed = [voice.synthesise_timed(t, language, voice.speakers[0], UNCHANGED, {}) for t in chosen]
        heard = recogniser.transcribe([Speech(one.samples, one.sample_rate) for one in timed], language)
        found[language] = [
            Score.of(language, recogniser.reference(text, language), transcript)
            for text, transcript in zip(chosen, heard, strict=True)
        ]
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_is_understood(language: Language, scores: dict[Language, list[Score]]) -> None:
    assert np.mean([score.accuracy for score in scores[language]]) >= UNDERSTOOD


def test_it_is_understood_as_what_it_said(scores: dict[Language, list[Score]]) -> None:
    """The other way round: another sentence's text must score terribly, or the figure means nothing."""
    for language, own in scores.items():
        crossed = [Score.of(language, a.said, b.heard) for a, b in zip(own, own[1:] + own[:1], strict=True)]
        assert np.mean([score.accuracy for score in crossed]) < 0.4


def test_the_command_line_speaks(tmp_path: Path) -> None:
    out = tmp_path / "말.wav"
    command = [
        sys.executable, "-m", "components", "synthesise", "--model", "fastpitch", "--speaker", "espeak_m3",
        "--language", "ko", "--text", "안녕하세요, 반갑습니다.", "--out", str(out),
        "--pace", "1.2", "--word", "1:pitch_shift=3", "--workspace", str(tmp_path / "workspace"),
    ]  # fmt: skip
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    timings = json.loads((tmp_path / "말.wav.timings.json").read_text(encoding="utf-8"))
    assert [word["text"] for word in timings["words"]] == ["안녕하세요,", "반갑습니다."]
    label = json.loads((tmp_path / "말.wav.json").read_text(encoding="utf-8"))
    assert label["consent"] == "synthetic-espeak_m3"
    command[command.index("espeak_m3")] = "nobody"
    refused = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert refused.returncode == 42
    assert "expected one of" in refused.stderr
    assert "Traceback" not in refused.stderr
