"""A tiny SyncNet and a small store of talking faces."""

from pathlib import Path

import pytest
import torch
from talking_corpus import talking_store, write_corpus

from components import catalogue
from components.auxiliaries.syncnet.network import SyncNet
from components.auxiliaries.syncnet.params import Section
from components.features.talking.store import TalkingStore

PROJECT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def section() -> Section:
    """``auxiliaries.syncnet`` of the ci profile."""
    found = catalogue.load(PROJECT, "ci").auxiliaries["syncnet"]
    assert isinstance(found, Section)
    return found


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> TalkingStore:
    """64 pixels, a dozen clips."""
    folder = tmp_path_factory.mktemp("talking")
    return talking_store(write_corpus(folder / "corpus"), folder / "store")[0]


@pytest.fixture
def network(section: Section) -> SyncNet:
    """Fresh."""
    torch.manual_seed(0)
    return SyncNet(section.architecture).eval()
