"""A codec that learned nothing, a corpus of gliding voices, a network that was trained for a few steps."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from extractions import extraction
from tiny_codec import CPU, gliding
from tiny_codec import section_of as codec_section_of
from tone_corpus import ToneCorpus, tone

from components import catalogue
from components.auxiliaries.codec.network import CodecNetwork
from components.auxiliaries.timbre.params import Section
from components.auxiliaries.timbre.spec import SPEC
from components.core.paths import project_root
from components.core.progress import Progress
from components.nn.delivered import write_delivered
from components.training.loop import train


@pytest.fixture(scope="session")
def codec_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As `make pretrain MODEL=codec` would deliver it, with weights as they are before training."""
    folder = tmp_path_factory.mktemp("codec")
    architecture = codec_section_of("ci").architecture
    torch.manual_seed(1)
    network = CodecNetwork(architecture)
    network.mel_centre.fill_(-5.0)
    card = {"architecture": architecture.model_dump(mode="json"), "log_floor": 1.0e-5, "f0_method": "dio"}
    write_delivered(network.state_dict(), folder, model="codec", card=card, dtype=torch.float32)
    return folder


@pytest.fixture(scope="session")
def section(codec_folder: Path) -> Section:
    """The ci profile's, with that codec."""
    found = catalogue.load(project_root(), "ci").auxiliaries["timbre"]
    assert isinstance(found, Section)
    architecture = found.architecture.model_copy(update={"codec": str(codec_folder)})
    return found.model_copy(update={"architecture": architecture})


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three voices with five clips in each split, a person with one, a judge."""
    made = ToneCorpus(tmp_path_factory.mktemp("data") / "voices")
    for number, (name, hertz) in enumerate({"low": 110.0, "mid": 160.0, "high": 220.0}.items()):
        for place, split in enumerate(["train", "validation", "test"] * 5):
            samples = gliding(0.8 + 0.05 * place, hertz, 7 * number + place)
            made.add(f"{name}_{place}", samples, split=split, speaker_id=name)
    made.add("person", tone(1.0, 140.0), role="human", speaker_id="person", language="it", text="")
    made.add("judge", tone(1.0, 333.0), role="evaluator", speaker_id="judge")
    return made.write()


@pytest.fixture(scope="session")
def prepared(section: Section, corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The clips."""
    target = tmp_path_factory.mktemp("features") / "timbre"
    SPEC.prepare(section, extraction([corpus], target))
    return target


@pytest.fixture(scope="session")
def delivered(section: Section, prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the ci profile's steps deliver."""
    task = SPEC.training_task(section, prepared, 0, None)
    folder = tmp_path_factory.mktemp("training")
    return train(task, folder, CPU, Progress("test"), lambda points: None).delivered
