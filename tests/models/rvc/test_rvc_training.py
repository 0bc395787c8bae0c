"""Training: each phase moves its own modules, a batch is learned, and a resumed run is the same run."""

from __future__ import annotations

import math
import os
import signal
from operator import attrgetter
from pathlib import Path

import pytest
import torch
from local_content import LocalContent
from pydantic import ValidationError
from tiny_rvc import CPU, extracted, section_of, voices
from torch import nn

from components.core.errors import ConfigError, DataError, StoppedError
from components.core.progress import Progress
from components.models.rvc.dataset import _balanced
from components.models.rvc.delivery import DISCRIMINATORS_PREFIX, GENERATOR_PREFIX, DeliveredRvc
from components.models.rvc.params import Architecture, Section
from components.models.rvc.store import SliceStore
from components.models.rvc.task import training_task
from components.nn.adversarial import DISCRIMINATOR, GENERATOR
from components.nn.contracts import Batch, TrainingTask
from components.training.loop import train
from components.training.phase_step import owned_parameters


def batch_of(task: TrainingTask, count: int = 4) -> Batch:
    return task.collate([task.train[index] for index in range(count)])


def one_step(
    task: TrainingTask, number: int, batch: Batch, optimiser: torch.optim.Optimizer | None = None
) -> dict[str, float]:
    """A step of one phase, the other's parameters frozen, as the loop has it."""
    phase, network = task.phases[number], task.network
    own = owned_parameters(network, phase)
    optimiser = optimiser or phase.optimiser(own)
    network.requires_grad_(False)
    for parameter in own:
        parameter.requires_grad_(True)
    optimiser.zero_grad()
    losses = network(phase.name, batch, 0)
    losses["total"].backward()
    optimiser.step()
    network.requires_grad_(True)
    return {name: float(value.detach()) for name, value in losses.items()}


def with_training(section: Section, **changes: object) -> Section:
    return section.model_copy(update={"training": section.training.model_copy(update=changes)})


