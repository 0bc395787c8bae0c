"""A tiny Wav2Lip, talking faces, and a SyncNet that was delivered without having learned."""

from pathlib import Path

import pytest
import torch
from talking_corpus import talking_store, write_corpus

from components import catalogue
from components.features.talking.store import TalkingStore
from components.models.wav2lip.params import Section

PROJECT = Path(__file__).resolve().parents[3]


def section_of(profile: str | None) -> Section:
    found = catalogue.load(PROJECT, profile).models["wav2lip"]
    assert isinstance(found, Section)
    return found


@pytest.fixture(scope="session")
def paper() -> Section:
    """``models.wav2lip`` of params.yaml."""
    return section_of(None)


@pytest.fixture(scope="session")
def section() -> Section:
    """``models.wav2lip`` of the ci profile; any SyncNet may teach."""
    found = section_of("ci")
    return found.model_copy(update={"training": found.training.model_copy(update={"syncnet_eval_max": 99.0})})


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> TalkingStore:
    """64 pixels, a dozen clips."""
    folder = tmp_path_factory.mktemp("talking")
    return talking_store(write_corpus(folder / "corpus"), folder / "store")[0]


@pytest.fixture(scope="session")
def syncnet(store: TalkingStore, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A delivered SyncNet with drawn weights."""
    target = tmp_path_factory.mktemp("syncnet")
    section = catalogue.load(PROJECT, "ci").auxiliaries["syncnet"]
    task = catalogue.auxiliary_spec("syncnet").training_task(section, store.folder, 0, None)
    with torch.no_grad():
        task.deliver({name: value.clone() for name, value in task.network.state_dict().items()}, target)
    return target
