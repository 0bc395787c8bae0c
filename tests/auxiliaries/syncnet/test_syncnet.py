"""SyncNet: towers, loss, pairs, the plateau alarm, scores of clips, and the way through training."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from components import catalogue
from components.auxiliaries.syncnet.dataset import SyncPairs, collate
from components.auxiliaries.syncnet.distances import sync_score
from components.auxiliaries.syncnet.loading import load, require_same_hearing
from components.auxiliaries.syncnet.network import LN2, SyncLearner, SyncNet, pair_loss
from components.auxiliaries.syncnet.params import Section
from components.core.errors import ConfigError, DataError, NothingScoredError, SyncPlateauError
from components.core.progress import Progress
from components.features.lip_mel import heard_at
from components.features.talking.store import TalkingStore
from components.training.loop import train

CPU = torch.device("cpu")


def inputs(section: Section, count: int) -> tuple[torch.Tensor, torch.Tensor]:
    size = section.architecture.image_size
    return torch.rand(count, 5, 3, size, size), torch.randn(count, 80, 16).clamp(-4, 4)


def test_embeddings_are_of_length_one_not_negative_and_of_their_window_alone(
    section: Section, network: SyncNet
) -> None:
    crops, mel = inputs(section, 3)
    seen, heard = network.see(crops), network.hear(mel)
    for made in (seen, heard):
        assert made.shape == (3, section.architecture.embedding_dim)
        torch.testing.assert_close(made.norm(dim=-1), torch.ones(3))
        assert bool((made >= 0).all())
    torch.testing.assert_close(network.see(crops[1:2]), seen[1:2])


def test_the_upper_half_is_not_looked_at_and_the_lower_is(section: Section, network: SyncNet) -> None:
    crops, _ = inputs(section, 1)
    half = section.architecture.image_size // 2
    above, below = crops.clone(), crops.clone()
    above[..., :half, :], below[..., half:, :] = 0.3, 0.3
    torch.testing.assert_close(network.see(above), network.see(crops))
    assert not torch.allclose(network.see(below), network.see(crops))


@pytest.mark.parametrize("size", [96, 192, 256])
def test_the_published_size_is_built_for_any_image_size(size: int) -> None:
    section = catalogue.load(Path(__file__).resolve().parents[3], None).auxiliaries["syncnet"]
    assert isinstance(section, Section)
    channels = section.architecture.face_channels[: 6 if size == 96 else 7]
    changed = section.architecture.model_copy(update={"image_size": size, "face_channels": channels})
    with torch.device("meta"):
        network = SyncNet(changed)
        made = network.see(torch.empty(2, 5, 3, size, size)), network.hear(torch.empty(2, 80, 16))
    assert [one.shape for one in made] == [(2, 512), (2, 512)]


def test_the_loss_is_the_cross_entropy_of_the_cosine_in_float32() -> None:
    draw = torch.Generator().manual_seed(1)
    a = F.normalize(torch.rand(8, 16, generator=draw), dim=-1)
    b = F.normalize(torch.rand(8, 16, generator=draw), dim=-1)
    cosine = (a * b).sum(-1)
    for together in (True, False):
        wanted = F.binary_cross_entropy(cosine, torch.full((8,), float(together)), reduction="none")
        torch.testing.assert_close(pair_loss(a, b, together), wanted, atol=1e-4, rtol=1e-4)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = pair_loss(a.bfloat16(), b.bfloat16(), True)
    assert inside.dtype == torch.float32
    for same in (a, torch.zeros_like(a)):
        assert bool(torch.isfinite(pair_loss(same, a, True)).all())
        assert bool(torch.isfinite(pair_loss(same, a, False)).all())


def test_pairs_are_of_one_clip_and_a_wrong_one_is_far_enough(store: TalkingStore, section: Section) -> None:
    far = section.training.model_copy(update={"min_shift_frames": 6, "near_frames": 8, "windows_per_clip": 9})
    pairs = SyncPairs(store, "train", far)
    hearing = store.hearing
    for index in range(len(pairs)):
        sample = pairs[index]
        row = pairs._rows[index]
        sounds = [heard_at(store.mel(row), hearing.start(s), hearing) for s in range(row.frames - 4)]

        def at(window: torch.Tensor, sounds: list[np.ndarray] = sounds) -> int:
            return int(np.argmin([np.abs(window.numpy() - one).sum() for one in sounds]))

        for crops, right, wrong in zip(sample["crops"], sample["right"], sample["wrong"], strict=True):
            start = at(right)
            real = store.crops(row)[start : start + 5].transpose(0, 3, 1, 2)
            np.testing.assert_array_equal(crops.numpy(), real)
            assert abs(at(wrong) - start) >= 5  # two tones may sound alike a frame further on


def test_held_out_pairs_are_the_same_each_time_and_cover_the_clip(
    store: TalkingStore, section: Section
) -> None:
    pairs = SyncPairs(store, "validation", section.training)
    for name, value in pairs[0].items():
        torch.testing.assert_close(pairs[0][name], value)
    with pytest.raises(DataError, match="none so long"):
        SyncPairs(store, "train", section.training.model_copy(update={"min_shift_frames": 400}))


def test_a_batch_can_be_learned_by_heart(store: TalkingStore, section: Section) -> None:
    torch.manual_seed(0)
    learner = SyncLearner(SyncNet(section.architecture), section.training.plateau, ())
    pairs = SyncPairs(store, "validation", section.training)
    batch = collate([pairs[0], pairs[1]])
    optimiser = torch.optim.Adam(learner.parameters(), 5e-3)
    for step in range(60):
        losses = learner("sync", batch, step)
        optimiser.zero_grad()
        losses["total"].backward()
        optimiser.step()
    assert float(losses["total"]) < 0.35 < LN2
    assert float(losses["accuracy"]) == 1.0


def test_a_plateau_at_ln_2_stops_with_the_statistics_of_the_data(network: SyncNet, section: Section) -> None:
    plateau = section.training.plateau.model_copy(
        update={"after_steps": 5, "margin": 0.02, "memory_steps": 2}
    )
    learner = SyncLearner(network, plateau, ("3 speakers", "sound +4 frames late")).train()
    crops, mel = inputs(section, 2)
    same = {"crops": crops, "right": mel, "wrong": mel}  # nothing tells right from wrong
    for step in range(5):
        learner("sync", same, step)
    with pytest.raises(SyncPlateauError, match=r"guesses \(ln 2 = 0\.6931\)") as caught:
        learner("sync", same, 5)
    assert caught.value.details == ("3 speakers", "sound +4 frames late")
    learner.eval()("sync", same, 5)  # held-out losses do not count
    learning = SyncLearner(network, plateau, ()).train()
    learning.averaged.fill_(0.3)
    learning._watch(torch.tensor(0.3), 100)


def test_scores_find_a_shift_and_are_low_for_nothing_in_common() -> None:
    draw = torch.Generator().manual_seed(2)
    heard = F.normalize(torch.rand(80, 32, generator=draw), dim=-1)
    for shift in (0, 4, -6):
        seen = torch.roll(heard, -shift, 0)
        score = sync_score(seen, heard, 15, "clip")
        assert score.offset == shift
        assert score.lse_d == pytest.approx(0.0, abs=1e-6)
        assert score.lse_c > 0.3
    other = F.normalize(torch.rand(80, 32, generator=draw), dim=-1)
    assert sync_score(other, heard, 15, "clip").lse_c < 0.05
    with pytest.raises(NothingScoredError):
        sync_score(heard[:2], heard[:2], 15, "clip")


@pytest.mark.parametrize("name", ["syncnet", "sync_judge"])
def test_both_roles_train_are_delivered_and_measured(
    name: str, section: Section, store: TalkingStore, tmp_path: Path
) -> None:
    spec = catalogue.auxiliary_spec(name)
    task = spec.training_task(section, store.folder, 0, None)
    result = train(task, tmp_path / name, CPU, Progress("test"), lambda points: None)
    assert result.steps == section.training.max_steps
    figures = spec.measure(section, result.delivered, store.folder, CPU, Progress("test"))
    assert figures["n_clips"] == len(store.of_part("test"))
    assert all(math.isfinite(value) for value in figures.values())
    again = spec.training_task(section, store.folder, 1, result.delivered)
    for key, value in load(result.delivered, name, CPU).network.state_dict().items():
        torch.testing.assert_close(again.network.network.state_dict()[key], value)
    with pytest.raises(DataError):
        load(result.delivered, "other", CPU)


def test_another_hearing_or_size_is_refused(section: Section, store: TalkingStore, tmp_path: Path) -> None:
    spec = catalogue.auxiliary_spec("syncnet")
    task = spec.training_task(section, store.folder, 0, None)
    task.deliver(task.network.state_dict(), tmp_path)
    loaded = load(tmp_path, "syncnet", CPU)
    require_same_hearing(loaded, store.hearing, 64, "test")
    with pytest.raises(ConfigError, match="96 pixels"):
        require_same_hearing(loaded, store.hearing, 96, "test")
    wrong = section.model_copy(
        update={"architecture": section.architecture.model_copy(update={"image_size": 96})}
    )
    with pytest.raises(ConfigError, match="96 pixels"):
        spec.training_task(wrong, store.folder, 0, None)
