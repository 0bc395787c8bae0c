"""Evaluations of a tiny VALL-E X and a tiny Wav2Lip of drawn weights, as evaluate leaves them on disk."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from fixture_evidence import evidence
from safetensors.torch import load_file
from talking_corpus import HEARING
from tone_corpus import ToneCorpus, tone
from torch import Tensor

from components import catalogue, inference
from components.auxiliaries.codec.build import of
from components.auxiliaries.codec.contract import SHIPPED
from components.auxiliaries.codec.network import CodecNetwork
from components.auxiliaries.codec.params import Section as CodecSection
from components.core.metrics import Evidence
from components.core.params import Params
from components.core.paths import project_root
from components.core.ports import ModelVersion
from components.core.progress import Progress
from components.core.provenance import cpu_label
from components.core.storage import sha256_path, write_json, write_text
from components.core.utterance import LANGUAGES
from components.delivery.bundle import Contents
from components.evaluation.latency import SentenceLatency
from components.evaluation.lip_scores import ScoredClip, rendered
from components.evaluation.lip_sync import mouth_likeness
from components.evaluation.prompting import PromptedVoices
from components.evaluation.prompts import Part, Prompt
from components.evaluation.recordings import Recording
from components.evaluation.sentences import Sentence
from components.evaluation.tables import Judged, Prompted, write_samples
from components.evaluation.talking_clips import HeldOutClip
from components.evaluation.video_samples import write_video_samples
from components.inference import MediaLabel
from components.models.vallex.delivery import Card as VallexCard
from components.models.vallex.delivery import deliver as deliver_vallex
from components.models.vallex.network import VallexNetwork
from components.models.vallex.params import Section as VallexSection
from components.models.vallex.task import codec_choice
from components.models.wav2lip.delivery import GENERATOR_PREFIX
from components.models.wav2lip.delivery import Card as LipCard
from components.models.wav2lip.delivery import deliver as deliver_lips
from components.models.wav2lip.network import Generator
from components.models.wav2lip.params import Section as LipSection
from components.nn.contracts import Auxiliaries
from components.nn.delivered import write_delivered
from components.stages.deliverable import EVIDENCE, SAMPLES, contents
from components.text.symbols import INVENTORY_VERSION, inventory

CPU = torch.device("cpu")
TEXTS = {"ko": "네.", "en": "Yes.", "ja": "はい。", "zh": "好。"}


@dataclass(frozen=True)
class Evaluated:
    """A delivered model, its evaluation, and the project that would export it."""

    project: Path
    params: Params
    model: str
    weights: Path
    evaluation: Path

    @property
    def samples(self) -> Path:
        return self.evaluation / SAMPLES

    def contents(self) -> Contents:
        version = ModelVersion(self.model, "7", "run", "", {})
        return contents(self.project, self.params, version, self.weights, self.evaluation, "ci", {})

    def copied(self, place: Path) -> Evaluated:
        """The same on a place of its own, to be tampered with."""
        for folder in (self.project, self.weights, self.evaluation):
            shutil.copytree(folder, place / folder.name)
        project, weights, evaluation = (
            place / one.name for one in (self.project, self.weights, self.evaluation)
        )
        return replace(self, project=project, weights=weights, evaluation=evaluation)

    def evaluated_on(self, device: str) -> None:
        """Write the evidence as if that device had evaluated it."""
        path = self.evaluation / EVIDENCE
        found = evidence(model=self.model, checkpoint_sha256=sha256_path(self.weights / "model.safetensors"))
        metrics = tuple(one.model_copy(update={"device": device}) for one in found.metrics)
        told = Evidence(**{**dict(found), "metrics": metrics})
        write_json(path, told.model_dump(mode="json"))

    def change_weights(self, change: Callable[[dict[str, Tensor]], None]) -> None:
        """Other weights, delivered as properly as the first ones."""
        held = load_file(self.weights / "model.safetensors")
        card = json.loads((self.weights / "model.json").read_text(encoding="utf-8"))["card"]
        change(held)
        write_delivered(held, self.weights, model=self.model, card=card, dtype=torch.float32)


def codec_at(folder: Path, seed: int) -> Path:
    """A delivered codec of the ci profile's dimensions that learned nothing; ``seed``: another one."""
    section = catalogue.load(project_root(), "ci").auxiliaries["codec"]
    assert isinstance(section, CodecSection)
    torch.manual_seed(seed)
    network = CodecNetwork(section.architecture)
    with torch.no_grad():  # as loud as speech
        network.speak.bias[: 2 * section.architecture.n_mels] -= 3.5
    card = {
        "architecture": section.architecture.model_dump(mode="json"),
        "log_floor": 1.0e-5,
        "f0_method": "dio",
    }
    folder.mkdir(parents=True)
    weights = {name: value.contiguous() for name, value in network.state_dict().items()}
    write_delivered(weights, folder, model="codec", card=card, dtype=torch.float32)
    return folder


