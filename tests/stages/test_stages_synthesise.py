"""The tool synthesise: which version speaks, and what is written beside the wav. The voice is a fake."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import soundfile
from fixture_evidence import evidence, laptop_params
from registry_store import RegistryStore, delivered

from components import inference
from components.core.errors import BadInputError, ConfigError
from components.core.params import Params
from components.core.paths import Workspace
from components.core.utterance import Language
from components.nn.control import UNCHANGED, Control
from components.nn.timed_speech import Timed, TimedSpeech
from components.stages.synthesise import Said, Wish, synthesise


@dataclass
class Voice:
    """Half a second of sound, two words; remembers where it was loaded from and what it was asked."""

    loaded: list[Path] = field(default_factory=list)
    asked: list[tuple[str, Control, Mapping[int, Control]]] = field(default_factory=list)
    weights_sha256: str = "w" * 64
    consents: Mapping[str, str] = field(default_factory=lambda: {"a": "consent-a"})

    def load(self, model: str, section: object, folder: Path, auxiliaries: Path, device: object) -> Voice:
        self.loaded.append(folder)
        return self

    def synthesise_timed(
        self, text: str, language: Language, speaker: str, control: Control, words: Mapping[int, Control]
    ) -> TimedSpeech:
        self.asked.append((text, control, words))
        sounds = (Timed("a", 0.0, 0.2), Timed("b", 0.2, 0.4), Timed("_", 0.4, 0.5))
        spoken = (Timed("한", 0.0, 0.2), Timed("말", 0.2, 0.4))
        return TimedSpeech(np.full(11025, 0.1, dtype=np.float32), 22050, sounds, spoken)


@pytest.fixture
def voice(monkeypatch: pytest.MonkeyPatch) -> Voice:
    voice = Voice()
    monkeypatch.setattr(inference, "load", voice.load)
    return voice


def _say(tmp_path: Path, params: Params, **wish: object) -> Said:
    asked = Wish(model="fastpitch", text="한 말", language="ko", speaker="a", **wish)  # type: ignore[arg-type]
    workspace = Workspace.embedded(tmp_path / "workspace")
    return synthesise(tmp_path / "project", params, workspace, asked, tmp_path / "x.wav")


def test_without_a_champion_the_shipped_weights_speak(tmp_path: Path, voice: Voice) -> None:
    shipped = delivered(tmp_path / "project" / "pretrained" / "fastpitch")
    slow = Control(0.8, 0.0, 1.0, 1.0)
    said = _say(tmp_path, laptop_params(), word_controls={1: slow})
    assert (said.version, voice.loaded) == ("pretrained", [shipped])
    assert voice.asked == [("한 말", UNCHANGED, {1: slow})]
    samples, rate = soundfile.read(said.wav)
    assert (len(samples), rate) == (11025, 22050)
    label = json.loads(said.label.read_text(encoding="utf-8"))
    assert (label["model_version"], label["consent"]) == ("pretrained", "consent-a")
    told = json.loads(said.timings.read_text(encoding="utf-8"))
    assert [word["text"] for word in told["words"]] == ["한", "말"]
    assert told["phonemes"][-1]["end_s"] == told["duration_s"] == 0.5
    assert not (tmp_path / "workspace").exists()  # asking who the champion is makes no store


def test_the_champion_speaks_where_there_is_one(tmp_path: Path, voice: Voice) -> None:
    store = RegistryStore.in_folder(tmp_path / "mlflow")
    version = store.candidate(evidence(run_id=store.run()))
    store.registry().set_alias("fastpitch", "champion_laptop", version.version)
    params = laptop_params()
    mlflow = params.platform.mlflow.model_copy(update={"tracking_uri": store.uri})
    params = params.model_copy(update={"platform": params.platform.model_copy(update={"mlflow": mlflow})})
    assert _say(tmp_path, params).version == version.version
    assert _say(tmp_path, params, version=version.version).version == version.version
    with pytest.raises(BadInputError, match="none of that number"):
        _say(tmp_path, params, version="99")


def test_captions_are_written_beside_it(tmp_path: Path, voice: Voice) -> None:
    delivered(tmp_path / "project" / "pretrained" / "fastpitch")
    workspace, wish = Workspace.embedded(tmp_path / "workspace"), Wish("fastpitch", "한 말", "ko", "a")
    out, captions = tmp_path / "x.wav", tmp_path / "x.srt"
    said = synthesise(tmp_path / "project", laptop_params(), workspace, wish, out, captions)
    assert said.captions == captions
    assert captions.read_text(encoding="utf-8") == "1\n00:00:00,000 --> 00:00:00,833\n한 말\n"
    with pytest.raises(ConfigError, match=r"\.srt or \.vtt"):
        synthesise(
            tmp_path / "project", laptop_params(), workspace, wish, tmp_path / "y.wav", tmp_path / "y.txt"
        )
    assert not (tmp_path / "y.wav").exists()


def test_nothing_to_speak_with_is_told(tmp_path: Path, voice: Voice) -> None:
    with pytest.raises(ConfigError, match="make pretrain MODEL=fastpitch"):
        _say(tmp_path, laptop_params())
    with pytest.raises(ConfigError, match="no MLflow store"):
        _say(tmp_path, laptop_params(), version="3")
    assert not voice.loaded
