"""A corpus of gliding voices, the codec's parameters, clips, and a codec that was trained for a few steps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from extractions import extraction
from tiny_codec import CPU, gliding, section_of
from tone_corpus import RATE, ToneCorpus, tone

from components.auxiliaries.codec.params import Section
from components.auxiliaries.codec.spec import SPEC
from components.auxiliaries.codec.trained import TrainedCodec, load
from components.core.progress import Progress
from components.training.loop import train


@pytest.fixture(scope="session")
def section() -> Section:
    """The ci profile's."""
    return section_of("ci")


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten clips of two voices; besides: a person, a judge, silence."""
    made = ToneCorpus(tmp_path_factory.mktemp("data") / "voices")
    for number, (name, hertz) in enumerate({"low": 110.0, "high": 220.0}.items()):
        for place, split in enumerate(["train"] * 3 + ["validation", "test"]):
            samples = gliding(0.8 + 0.1 * place, hertz, 7 * number + place)
            made.add(f"{name}_{place}", samples, split=split, speaker_id=name)
    made.add("person", tone(1.0, 140.0), role="human", speaker_id="person", language="it", text="")
    made.add("judge", tone(1.0, 333.0), role="evaluator")
    made.add("silent", np.zeros(RATE, dtype=np.float32))
    return made.write()


@pytest.fixture(scope="session")
def prepared(section: Section, corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The clips."""
    target = tmp_path_factory.mktemp("features") / "codec"
    SPEC.prepare(section, extraction([corpus], target))
    return target


@pytest.fixture(scope="session")
def delivered(section: Section, prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the ci profile's steps deliver."""
    task = SPEC.training_task(section, prepared, 0, None)
    folder = tmp_path_factory.mktemp("training")
    return train(task, folder, CPU, Progress("test"), lambda points: None).delivered


@pytest.fixture(scope="session")
def codec(delivered: Path) -> TrainedCodec:
    """The delivered one."""
    return load(delivered, CPU)
