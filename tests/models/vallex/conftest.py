"""A tiny VALL-E X, a codec without weights, the codes of two made-up voices, and a delivered network."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from counting_codec import CountingCodec
from extractions import extraction
from tiny_vallex import CPU, section_of
from tone_corpus import ToneCorpus, tone

from components.core.progress import Progress
from components.models.vallex.network import VallexNetwork
from components.models.vallex.params import Section
from components.models.vallex.store import CodeStore
from components.models.vallex.task import extract_features, training_task
from components.training.loop import train

SPLITS = ["train"] * 6 + ["validation"] * 2 + ["test"]
LANGUAGES = ("ko", "en", "ja", "zh")


@pytest.fixture(scope="session")
def section() -> Section:
    """``models.vallex`` of the ci profile."""
    return section_of("ci")


@pytest.fixture
def network(section: Section) -> VallexNetwork:
    """Fresh, with weights large enough that everything is told apart."""
    torch.manual_seed(0)
    made = VallexNetwork(section.architecture)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return made.eval()


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nine utterances each of two voices in four languages; besides: a judge, and a person without text."""
    made = ToneCorpus(tmp_path_factory.mktemp("data") / "voices")
    for number, speaker in enumerate(("low", "high")):
        for place, split in enumerate(SPLITS):
            samples = tone(0.5 + 0.05 * place, 110.0 * (1 + number))
            made.add(
                f"{speaker}_{place}",
                samples,
                split=split,
                speaker_id=speaker,
                language=LANGUAGES[place % 4],
                symbols=("a", "n", "ɕ", "ʌ", "sp")[: 3 + place % 3],
            )
    made.add("judge", tone(0.6), role="evaluator")
    made.add("person", tone(0.6), role="human", speaker_id="person", language="it", text="", symbols=())
    return made.write()


@pytest.fixture(scope="session")
def store(section: Section, corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> CodeStore:
    folder = tmp_path_factory.mktemp("features") / "vallex"
    extract_features(section, extraction([corpus], folder), CountingCodec())
    return CodeStore(folder)


@pytest.fixture(scope="session")
def delivered(section: Section, store: CodeStore, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the training of the ci profile delivers."""
    task = training_task(section, store.folder, 3, None)
    folder = tmp_path_factory.mktemp("training")
    return train(task, folder, CPU, Progress("test"), lambda points: None).delivered
