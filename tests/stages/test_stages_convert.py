"""The tool convert, on what was delivered: a tiny RVC that hears with a tiny HuBERT."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from tone_corpus import ToneCorpus, tone
from transformers import HubertModel

from components import catalogue
from components.auxiliaries.content.contract import SHIPPED
from components.auxiliaries.content.network import ENCODER_PREFIX, hubert_config
from components.auxiliaries.content.params import Section as ContentSection
from components.core.errors import ConfigError, DataError
from components.core.params import Params
from components.core.paths import Workspace, project_root
from components.core.progress import Progress
from components.models.rvc.loading import content_encoder
from components.models.rvc.params import Section
from components.models.rvc.task import extract_features, training_task
from components.nn.contracts import Auxiliaries
from components.nn.delivered import write_delivered
from components.stages.convert import ConversionWish, convert
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
    extract_features(rvc, params.audio, [corpus.write()], root / "store", 1, Progress("t"), encoder)
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