def label(speaker: str, language: str) -> MediaLabel:
    return MediaLabel("tiny", "run", "w" * 64, speaker, "c1", language)


def parts_of(folder: Path) -> list[Part]:
    """A sentence of each language, each in the voice of a recording of its own."""
    corpus, parts = ToneCorpus(folder), []
    for number, language in enumerate(LANGUAGES):
        voice = ("low", "high")[number % 2]
        samples = tone(1.0 + 0.1 * number, 110.0 * (1 + number % 2))
        row = corpus.add(f"{voice}_{language}", samples, speaker_id=voice, language="ko")
        sentence = Sentence(
            sentence_id=f"{language}_01", language=language, text=TEXTS[language], kind="plain"
        )
        prompt = Prompt(Recording(row, folder / row.path), "ko", voice == "low")
        parts.append(Part(sentence, prompt))
    return parts


def evaluated_vallex(place: Path) -> Evaluated:
    """It said a word of each language in two voices that prompts give."""
    project = place / "project"
    codec_at(project / "pretrained" / "codec", seed=0)
    params = catalogue.load(project_root(), "ci")
    section = params.models["vallex"]
    assert isinstance(section, VallexSection)
    architecture = section.architecture.model_copy(update={"codec": SHIPPED})
    section = section.model_copy(update={"architecture": architecture})
    params = params.model_copy(update={"models": {**params.models, "vallex": section}})
    serving = Auxiliaries(project / "pretrained", params.auxiliaries)
    weights = place / "weights"
    weights.mkdir()
    torch.manual_seed(1)
    network = VallexNetwork(architecture)
    with torch.no_grad():  # large enough that everything is told apart
        for parameter in network.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    codec = of(serving, codec_choice(architecture), CPU)
    card = VallexCard(architecture, inventory(), INVENTORY_VERSION, codec.sha256, ("low",))
    state = {name: value.detach().clone() for name, value in network.state_dict().items()}
    deliver_vallex(state, weights, card=card, consents={"low": "c1"}, dtype=torch.float32)
    model = inference.load_prompted("vallex", section, weights, serving, CPU)
    parts = parts_of(place / "corpus")
    candidate = PromptedVoices(model, parts, 5)
    told = candidate.speak(4, params.data.validation, Progress("test"))
    judged = []
    for spoken, part in zip(told.spoken, parts, strict=True):
        seed = candidate.seeds[part.sentence.sentence_id]
        prompted = Prompted(part.prompt.recording, True, ("end",), seed)
        judged.append(Judged(spoken, None, 0.9, None, None, prompted=prompted))
    made = Evaluated(project, params, "vallex", weights, place / "evaluation")
    write_samples(made.samples, judged, {}, label)
    made.evaluated_on(cpu_label())
    return made


def evaluated_lips(place: Path) -> Evaluated:
    """It rendered a clip of each of two languages; both are shown."""
    project = place / "project"
    (project / "pretrained").mkdir(parents=True)
    params = catalogue.load(project_root(), "ci")
    section = params.models["wav2lip"]
    assert isinstance(section, LipSection)
    torch.manual_seed(2)
    generator, weights = Generator(section.architecture), place / "weights"
    weights.mkdir()
    state = {
        f"{GENERATOR_PREFIX}{name}": value.contiguous() for name, value in generator.state_dict().items()
    }
    card = LipCard(section.architecture, HEARING, "s" * 64)
    deliver_lips(state, weights, card=card, consents={}, dtype=torch.float32)
    model = inference.load_lip_sync("wav2lip", section, weights, CPU)
    asked, size = params.evaluation.lip_sync, section.architecture.image_size
    scored = []
    for number, language in enumerate(("ko", "en")):
        draw = np.random.default_rng(number)
        small = draw.integers(0, 255, (25 + number, 4, 4, 3), dtype=np.uint8)
        crops = small.repeat(size // 4, axis=1).repeat(size // 4, axis=2)
        samples = tone(len(crops) / 25, 120.0 + 80 * number, HEARING.mel.sample_rate)
        clip = HeldOutClip(f"{language}_clip", "face", language, "", "c1", crops, samples, np.zeros((1, 80)))
        made = rendered(model, clip, asked.reference_frames)
        likeness = mouth_likeness(made, crops)
        scored.append(ScoredClip(clip, made, likeness, SentenceLatency(language, 3.0, 1, 1.0, 1.0, 0.1)))
    found = Evaluated(project, params, "wav2lip", weights, place / "evaluation")
    write_video_samples(
        found.samples, scored, 2, lambda clip: label(clip.speaker, clip.language), 25,
        HEARING.mel.sample_rate, 20, asked.reference_frames,
    )  # fmt: skip
    found.evaluated_on(cpu_label())
    return found


def rewritten_index(samples: Path, old: str, new: str) -> None:
    path = samples / "index.csv"
    text = path.read_text(encoding="utf-8")
    assert old in text
    write_text(path, text.replace(old, new))
