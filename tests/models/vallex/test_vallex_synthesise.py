"""``synthesise`` with a prompt, through the stage: what is written, and what is refused before."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import soundfile
import torch
from counting_codec import CountingCodec
from tiny_vallex import CPU, PROJECT
from tone_corpus import RATE, tone

from components import catalogue
from components.auxiliaries.codec.build import of
from components.core.errors import ConfigError, DataError
from components.core.params import Params, narrowed
from components.core.paths import Workspace
from components.evaluation.audio_faults import audio_fault
from components.models.vallex import spec
from components.models.vallex.params import Section
from components.models.vallex.task import codec_choice
from components.nn.contracts import Auxiliaries
from components.stages.synthesise import require_voice
from components.stages.synthesise_prompted import PromptedWish, PromptSaid, synthesise_prompted, told


@pytest.fixture
def project(tmp_path: Path, delivered: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project that ships the tiny network; the codec is the one that it was trained with."""
    shutil.copytree(delivered, tmp_path / "project" / "pretrained" / "vallex")
    monkeypatch.setattr(spec, "of", lambda auxiliaries, choice, device: CountingCodec())
    return tmp_path / "project"


@pytest.fixture(scope="module")
def params() -> Params:
    return catalogue.load(PROJECT, "ci")


def _say(project: Path, params: Params, seconds: float = 1.0, **wish: object) -> PromptSaid:
    prompt, out = project / "prompt.wav", project / "x.wav"
    soundfile.write(prompt, tone(seconds), RATE, subtype="PCM_16")
    asked = {"text": "Hello, Stella.", "language": "en", "prompt_text": "안녕하세요", "prompt_language": "ko"}
    made = PromptedWish("vallex", prompt=prompt, **{**asked, **wish})  # type: ignore[arg-type]
    return synthesise_prompted(project, params, Workspace.embedded(project / "ws"), made, out)


def test_a_prompt_speaks_another_language_and_is_labelled(project: Path, params: Params) -> None:
    said = _say(project, params, speaker="me", consent="c7")
    samples, rate = soundfile.read(said.wav)
    assert (rate, said.version, said.first_s) == (24000, "pretrained", None)
    assert len(samples) / rate == pytest.approx(said.duration_s)
    label = json.loads(said.label.read_text(encoding="utf-8"))
    assert (label["speaker"], label["consent"], label["language"]) == ("me", "c7", "en")
    first = samples.tobytes()
    assert soundfile.read(_say(project, params).wav)[0].tobytes() == first, "the same seed says the same"
    assert soundfile.read(_say(project, params, seed=params.seed + 99).wav)[0].tobytes() != first


def test_a_stream_is_heard_before_its_end(project: Path, params: Params) -> None:
    said = _say(project, params, live=True, text="We were away, a year ago. Please call Stella.")
    assert said.first_s is not None
    assert 0 < said.first_s < said.total_s
    assert "first audio after" in told(said)[1]


@pytest.mark.parametrize(
    ("seconds", "wish", "words"),
    [
        (0.1, {}, r"0\.2 to 3 s"),
        (60.0, {}, r"60\.0 s"),
        (1.0, {"text": "  "}, "text"),
        (1.0, {"prompt_text": " "}, "--prompt-text"),
        (1.0, {"language": "fr"}, "language 'fr'"),
        (1.0, {"prompt_language": "it"}, "language 'it'"),
    ],
)
def test_what_cannot_be_spoken_leaves_nothing(
    project: Path, params: Params, seconds: float, wish: dict[str, object], words: str
) -> None:
    with pytest.raises(DataError, match=words):
        _say(project, params, seconds, **wish)
    assert not list(project.glob("x.wav*"))


def test_a_prompt_that_is_no_recording_is_refused(project: Path, params: Params) -> None:
    (project / "text.wav").write_text("no sound", encoding="utf-8")
    with pytest.raises(DataError, match=r"text\.wav"):
        synthesise_prompted(
            project,
            params,
            Workspace.embedded(project / "ws"),
            PromptedWish("vallex", "Hello.", "en", project / "text.wav", "안녕"),
            project / "x.wav",
        )


@pytest.mark.parametrize(
    ("model", "speaker", "prompt", "controlled", "words"),
    [
        ("vallex", "a", None, False, "no --prompt"),
        ("vallex", None, Path("p.wav"), True, "pace"),
        ("fastpitch", None, None, False, "no --speaker"),
        ("fastpitch", "a", Path("p.wav"), False, "a --prompt"),
        ("gpt", None, Path("p.wav"), False, "no such model"),
    ],
)
def test_what_belongs_to_a_kind_of_model_has_to_be_given(
    model: str, speaker: str | None, prompt: Path | None, controlled: bool, words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        require_voice(model, speaker, prompt, controlled=controlled)


def test_kinds_part(params: Params) -> None:
    assert require_voice("vallex", None, Path("p.wav"), controlled=False)
    assert not require_voice("fastpitch", "a", None, controlled=True)
    assert catalogue.prompted("vallex").name == "vallex"
    with pytest.raises(ConfigError, match="prompt"):
        catalogue.prompted("fastpitch")
    with pytest.raises(ConfigError, match="voices that it knows"):
        catalogue.speaker("vallex")


def test_the_untrained_codec_is_always_the_same_and_fits(params: Params) -> None:
    choice = codec_choice(narrowed(params.models["vallex"], Section).architecture)
    auxiliaries = Auxiliaries(PROJECT / "pretrained", params.auxiliaries)
    one, other = of(auxiliaries, choice, CPU), of(auxiliaries, choice, CPU)
    assert one.sha256 == other.sha256
    codes = one.encode(torch.from_numpy(tone(0.5, rate=24000))[None])
    assert codes.shape == (1, 3, 25)
    made = one.decode(codes)
    assert made.shape == (1, 12000)
    assert audio_fault(made[0].numpy(), params.data.validation) is None
    with pytest.raises(ConfigError, match="no such section"):
        of(Auxiliaries(PROJECT, {}), choice, CPU)
