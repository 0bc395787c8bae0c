"""A corpus of two espeak-ng voices and a recorded person, and the content encoder's parameters."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from extractions import extraction
from numpy.typing import NDArray
from tiny_content import section_of
from tone_corpus import RATE, ToneCorpus, tone

from components.auxiliaries.content.params import Section
from components.auxiliaries.content.spec import SPEC
from components.core.utterance import PhonemeTiming
from components.espeak.synthesis import Voice, synthesise

SENTENCES = (
    "The quick brown fox jumps over the lazy dog.",
    "She sells sea shells by the shore.",
    "We were away a year ago.",
    "Please call Stella and ask her to bring these things.",
)
SYMBOLS = ("a", "n", "_", "ʌ", "s")


@pytest.fixture(scope="session")
def section() -> Section:
    """The ci profile's."""
    return section_of("ci")


@pytest.fixture(scope="session")
def speech() -> NDArray[np.float32]:
    """Eight seconds or so at 16 kHz."""
    import soxr

    said = np.concatenate([synthesise(one, "en", Voice(), 165).samples for one in SENTENCES])
    resampled: NDArray[np.float32] = soxr.resample(said.astype(np.float32) / 32768, RATE, 16000)
    return resampled


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixteen sentences of two voices with (made-up) symbol times; besides: a person, a judge, silence."""
    made = ToneCorpus(tmp_path_factory.mktemp("data") / "voices")
    for name, voice in {"one": Voice(), "two": Voice(pitch=90)}.items():
        for place, split in enumerate(["train"] * 5 + ["validation", "test", "test"]):
            said = synthesise(SENTENCES[place % 4], "en", voice, 150 + 8 * place)
            samples = said.samples.astype(np.float32) / 32768
            row = made.add(
                f"{name}_{place}", samples, symbols=(), split=split, speaker_id=name, language="en"
            )
            made.timings[row.utterance_id] = timings_of(row.utterance_id, row.duration_s)
    made.add(
        "person", tone(1.0, 120.0), symbols=(), role="human", speaker_id="person", language="it", text=""
    )
    made.add("judge", tone(1.0, 333.0), role="evaluator")
    made.add("silent", np.zeros(22050, dtype=np.float32))
    return made.write()


def timings_of(utterance_id: str, seconds: float) -> tuple[PhonemeTiming, ...]:
    """Five symbols, one of them a pause, evenly spread."""
    edges = np.linspace(0.0, seconds, len(SYMBOLS) + 1)
    return tuple(
        PhonemeTiming(utterance_id=utterance_id, symbol=s, start_s=float(a), end_s=float(b))
        for s, a, b in zip(SYMBOLS, edges[:-1], edges[1:], strict=True)
    )


@pytest.fixture(scope="session")
def prepared(section: Section, corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Clips and the first iteration's targets."""
    target = tmp_path_factory.mktemp("features") / "content"
    SPEC.prepare(section, extraction([corpus], target))
    return target
