"""A tiny RVC, the features of three made-up voices, and a network that was delivered after a few steps."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from local_content import LocalContent
from numpy.typing import NDArray
from tiny_rvc import CPU, extracted, gliding, section_of, voices, with_spectral_decoder

from components.core.progress import Progress
from components.models.rvc.converter import RvcConverter
from components.models.rvc.network import PitchRange, RvcGenerator
from components.models.rvc.params import Section
from components.models.rvc.store import SliceStore
from components.models.rvc.task import training_task
from components.training.loop import train


@pytest.fixture(scope="session", params=["samples", "mel"])
def section(request: pytest.FixtureRequest) -> Section:
    """``models.rvc`` of the ci profile, with either kind of decoder."""
    found = section_of("ci")
    return found if request.param == "samples" else with_spectral_decoder(found)


@pytest.fixture(scope="session")
def paper() -> Section:
    """``models.rvc`` of params.yaml."""
    return section_of(None)


@pytest.fixture
def generator(section: Section) -> RvcGenerator:
    """Fresh, with weights large enough that every path is heard."""
    torch.manual_seed(0)
    network = RvcGenerator(section.architecture, PitchRange(50.0, 1100.0))
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return network.eval()


@pytest.fixture(scope="session")
def store(section: Section, tmp_path_factory: pytest.TempPathFactory) -> SliceStore:
    """Features of the voices low and middle."""
    root = tmp_path_factory.mktemp("rvc")
    return extracted(section, [voices(root / "corpus", ("low", "middle"))], root / "store", LocalContent())


@pytest.fixture(scope="session")
def delivered(section: Section, store: SliceStore, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the training of the ci profile delivers."""
    task = training_task(section, store.folder, 3, None)
    folder = tmp_path_factory.mktemp("training")
    return train(task, folder, CPU, Progress("test"), lambda points: None).delivered


@pytest.fixture
def converter(section: Section, delivered: Path) -> RvcConverter:
    """The delivered network with the encoder that it was trained with."""
    return RvcConverter(section, delivered, LocalContent(), CPU)


@pytest.fixture(scope="session")
def voice() -> Callable[..., NDArray[np.float32]]:
    """See `gliding`."""
    return gliding
