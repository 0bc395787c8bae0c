"""Preparation, both iterations, delivery and measurement through the real loop, tiny."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from extractions import extraction

from components import catalogue
from components.auxiliaries.content import clusters
from components.auxiliaries.content.clips import NO_SYMBOL, ClipStore
from components.auxiliaries.content.contract import Choice
from components.auxiliaries.content.dataset import MaskedSpeech, collate, resampled
from components.auxiliaries.content.encoder import load
from components.auxiliaries.content.network import NO_TARGET, MaskedPrediction
from components.auxiliaries.content.params import Section
from components.auxiliaries.content.spec import SPEC
from components.auxiliaries.content.targets import CLIPS, folder_of, read_targets
from components.core.errors import ConfigError, CorruptFileError, DataError
from components.core.progress import Progress
from components.nn.contracts import IteratedSpec
from components.training.loop import train

CPU = torch.device("cpu")
QUIET = Progress("test")


@dataclasses.dataclass(frozen=True)
class Pretrained:
    """What the two iterations left."""

    features: Path
    first: Path
    second: Path
    figures: Mapping[str, float]


@pytest.fixture(scope="module")
def pretrained(section: Section, prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Pretrained:
    folder = tmp_path_factory.mktemp("run")
    one = train(SPEC.training_task(section, prepared, 0, None), folder / "1", CPU, QUIET, lambda points: None)
    following = SPEC.next_features(section, one.delivered, prepared, 1, 0, CPU, QUIET)
    assert following is not None
    features, warm_start = following
    task = SPEC.training_task(section, features, 0, warm_start)
    two = train(task, folder / "2", CPU, QUIET, lambda points: None)
    assert (one.steps, two.steps) == (4, 4), "each iteration has its share of max_steps"
    assert SPEC.next_features(section, two.delivered, prepared, 2, 0, CPU, QUIET) is None
    figures = SPEC.measure(section, two.delivered, features, CPU, QUIET)
    return Pretrained(features, one.delivered, two.delivered, figures)


def test_it_is_a_network_of_several_iterations() -> None:
    assert isinstance(SPEC, IteratedSpec)
    assert not isinstance(catalogue.auxiliary_spec("vocoder"), IteratedSpec)


def test_preparation_takes_models_and_people_and_counts_what_it_leaves(
    section: Section, corpus: Path, prepared: Path, tmp_path: Path
) -> None:
    store = ClipStore(prepared / CLIPS)
    assert {row.speaker for row in store.rows} == {"one", "two", "person"}
    again = SPEC.prepare(section, extraction([corpus], prepared))
    assert (again.rows, again.accepted, again.reused) == (18, 17, 17)
    assert "silence" in again.rejected["silent"]
    for row in store.rows:
        assert row.frames == (row.samples - 400) // 320 + 1
        assert np.isfinite(store.cepstra(row)).all()
        assert store.cepstra(row).shape == (row.frames, 39)
    with pytest.raises(DataError, match="usable recording"):
        SPEC.prepare(section, extraction([], tmp_path / "c"))


def test_symbols_sound_where_the_timings_say(prepared: Path) -> None:
    store = ClipStore(prepared / CLIPS)
    row = next(row for row in store.rows if row.clip_id == "one_0")
    names = store.summary["symbols"]
    told = [names[number] if number != NO_SYMBOL else "" for number in store.symbols(row)]
    order = list(dict.fromkeys(told))
    assert order[:5] == ["a", "n", "", "ʌ", "s"], "a pause is no symbol"
    person = next(row for row in store.rows if row.speaker == "person")
    assert (store.symbols(person) == NO_SYMBOL).all()


def test_a_fifth_of_the_frames_has_each_symbol(prepared: Path) -> None:
    store = ClipStore(prepared / CLIPS)
    row = next(row for row in store.rows if row.clip_id == "one_0")
    shares = np.unique_counts(store.symbols(row)).counts / row.frames
    assert shares == pytest.approx([0.2] * 5, abs=0.03)


def test_iterations_have_their_own_clusters(section: Section, prepared: Path, pretrained: Pretrained) -> None:
    first, second = read_targets(prepared), read_targets(pretrained.features)
    assert (first.iteration, first.clusters) == (1, 12)
    assert (second.iteration, second.clusters) == (2, 16)
    assert first.sha256 != second.sha256
    assert len(np.unique(first.labels)) > 6
    assert int(second.labels.max()) < 16


def test_the_second_iteration_begins_from_the_first_only_where_asked(
    section: Section, prepared: Path, pretrained: Pretrained
) -> None:
    again = SPEC.next_features(section, pretrained.first, prepared, 1, 0, CPU, QUIET)
    assert again == (folder_of(prepared, 2), None), "the ci profile starts anew, as the paper does"
    values = section.model_dump()
    values["training"]["continue_weights"] = True
    goes_on = Section.model_validate(values)
    found = SPEC.next_features(goes_on, pretrained.first, prepared, 1, 0, CPU, QUIET)
    assert found is not None
    assert found[1] == pretrained.first
    network = SPEC.training_task(goes_on, found[0], 0, found[1]).network
    assert isinstance(network, MaskedPrediction)
    assert len(network.codewords) == 16, "codewords of other clusters are not taken over"


def test_targets_of_the_same_origin_are_kept_and_of_another_made_anew(
    section: Section, prepared: Path, pretrained: Pretrained
) -> None:
    made = (pretrained.features / "labels.npy").stat().st_mtime_ns
    SPEC.next_features(section, pretrained.first, prepared, 1, 0, CPU, QUIET)
    assert (pretrained.features / "labels.npy").stat().st_mtime_ns == made
    with pytest.raises(CorruptFileError, match="targets"):
        read_targets(prepared / "targets-7")


def test_a_checkpoint_of_other_targets_is_not_resumed(
    section: Section, prepared: Path, pretrained: Pretrained, tmp_path: Path
) -> None:
    task = SPEC.training_task(section, prepared, 0, None)
    short = dataclasses.replace(task, recipe=dataclasses.replace(task.recipe, max_steps=1))
    train(short, tmp_path, CPU, QUIET, lambda points: None)
    other = SPEC.training_task(section, pretrained.features, 0, None)
    with pytest.raises(ConfigError):
        train(other, tmp_path, CPU, QUIET, lambda points: None)


def test_figures_are_shares_and_counted(pretrained: Pretrained) -> None:
    figures = dict(pretrained.figures)
    assert figures.pop("n_probe") == 4
    assert figures.pop("n_frames") > 100
    assert figures.pop("n_masked") > 100
    assert figures["speaker_chance"] == 0.5
    assert {"pnmi_layer_2", "pnmi_untrained_layer_1", "pnmi_mfcc", "speaker_mean_mel"} <= set(figures)
    cosines = {name: figures.pop(name) for name in ("chunked_cosine_mean", "chunked_cosine_min")}
    assert all(0.0 <= value <= 1.0 for value in figures.values())
    assert 0.9 < cosines["chunked_cosine_mean"] <= 1.0 + 1e-6


def test_what_is_delivered_is_loaded(section: Section, pretrained: Pretrained) -> None:
    encoder = load(pretrained.second, Choice("HuBERT", "pretrained/content", 2, 24), CPU)
    assert encoder.features(np.full(16000, 0.1, np.float32)).shape == (49, 24)


def test_samples_are_stretches_with_their_own_targets(section: Section, prepared: Path) -> None:
    targets = read_targets(prepared)
    train_set = MaskedSpeech(targets, "train", section.architecture, section.training)
    assert len(train_set) == 11 == len(train_set.lengths)
    batch = collate([train_set[place] for place in range(4)])
    frames = (batch["heard"].sum(dim=1) - 400) // 320 + 1
    assert torch.equal((batch["targets"] != NO_TARGET).sum(dim=1), frames)
    assert not (batch["mask"] & (batch["targets"] == NO_TARGET)).any()
    held_out = MaskedSpeech(targets, "validation", section.architecture, section.training)
    assert torch.equal(held_out[0]["mask"], held_out[0]["mask"]), "the same mask each time"
    with pytest.raises(DataError, match="nobody"):
        MaskedSpeech(targets, "nobody", section.architecture, section.training)  # type: ignore[arg-type]


def test_people_count_as_often_as_told(section: Section, prepared: Path) -> None:
    training = section.training.model_copy(update={"recorded_repeats": 5})
    assert len(MaskedSpeech(read_targets(prepared), "train", section.architecture, training)) == 15


@pytest.mark.parametrize("speed", [0.8, 1.25])
def test_another_speed_keeps_the_target_of_the_moment(section: Section, speed: float) -> None:
    frames = 101
    samples = np.zeros((frames - 1) * 320 + 400, np.float32)
    samples[200 + 50 * 320] = 1.0  # the middle of frame 50
    played, labels = resampled(samples, np.arange(frames, dtype=np.int16), speed, section.architecture)
    assert len(labels) == (len(played) - 400) // 320 + 1
    heard_in = (int(np.argmax(np.abs(played))) - 200) / 320
    assert labels[round(heard_in)] == pytest.approx(50, abs=1)
    assert len(played) == pytest.approx(len(samples) / speed, abs=2)


def test_it_learns_to_tell_hidden_frames(section: Section, prepared: Path) -> None:
    torch.manual_seed(0)
    task = SPEC.training_task(section, prepared, 0, None)
    batch = task.collate([task.train[place] for place in range(4)])
    network = task.network.train()
    optimiser = torch.optim.Adam(network.parameters(), lr=3e-3)
    losses = []
    for step in range(40):
        loss = network("hubert", batch, step)["masked"]
        total = network("hubert", batch, step)["total"]
        optimiser.zero_grad()
        total.backward()
        optimiser.step()
        losses.append(float(loss))
    assert losses[-1] < 0.8 * losses[0]


def test_clusters_are_found_again() -> None:
    centres = np.array([[0.0, 0.0], [9.0, 0.0], [0.0, 9.0]], np.float32)
    noise = np.random.default_rng(0).standard_normal((300, 2)).astype(np.float32)
    vectors = np.repeat(centres, 100, axis=0) + 0.3 * noise
    told = clusters.nearest(vectors, clusters.fit(vectors, 3, seed=0))
    agreed = clusters.agreement(told, np.repeat([0, 1, 2], 100))
    assert (agreed.phone_purity, agreed.cluster_purity) == (1.0, 1.0)
    assert agreed.pnmi == pytest.approx(1.0)
    with pytest.raises(DataError, match="12 frames"):
        clusters.fit(vectors[:3], 12, seed=0)


def test_clusters_that_know_nothing_agree_with_nothing() -> None:
    draw = np.random.default_rng(0)
    agreed = clusters.agreement(draw.integers(0, 5, 20000), draw.integers(0, 4, 20000))
    assert agreed.pnmi < 0.01
    assert agreed.phone_purity < 0.3
