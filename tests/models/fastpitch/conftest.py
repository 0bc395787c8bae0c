"""A small FastPitch and a store of made-up speech, in which each symbol and speaker has its own sound."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
import torch

from components import catalogue
from components.features.store import FeatureStore, StoredUtterance
from components.features.store_writer import write_store
from components.models.fastpitch.network import FastPitch
from components.models.fastpitch.params import Section
from components.models.fastpitch.spec import SPEC
from components.models.fastpitch.voices import Voices
from components.nn.contracts import Batch, TrainingTask

SYMBOLS = ("a1", "a2", "a3", "a4", "_")
PROJECT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def section() -> Section:
    """``models.fastpitch`` of the ci profile."""
    found = catalogue.load(PROJECT, "ci").models["fastpitch"]
    assert isinstance(found, Section)
    return found


def features(row: StoredUtterance) -> Mapping[str, np.ndarray]:
    """What `components.features.speech.analyse` would give; the speaker b is higher, louder and slower.

    No symbol follows itself, so that the mel says where one ends.
    """
    rng = np.random.default_rng(int(row.fingerprint))
    higher = row.speaker_id == "b"
    places = np.append(np.cumsum(rng.integers(1, 4, size=int(rng.integers(4, 9)))) % 4, 4)
    names = [SYMBOLS[place] for place in places]
    durations = (places % 3 + 1 + 2 * higher).astype(np.int32)
    band = np.arange(80, dtype=np.float32)
    mel = (np.sin(band / 9 * (1 + places[:, None])) - 4 + higher).repeat(durations, axis=0)
    sounding = places < 4
    log_pitch = np.where(sounding, 4.8 + 0.2 * places + 0.7 * higher, 0.0).astype(np.float32)
    energy = (1.0 + places + higher).astype(np.float32)
    return {
        "mel": mel.astype(np.float32),
        "f0": np.where(sounding, np.exp(log_pitch), 0).astype(np.float32).repeat(durations),
        "energy": energy.repeat(durations),
        "symbols": np.array(names),
        "true_durations": durations,
    }


def hurried_features(row: StoredUtterance) -> Mapping[str, np.ndarray]:
    """Three frames for more symbols than that."""
    frames = ("mel", "f0", "energy")
    return {name: value[:3] if name in frames else value for name, value in features(row).items()}


def write(folder: Path, speakers: tuple[str, ...], hurried: bool = False) -> FeatureStore:
    """Twelve utterances a speaker: eight to learn from, two to validate, two to test."""
    splits = ["train"] * 8 + ["validation"] * 2 + ["test"] * 2
    rows = [
        StoredUtterance(
            f"{speaker}_{i:02d}", "made", speaker, "ko" if i % 2 else "en", split, "", f"c-{speaker}", str(i)
        )
        for speaker in speakers
        for i, split in enumerate(splits)
    ]
    features_of = hurried_features if hurried else features
    write_store(folder, rows, features_of, {"mel": {"log_floor": 1.0e-5}}, {})
    return FeatureStore(folder)


@pytest.fixture(scope="session")
def write_store_of() -> Callable[[Path, tuple[str, ...]], FeatureStore]:
    """Writes a store of the speakers named."""
    return write


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> FeatureStore:
    """Speakers a and b."""
    return write(tmp_path_factory.mktemp("features") / "store", ("a", "b"))


@pytest.fixture
def voices(store: FeatureStore) -> Voices:
    """Who speaks in the store."""
    return Voices.of(store)


@pytest.fixture
def network(section: Section, voices: Voices) -> FastPitch:
    """A fresh network, seeded."""
    torch.manual_seed(0)
    return FastPitch(section.architecture, voices, section.training)


def steps(task: TrainingTask, batch: Batch, count: int) -> list[Mapping[str, float]]:
    """Plain optimiser steps on one batch, no schedule."""
    network = task.network.train()
    optimiser = task.phases[0].optimiser(list(network.parameters()))
    history = []
    for step in range(count):
        losses = network("generator", batch, step)
        optimiser.zero_grad()
        losses["total"].backward()
        optimiser.step()
        history.append({name: float(value.detach()) for name, value in losses.items()})
    return history


@pytest.fixture(scope="session")
def learned(section: Section, store: FeatureStore) -> tuple[TrainingTask, list[Mapping[str, float]]]:
    """A network that has learned one batch of both speakers by heart."""
    task = SPEC.training_task(section, store.folder, 0, None)
    batch = task.collate([task.train[index] for index in range(len(task.train))])
    return task, steps(task, batch, 300)
