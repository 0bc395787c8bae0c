"""The tiny RVC of the ci profile, and the features of made-up voices that glide."""

from pathlib import Path

import numpy as np
import torch
from extractions import extraction
from local_content import LocalContent
from numpy.typing import NDArray
from tone_corpus import ToneCorpus

from components import catalogue
from components.auxiliaries.vocoder.params import SourceFilterSynthesis
from components.models.rvc.params import Section, SpectralDecoder
from components.models.rvc.store import SliceStore
from components.models.rvc.task import extract_features
from components.nn.contracts import Auxiliaries

PROJECT = Path(__file__).resolve().parents[2]
CPU = torch.device("cpu")
RATE = 16000
SPLITS = ["train"] * 4 + ["validation", "test"]
HERTZ = {"low": 110.0, "middle": 150.0, "high": 230.0}


def gliding(seconds: float, hertz: float, rate: int = RATE, seed: int = 0) -> NDArray[np.float32]:
    """A voice that glides around a pitch, with a formant that moves."""
    t = np.arange(round(seconds * rate)) / rate
    phase = np.cumsum(hertz * (1.0 + 0.1 * np.sin(2 * np.pi * 1.5 * t + seed))) / rate
    formant = 5.0 + 4.0 * np.sin(2 * np.pi * 0.8 * t + seed)
    parts = [np.exp(-((k - formant) ** 2) / 18) * np.sin(2 * np.pi * k * phase) for k in range(1, 16)]
    noise = 0.004 * np.random.default_rng(seed).standard_normal(len(t))
    return (0.12 * np.sum(parts, axis=0) + noise).astype(np.float32)


def section_of(profile: str | None) -> Section:
    found = catalogue.load(PROJECT, profile).models["rvc"]
    assert isinstance(found, Section)
    return found


def auxiliaries_of(profile: str | None) -> Auxiliaries:
    return Auxiliaries(PROJECT / "pretrained", catalogue.load(PROJECT, profile).auxiliaries)


def with_spectral_decoder(section: Section) -> Section:
    """The same with the laptop's kind of decoder, tiny, and content heard at two speeds."""
    synthesis = SourceFilterSynthesis(
        iterations=2, momentum=0.9, magnitude_steps=2, noise_from_hz=6000.0, noise_slope_hz=1000.0
    )
    decoder = SpectralDecoder(
        channels=16, layers=2, kernel=3, expansion=2, judge_channels=(4, 8), synthesis=synthesis
    )
    architecture = section.architecture.model_copy(update={"spectral_decoder": decoder})
    speeds = {"content_speeds": (1.0, 1.2), "prior_mel_loss_weight": 45.0}
    training = section.training.model_copy(update=speeds)
    return section.model_copy(update={"architecture": architecture, "training": training})


def voices(folder: Path, speakers: tuple[str, ...], prefix: str = "") -> Path:
    """A corpus of six recordings a voice."""
    corpus = ToneCorpus(folder)
    for number, speaker in enumerate(speakers):
        for place, split in enumerate(SPLITS):
            samples = gliding(1.0 + 0.11 * place, HERTZ[speaker], seed=7 * number + place)
            name = f"{prefix}{speaker}-{place}"
            role = "human" if speaker == "middle" else "model"
            corpus.add(name, samples, RATE, (), speaker_id=speaker, split=split, role=role)
    return corpus.write()


def extracted(section: Section, corpora: list[Path], target: Path, encoder: LocalContent) -> SliceStore:
    extract_features(section, extraction(corpora, target), encoder)
    return SliceStore(target)