def test_a_batch_is_whole_frames_of_both_grids(section: Section, store: SliceStore) -> None:
    batch = batch_of(training_task(section, store.folder, 0, None))
    frames = batch["f0"].shape[1]
    assert frames % 2 == 0
    assert batch["content"].shape == (4, frames // 2, 24)
    assert batch["samples"].shape == (4, frames * 160)
    assert set(batch["speakers"].tolist()) <= {0, 1}
    assert int(batch["frames"].max()) <= section.training.stretch_frames


def test_stretches_are_drawn_in_training_and_fixed_in_validation(section: Section, store: SliceStore) -> None:
    task = training_task(with_training(section, stretch_frames=40), store.folder, 0, None)
    for data, several in ((task.train, True), (task.validation, False)):
        drawn = [data[0] for _ in range(12)]
        assert (len({tuple(one["f0"].tolist()) for one in drawn}) > 1) is several
        if several and store.content_speeds > 1:
            continue  # content is then heard at any of the speeds
        for one in drawn[:3]:
            heard = LocalContent().features(torch.nn.functional.pad(one["samples"], (0, 80)).numpy())
            torch.testing.assert_close(one["content"][:-1], heard[:-1], atol=0.15, rtol=0.05)


def test_a_voice_with_little_material_is_heard_as_often_as_any(store: SliceStore) -> None:
    speakers = tuple(store.speakers)
    rows = [row for row in store.rows if row.split == "train"]
    few = [row for row in rows if row.speaker_id == speakers[0]][:1]
    many = [row for row in rows if row.speaker_id == speakers[1]]
    uneven = [*few, *many]
    length = sum(row.features for row in many)
    assert _balanced(uneven, 0.0) == uneven
    evened = _balanced(uneven, 1.0)
    heard = sum(row.features for row in evened if row.speaker_id == speakers[0])
    assert heard == pytest.approx(length, rel=0.5)
    assert [row for row in evened if row.speaker_id == speakers[1]] == many
    half = sum(row.features for row in _balanced(uneven, 0.5) if row.speaker_id == speakers[0])
    assert sum(row.features for row in few) < half < heard


def test_a_slice_shorter_than_a_segment_is_filled_up(section: Section, store: SliceStore) -> None:
    longer = with_training(section, segment_samples=160 * 400, stretch_frames=400)
    task = training_task(longer, store.folder, 0, None)
    batch = batch_of(task)
    assert batch["f0"].shape[1] == 400
    losses = task.network(GENERATOR, batch, 0)
    assert all(math.isfinite(float(value.detach())) for value in losses.values())


def test_the_phases_share_the_parameters_out(section: Section, store: SliceStore) -> None:
    task = training_task(section, store.folder, 0, None)
    owned = [{id(p) for p in owned_parameters(task.network, phase)} for phase in task.phases]
    assert [phase.name for phase in task.phases] == [DISCRIMINATOR, GENERATOR]
    assert not owned[0] & owned[1]
    assert owned[0] | owned[1] == {id(p) for p in task.network.parameters()}


def test_a_step_of_a_phase_moves_its_own_modules_alone(section: Section, store: SliceStore) -> None:
    task = training_task(section, store.folder, 0, None)
    batch = batch_of(task)
    for number, own in enumerate(("discriminators.", "generator.")):
        before = {name: value.clone() for name, value in task.network.named_parameters()}
        one_step(task, number, batch)
        moved = {name for name, value in task.network.named_parameters() if not value.equal(before[name])}
        assert moved
        assert all(name.startswith(own) for name in moved)


def test_every_parameter_learns(section: Section, store: SliceStore) -> None:
    task = training_task(section, store.folder, 0, None)
    batch, network = batch_of(task), task.network
    for parameter in network.generator.parameters():
        parameter.data.add_(0.02 * torch.randn_like(parameter))  # the flow's last layers begin at 0
    for phase, own in ((DISCRIMINATOR, network.discriminators), (GENERATOR, network.generator)):
        network.zero_grad()
        network(phase, batch, 0)["total"].backward()
        silent = [
            name for name, value in own.named_parameters() if value.grad is None or not value.grad.any()
        ]
        assert silent == []
    network.zero_grad()
    network(DISCRIMINATOR, batch, 0)["total"].backward()
    assert all(value.grad is None for value in network.generator.parameters())


def test_a_batch_is_learned_by_heart(section: Section, store: SliceStore) -> None:
    task = training_task(with_training(section, learning_rate=4e-3), store.folder, 0, None)
    batch, history = batch_of(task), []
    optimisers = [phase.optimiser(owned_parameters(task.network, phase)) for phase in task.phases]
    for _ in range(40):
        one_step(task, 0, batch, optimisers[0])
        history.append(one_step(task, 1, batch, optimisers[1]))
    first, last = ({name: sum(one[name] for one in part) / 5 for name in part[0]} for part in
                   (history[:5], history[-5:]))  # fmt: skip
    # A decoder that ends in a mel begins with the recordings' mean, from where less is to be won.
    share = 0.85 if section.architecture.spectral_decoder else 0.6
    assert last["total"] < share * first["total"]
    assert last["mel"] < share * first["mel"]
    assert last["kl"] < first["kl"]


def test_out_of_training_nothing_is_random(section: Section, store: SliceStore) -> None:
    task = training_task(section, store.folder, 0, None)
    batch, network = batch_of(task), task.network.eval()
    with torch.no_grad():
        one, two = (network(GENERATOR, batch, 0) for _ in range(2))
    assert {name: float(value) for name, value in one.items()} == {
        name: float(value) for name, value in two.items()
    }


def test_validation_estimates_the_same_divergence(section: Section, store: SliceStore) -> None:
    task = training_task(section, store.folder, 0, None)
    batch, network = batch_of(task), task.network
    with torch.no_grad():
        validated = float(network.eval()(GENERATOR, batch, 0)["kl"])
        drawn = [float(network.train()(GENERATOR, batch, 0)["kl"]) for _ in range(5)]
    assert validated == pytest.approx(sum(drawn) / 5, abs=4 * (max(drawn) - min(drawn)))


def test_stopped_and_resumed_equals_uninterrupted(
    section: Section, store: SliceStore, delivered: Path, tmp_path: Path
) -> None:
    def run(stop_at: int | None) -> None:
        task = training_task(section, store.folder, 3, None)
        if stop_at is not None:
            task.network.register_forward_pre_hook(
                lambda module, inputs: (
                    os.kill(os.getpid(), signal.SIGTERM) if inputs[2] == stop_at and module.training else None
                )
            )
        train(task, tmp_path, CPU, Progress("test"), lambda points: None)

    with pytest.raises(StoppedError):
        run(4)
    run(None)
    final = f"checkpoints/step_{section.training.max_steps:08d}"
    whole = delivered.parent
    names = sorted(file.name for file in (whole / final).glob("*.safetensors"))
    assert {f"optimiser_{GENERATOR}.safetensors", f"optimiser_{DISCRIMINATOR}.safetensors"} <= set(names)
    for name in (*(f"{final}/{name}" for name in names), "delivered/model.safetensors"):
        assert (whole / name).read_bytes() == (tmp_path / name).read_bytes(), name


def test_bfloat16_loses_little(section: Section, store: SliceStore) -> None:
    task = training_task(section, store.folder, 0, None)
    batch, network = batch_of(task), task.network.eval()
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in network.parameters():  # a fresh decoder is silent, and the log of nothing is noise
            parameter.add_(0.1 * torch.randn_like(parameter))
        full = network(GENERATOR, batch, 0)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            half = network(GENERATOR, batch, 0)
    for name in ("adversarial", "features", "kl"):
        assert half[name].item() == pytest.approx(full[name].item(), rel=0.05, abs=0.02), name
    # An untrained network leaves bands empty; in them the mel hears the rounding and little else.
    assert half["mel"].item() < 1.05 * full["mel"].item()


def test_a_new_speaker_joins_a_delivered_network(
    section: Section, store: SliceStore, delivered: Path, tmp_path: Path
) -> None:
    corpora = [voices(tmp_path / "new", ("high", "low"), "n")]
    more = extracted(section, corpora, tmp_path / "store", LocalContent())
    task = training_task(section, more.folder, 9, delivered)
    known, table = DeliveredRvc.read(delivered), task.network.generator.speakers.weight
    theirs = known.weights["generator.speakers.weight"]
    assert known.card.speakers == ("low", "middle")
    torch.testing.assert_close(table[1], theirs[0])  # low: found by its name, not by its place
    torch.testing.assert_close(table[0], theirs[:2].mean(0))
    state = task.network.generator.prior.state_dict()
    for name, value in known.part(GENERATOR_PREFIX + "prior.").items():
        torch.testing.assert_close(state[name], value)
    judges = task.network.discriminators.state_dict()
    for name, value in known.part(DISCRIMINATORS_PREFIX).items():
        torch.testing.assert_close(judges[name], value)
    name = "first.weight" if section.architecture.spectral_decoder else "upsamplings.0.weight"
    plain = attrgetter(name)(task.network.generator.decoder)
    torch.testing.assert_close(plain, known.weights[f"generator.decoder.{name}"])


def test_a_warm_start_that_does_not_fit_is_refused(
    section: Section, store: SliceStore, delivered: Path, tmp_path: Path
) -> None:
    wider = section.model_copy(
        update={"architecture": section.architecture.model_copy(update={"prior_filter_channels": 24})}
    )
    with pytest.raises(ConfigError, match=r"prior\.blocks\.0\.narrow"):
        training_task(wider, store.folder, 0, delivered)
    other = LocalContent(sha256="f" * 64)
    strange = extracted(section, [voices(tmp_path / "c", ("low",))], tmp_path / "s", other)
    with pytest.raises(ConfigError, match="content encoder ffffffffffff"):
        training_task(section, strange.folder, 0, delivered)


def test_features_and_network_must_agree(section: Section, store: SliceStore) -> None:
    few = section.model_copy(
        update={"architecture": section.architecture.model_copy(update={"n_speakers": 1})}
    )
    with pytest.raises(ConfigError, match="n_speakers"):
        training_task(few, store.folder, 0, None)
    with pytest.raises(ConfigError, match=r"hop 320, 32000 Hz, content features of 768"):
        training_task(section_of(None), store.folder, 0, None)


def test_a_split_without_slices_is_refused(section: Section, tmp_path: Path) -> None:
    folder = voices(tmp_path / "c", ("low",))
    manifest = folder / "manifest.csv"
    manifest.write_text(manifest.read_text().replace(",validation,", ",test,"))
    store = extracted(section, [folder], tmp_path / "s", LocalContent())
    with pytest.raises(DataError, match="slices of split 'validation'"):
        training_task(section, store.folder, 0, None)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"upsample_rates": (10, 8, 2, 4)}, "multiply to 640"),
        ({"upsample_kernels": (20, 16, 4, 5)}, "cannot multiply the length by 2"),
        ({"upsample_kernels": (20, 16, 4)}, "4 upsample_rates but 3"),
        ({"upsample_initial_channels": 500}, "cannot be halved 4 times"),
        ({"f0_frame_period_ms": 5.0}, "is not the hop"),
        ({"inter_channels": 191}, "is odd"),
        ({"prior_heads": 5}, "no multiple of prior_heads"),
        ({"fmax_hz": 17000.0}, "above half"),
        ({"win_length": 2048}, "does not hold"),
    ],
)
def test_an_architecture_that_cannot_be_is_refused(
    paper: Section, changes: dict[str, object], told: str
) -> None:
    values = paper.architecture.model_dump() | changes
    with pytest.raises(ValidationError, match=told):
        Architecture.model_validate(values)


