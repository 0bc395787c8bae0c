"""The tool convert, on what was delivered: a tiny RVC that hears with a tiny HuBERT."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from extractions import extraction
from tone_corpus import ToneCorpus, tone
from transformers import HubertModel

from components import catalogue
from components.auxiliaries.content.contract import SHIPPED
from components.auxiliaries.content.network import ENCODER_PREFIX, hubert_config
from components.auxiliaries.content.params import Section as ContentSection
from components.core.errors import BadInputError, ConfigError, DataError
from components.core.params import Params
from components.core.paths import Workspace, project_root
from components.core.progress import Progress
from components.models.rvc.loading import content_encoder
from components.models.rvc.params import Section
from components.models.rvc.task import extract_features, training_task
from components.nn.contracts import Auxiliaries
from components.nn.delivered import write_delivered
from components.stages.convert import ConversionWish, convert, told
from components.training.loop import train

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def params() -> Params:
    """Of the ci profile, but with the content encoder that is delivered to pretrained/."""
    found = catalogue.load(project_root(), "ci")
    rvc = found.models["rvc"]
    assert isinstance(rvc, Section)
    asked = rvc.architecture.content_encoder.model_copy(update={"checkpoint": SHIPPED})
    architecture = rvc.architecture.model_copy(update={"content_encoder": asked})
    models = {**found.models, "rvc": rvc.model_copy(update={"architecture": architecture})}
    return found.model_copy(update={"models": models})


@pytest.fixture(scope="module")
def project(params: Params, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with pretrained/content and pretrained/rvc: features, training and delivery as in a run."""
    root = tmp_path_factory.mktemp("project")
    content, rvc = params.auxiliaries["content"], params.models["rvc"]
    assert isinstance(content, ContentSection)
    assert isinstance(rvc, Section)
    deliver_hubert(root / "pretrained" / "content", content, 0)
    corpus = ToneCorpus(root / "corpus")
    for place, split in enumerate(["train"] * 4 + ["validation"]):
        corpus.add(f"a{place}", tone(1.0 + 0.1 * place, 130.0 + 9 * place, 16000), 16000, (), split=split)
    encoder = content_encoder(rvc.architecture, Auxiliaries(root / "pretrained", params.auxiliaries), CPU)
    extract_features(rvc, extraction([corpus.write()], root / "store"), encoder)
    task = training_task(rvc, root / "store", 1, None)
    train(task, root / "run", CPU, Progress("t"), lambda points: None).delivered.rename(
        root / "pretrained" / "rvc"
    )
    return root


def deliver_hubert(folder: Path, section: ContentSection, seed: int) -> None:
    torch.manual_seed(seed)
    network = HubertModel(hubert_config(section.architecture))
    folder.mkdir(parents=True, exist_ok=True)
    weights = {ENCODER_PREFIX + name: value.contiguous() for name, value in network.state_dict().items()}
    card = {"architecture": section.architecture.model_dump(mode="json")}
    write_delivered(weights, folder, model="content", card=card, dtype=torch.float32)


def test_a_recording_becomes_a_labelled_wav(params: Params, project: Path, tmp_path: Path) -> None:
    source, out = tmp_path / "in.wav", tmp_path / "out.wav"
    soundfile.write(source, np.tile(tone(1.5, 220.0, 44100)[:, None], (1, 2)), 44100)
    workspace = Workspace.embedded(tmp_path / "workspace")
    made = convert(project, params, workspace, ConversionWish("rvc", source, "spk1"), out)
    samples, rate = soundfile.read(out)
    assert (made.version, rate) == ("pretrained", 16000)
    assert len(samples) == pytest.approx(1.5 * 16000, abs=2)
    assert np.all(np.isfinite(samples))
    told = json.loads(made.label.read_text())
    assert (told["speaker"], told["consent"], told["language"]) == ("spk1", "c1", "und")


def test_what_cannot_be_converted_leaves_nothing(params: Params, project: Path, tmp_path: Path) -> None:
    source, out = tmp_path / "in.wav", tmp_path / "out.wav"
    soundfile.write(source, tone(0.5, 220.0, 8000), 8000)
    workspace = Workspace.embedded(tmp_path / "workspace")
    with pytest.raises(DataError, match="one of spk1"):
        convert(project, params, workspace, ConversionWish("rvc", source, "nobody"), out)
    with pytest.raises(ConfigError, match="one that converts voices: rvc"):
        catalogue.converter("fastpitch")
    kept = (project / "pretrained" / "content" / "model.safetensors").read_bytes()
    card = (project / "pretrained" / "content" / "model.json").read_bytes()
    deliver_hubert(project / "pretrained" / "content", params.auxiliaries["content"], 1)  # type: ignore[arg-type]
    try:
        with pytest.raises(ConfigError, match="that it was made with"):
            convert(project, params, workspace, ConversionWish("rvc", source, "spk1"), out)
    finally:
        (project / "pretrained" / "content" / "model.safetensors").write_bytes(kept)
        (project / "pretrained" / "content" / "model.json").write_bytes(card)
    assert not out.exists()


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.embedded(tmp_path / "workspace")


