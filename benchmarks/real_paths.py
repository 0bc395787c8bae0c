"""What a laptop really computes here, ready to be timed: the shipped networks and training steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch

from components import catalogue
from components.auxiliaries.syncnet.loading import SYNCNET, load
from components.core.paths import Workspace, project_root
from components.models.fastpitch.control import SymbolControls
from components.models.fastpitch.network import FastPitch
from components.models.fastpitch.params import Architecture as FastPitchArchitecture
from components.models.fastpitch.voices import Voices
from components.models.rvc.delivery import GENERATOR_PREFIX, DeliveredRvc
from components.models.rvc.network import RvcGenerator
from components.models.vallex.cache import Cache
from components.models.vallex.delivery import DeliveredVallex
from components.models.wav2lip.delivery import DeliveredWav2Lip
from components.models.wav2lip.network import Generator
from components.nn.contracts import TrainingTask
from components.nn.delivered import read_delivered
from components.nn.sinusoidal_positions import sinusoidal_positions
from components.simulation.cpu_calibration import calibrated
from components.simulation.cpu_cost import Cpu
from components.stages.expert import taught
from components.stages.runner import Request, run_stage
from components.training import rng
from components.training.learner import Counters, Learner
from components.training.peers import Peers
from components.training.phase_step import Sample
from components.training.sampler import BatchOrder

CPU = torch.device("cpu")
MODELS = ("fastpitch", "rvc", "vallex", "wav2lip")
_PROFILE = "bench"
_SHIPPED = project_root() / "pretrained"
_SYMBOLS = 100
"""Of the numbers that stand for sounds; which one is said costs the same."""


@dataclass(frozen=True)
class RealPath:
    """A pass of a network.

    Attributes:
        name: with what it was given.
        work: runs it; the same work every time.
        learning: it is a training step.
    """

    name: str
    work: Callable[[], object]
    learning: bool = False


@cache
def this_cpu(rounds: int) -> Cpu:
    """Calibrated once a process: benchmarks of one run share it."""
    return calibrated(rounds)


def inference_paths() -> Iterator[RealPath]:
    """The shipped networks, without front-ends and without what makes samples of a mel."""
    torch.manual_seed(0)
    for symbols in (20, 60, 120):
        yield RealPath(f"FastPitch, {symbols} symbols", fastpitch(symbols))
    for seconds in (1, 2, 5):
        yield RealPath(f"RVC to mel, {seconds} s", _rvc(seconds))
    for used in (100, 300):
        yield RealPath(f"VALL-E X, code {used}", _vallex(used))
    for windows in (4, 16):
        yield RealPath(f"SyncNet, {windows} windows", _syncnet(windows))
    yield RealPath("Wav2Lip, 8 frames", _wav2lip(8))


def fastpitch(symbols: int) -> Callable[[], object]:
    """Symbols to mel, one utterance."""
    found = read_delivered(_SHIPPED / "fastpitch", "fastpitch")
    architecture = FastPitchArchitecture.model_validate(found.card["architecture"])
    net = FastPitch(architecture, Voices.from_json(found.card["voices"]), training=None)
    net.load_state_dict(dict(found.weights), strict=False)
    net.eval()
    ids, one = torch.randint(1, _SYMBOLS, (1, symbols)), torch.zeros(1, dtype=torch.long)
    return lambda: net.speak(ids, one, one, SymbolControls.unchanged(ids), 30)


def _rvc(seconds: int) -> Callable[[], object]:
    found = DeliveredRvc.read(_SHIPPED / "rvc")
    a = found.card.architecture
    net = RvcGenerator(a, found.card.pitch_range)
    net.load_state_dict(found.part(GENERATOR_PREFIX))
    net.eval()
    frames = 2 * round(seconds * a.sample_rate_hz / a.hop_length / 2)
    content, noise = (
        torch.randn(1, frames // 2, a.content_encoder.dim),
        torch.randn(1, a.inter_channels, frames),
    )
    f0, speaker = torch.full((1, frames), 180.0), torch.zeros(1, dtype=torch.long)

    @torch.inference_mode()
    def convert() -> object:
        return net.decoder(net.latents(content, f0, speaker, noise), f0, net.speakers(speaker))

    return convert


def _vallex(used: int) -> Callable[[], object]:
    found = DeliveredVallex.read(_SHIPPED / "vallex")
    a, net = found.card.architecture, found.network().ar
    transformer, one = net.transformer, torch.zeros(1, dtype=torch.long)
    shape = (a.n_layers, 1, transformer.heads, transformer.head_channels)
    cache = Cache(*shape, used + 1, CPU, torch.float32)
    with torch.inference_mode():
        cache.advance(one, used, None)
        table = sinusoidal_positions(used, a.d_model, CPU, torch.float32)

    @torch.inference_mode()
    def step() -> object:
        return net.step(one, one, table, cache)

    return step


def _syncnet(windows: int) -> Callable[[], object]:
    found = load(_SHIPPED / SYNCNET, SYNCNET, CPU)
    net, a = found.network, found.architecture
    crops = torch.rand(windows, a.video_window_frames, 3, a.image_size, a.image_size)
    mel = torch.rand(windows, a.n_mels, a.mel_window_frames)

    @torch.inference_mode()
    def judge() -> object:
        return net.see(crops), net.hear(mel)

    return judge


def _wav2lip(frames: int) -> Callable[[], object]:
    found = DeliveredWav2Lip.read(_SHIPPED / "wav2lip")
    a, net = found.card.architecture, Generator(found.card.architecture, found.card.tower)
    net.load_state_dict(found.part("generator."))
    net.eval()
    pictures, mel = (
        torch.rand(frames, 6, a.image_size, a.image_size),
        torch.rand(frames, a.n_mels, a.mel_window_frames),
    )

    @torch.inference_mode()
    def render() -> object:
        return net(pictures, mel)

    return render


def training_paths(folder: Path) -> Iterator[RealPath]:
    """A step of each model in the laptop's size: collate, forward, backward, clip, optimiser, average.

    Args:
        folder: a workspace; what is missing in it (corpus, features) is made, under a minute of CPU time.
    """
    for model in MODELS:
        task = _task(model, Workspace.embedded(folder))
        recipe = task.recipe
        rows = recipe.batch_size * recipe.gradient_accumulation
        lengths = getattr(task.train, "lengths", None)
        rng.seed_everything(0)  # samples may draw too
        order = BatchOrder(len(task.train), rows, recipe.seed, lengths)  # type: ignore[arg-type]
        samples = [task.train[place] for place in order.batch(0)]
        yield RealPath(f"{model} step, {recipe.precision}", training_step(task, samples), learning=True)


def training_step(task: TrainingTask, samples: Sequence[Sample]) -> Callable[[], object]:
    """A whole step of the loop over the same samples."""
    learner = Learner(task, CPU, lambda _: None, Peers())
    counters = Counters(step=1, micro_batch=task.recipe.batch_size)

    def step() -> object:
        rng.seed_everything(0)  # what is drawn (prompts, a codebook) decides how much there is to do
        return learner.step(samples, len(samples), counters, 1.0)

    return step


def _task(model: str, workspace: Workspace) -> TrainingTask:
    project = project_root()
    for stage, of_model in (("ingest", None), ("version", None), ("validate", None), ("features", model)):
        run_stage(Request(stage, of_model, _PROFILE, workspace, project))
    section = catalogue.load(project, _PROFILE).models[model]
    spec = taught(model, _SHIPPED / section.learns_from if section.learns_from else None)
    return spec.training_task(section, workspace.features / model, 0, _SHIPPED / model)