@pytest.mark.parametrize(
    ("part", "changes", "told"),
    [
        ("training", {"segment_samples": 12801}, "no multiple of"),
        ("training", {"stretch_frames": 39}, "shorter than a segment"),
        ("inference", {"chunk_s": 0.21}, "chunk_s is no multiple"),
        ("inference", {"crossfade_s": 0.2}, "must fit into lookahead_s"),
    ],
)
def test_a_recipe_that_cannot_be_is_refused(
    paper: Section, part: str, changes: dict[str, object], told: str
) -> None:
    values = paper.model_dump()
    values[part] |= changes
    with pytest.raises(ValidationError, match=told):
        Section.model_validate(values)


def test_the_rate_falls_with_every_pass(section: Section, store: SliceStore) -> None:
    task = training_task(with_training(section, lr_decay_per_epoch=0.5, batch_size=2), store.folder, 0, None)
    epoch = len(task.train) // 2
    rate = task.phases[0].schedule
    assert [rate(0), rate(epoch - 1), rate(epoch), rate(2 * epoch)] == [1.0, 1.0, 0.5, 0.25]
    assert all(phase.clip_norm is None for phase in task.phases)
    assert isinstance(task.network, nn.Module)


def test_training_hears_every_speed_and_validation_the_first(section: Section, store: SliceStore) -> None:
    task = training_task(section, store.folder, 0, None)
    for data, speeds in ((task.train, store.content_speeds), (task.validation, 1)):
        heard = {tuple(data._content(store.views(store.rows[0])["content"])[5].tolist()) for _ in range(24)}
        assert len(heard) == speeds