SOURCES = {
    "silence": (np.zeros(16000), 16000),
    "10 ms": (tone(0.01, 220.0, 16000), 16000),
    "one sample": (np.full(1, 0.1), 16000),
    "stereo": (np.stack([tone(0.7, 220.0, 48000), np.zeros(33600)], axis=1), 48000),
    "8 kHz": (tone(0.7, 220.0, 8000), 8000),
    "44.1 kHz": (tone(0.7, 220.0, 44100), 44100),
    "full scale": (np.sign(tone(0.7, 220.0, 16000)), 16000),
}


@pytest.mark.parametrize("live", [False, True])
@pytest.mark.parametrize("kind", list(SOURCES))
def test_any_recording(
    params: Params, project: Path, workspace: Workspace, tmp_path: Path, kind: str, live: bool
) -> None:
    samples, rate = SOURCES[kind]
    source, out = tmp_path / "in.wav", tmp_path / "out.wav"
    soundfile.write(source, samples, rate, subtype="FLOAT")
    made = convert(project, params, workspace, ConversionWish("rvc", source, "spk1", live=live), out)
    heard, made_rate = soundfile.read(out)
    assert len(heard) / made_rate == pytest.approx(len(samples) / rate, abs=2 / made_rate)
    assert np.all(np.isfinite(heard))
    if kind == "silence":
        assert np.abs(heard).max() < 0.05
    lines = told(made)
    assert ("heard after" in "".join(lines)) == (live and len(samples) / rate > 0.5)


def test_options_go_through_the_checks_of_params(
    params: Params, project: Path, workspace: Workspace, tmp_path: Path
) -> None:
    source, out = tmp_path / "in.wav", tmp_path / "out.wav"
    soundfile.write(source, tone(0.6, 220.0, 16000), 16000)

    def made(**options: Any) -> np.ndarray:
        wish = ConversionWish("rvc", source, "spk1", inference=options)
        convert(project, params, workspace, wish, out)
        return np.asarray(soundfile.read(out)[0])

    plain = made()
    for options in ({"index_rate": 0.0}, {"transpose_semitones": 7}, {"automatic_key": False}):
        assert not np.array_equal(made(**options), plain), options
    out.unlink()
    for options, told_of in (
        ({"index_rate": 1.5}, "less than or equal to 1"),
        ({"protect": -0.1}, "greater than or equal to 0"),
        ({"file_chunk_s": 0.21}, "no multiple of a content feature"),
        ({"file_chunk_s": 0.02}, "must fit into"),
        ({"transpose_semitones": 0.5}, "integer"),
        ({"loudness": 1.0}, "Extra inputs"),
    ):
        with pytest.raises(BadInputError, match=told_of) as caught:
            made(**options)
        assert caught.value.who == f"models.rvc.inference.{next(iter(options))}"
        assert "(입력을" in caught.value.lines()[1]
    assert not out.exists()


LONG = """
import io, resource, sys
from pathlib import Path
import numpy as np, soundfile
from components import catalogue
from components.core.paths import Workspace, project_root
from components.stages.convert import ConversionWish, convert

root, place = Path(sys.argv[1]), Path(sys.argv[2])
params, workspace = catalogue.load(project_root(), "ci"), Workspace.embedded(place / "workspace")
rvc = params.models["rvc"]
asked = rvc.architecture.content_encoder.model_copy(update={"checkpoint": "pretrained/content"})
architecture = rvc.architecture.model_copy(update={"content_encoder": asked})
models = {**params.models, "rvc": rvc.model_copy(update={"architecture": architecture})}
params = params.model_copy(update={"models": models})
def peak(seconds):
    source = place / f"{seconds}.wav"
    with soundfile.SoundFile(source, "w", samplerate=48000, channels=2, subtype="PCM_16") as file:
        for second in range(seconds):
            t = np.arange(48000) / 48000
            file.write(np.tile(0.2 * np.sin(2 * np.pi * 180 * t)[:, None], (1, 2)))
    wish = ConversionWish("rvc", source, "spk1", inference={"file_chunk_s": 1.0})
    convert(root, params, workspace, wish, place / "out.wav")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
before = peak(8)
print(peak(120) - before)
"""


def test_an_hour_takes_the_memory_of_a_block(project: Path, tmp_path: Path) -> None:
    """In small: two minutes of 48 kHz stereo are 46 MB of samples, and 8 s have shown what a block takes."""
    command = [sys.executable, "-c", LONG, str(project), str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ})
    grown_mb = int(ended.stdout.split()[-1]) / 1024
    assert grown_mb < 12, f"{grown_mb:.0f} MB more for a recording that is 15 times as long"


def test_the_version_that_was_trained_last_has_to_exist(
    params: Params, project: Path, workspace: Workspace, tmp_path: Path
) -> None:
    wish = ConversionWish("rvc", tmp_path / "in.wav", "spk1", version="trained")
    with pytest.raises(ConfigError, match="expected a training in"):
        convert(project, params, workspace, wish, tmp_path / "out.wav")
