"""SyncNet: towers, loss, pairs, the plateau alarm, scores of clips, and the way through training."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from talking_corpus import talking_store, write_corpus

from components import catalogue
from components.auxiliaries.syncnet.dataset import SyncWindows, collate
from components.auxiliaries.syncnet.distances import sync_score
from components.auxiliaries.syncnet.loading import load, require_same_hearing
from components.auxiliaries.syncnet.network import LN2, ClipPairs, SyncLearner, SyncNet, pair_loss
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


def test_windows_are_of_one_clip_with_their_own_sounds(store: TalkingStore, section: Section) -> None:
    drawn = SyncWindows(store, "train", section.training.model_copy(update={"windows_per_clip": 9}))
    hearing = store.hearing
    for index in range(len(drawn)):
        sample, row = drawn[index], drawn._rows[index]
        starts = sample["starts"].tolist()
        assert starts == sorted(set(starts))
        for crops, mel, start in zip(sample["crops"], sample["mel"], starts, strict=True):
            real = store.crops(row)[start : start + 5].transpose(0, 3, 1, 2)
            np.testing.assert_array_equal(crops.numpy(), real)
            np.testing.assert_array_equal(
                mel.numpy(), heard_at(store.mel(row), hearing.start(start), hearing)
            )


def test_held_out_windows_are_the_same_each_time_and_cover_the_clip(
    store: TalkingStore, section: Section
) -> None:
    windows = SyncWindows(store, "validation", section.training)
    for name, value in windows[0].items():
        torch.testing.assert_close(windows[0][name], value)
    assert windows[0]["starts"].tolist()[-1] == windows._rows[0].frames - 5
    for changes in ({"min_shift_frames": 400}, {"windows_per_clip": 400}):
        with pytest.raises(DataError, match="none so long"):
            SyncWindows(store, "train", section.training.model_copy(update=changes))


def test_pairs_of_a_clip_are_right_wrong_or_neither() -> None:
    """Against sums written out: near pairs count for nothing, near sounds cannot be chosen."""
    draw = torch.Generator().manual_seed(4)
    seen, heard = (F.normalize(torch.rand(2, 3, 8, generator=draw), dim=-1) for _ in range(2))
    starts = torch.tensor([[0, 1, 7], [3, 9, 15]])
    pairs = ClipPairs.of(seen, heard, starts, 2)
    right, wrong, chosen, better = [], [], [], []
    for clip in range(2):
        cosine = seen[clip] @ heard[clip].T
        far = [[abs(int(a - b)) >= 2 for b in starts[clip]] for a in starts[clip]]
        for i in range(3):
            right.append(-math.log(float(cosine[i, i])))
            others = [j for j in range(3) if far[i][j]]
            wrong += [-math.log(1 - float(cosine[i, j])) for j in others]
            better += [float(cosine[i, j] < cosine[i, i]) for j in others]
            for row in (cosine[i], cosine[:, i]):
                chosen.append(float(torch.logsumexp(5 * row[[i, *others]], 0) - 5 * row[i]))
    assert float(pairs.loss()) == pytest.approx(0.5 * (np.mean(right) + np.mean(wrong)), abs=1e-5)
    assert float(pairs.choice(5.0)) == pytest.approx(float(np.mean(chosen)), abs=1e-5)
    assert float(pairs.accuracy()) == pytest.approx(float(np.mean(better)))


def test_a_batch_can_be_learned_by_heart(store: TalkingStore, section: Section) -> None:
    """At some step: with two clips the choice among sounds drives the pairs' loss up again afterwards."""
    torch.manual_seed(0)
    learner = SyncLearner(SyncNet(section.architecture), section.training, ())
    windows = SyncWindows(store, "validation", section.training)
    batch = collate([windows[0], windows[1]])
    optimiser = torch.optim.Adam(learner.parameters(), 1e-3)
    told = []
    for step in range(60):
        losses = learner("sync", batch, step)
        told.append((float(losses["pairs"]), float(losses["accuracy"])))
        if told[-1][0] < 0.35 < LN2 and told[-1][1] > 0.9:  # a clip says a sound more than once
            return
        optimiser.zero_grad()
        losses["total"].backward()
        optimiser.step()
    pytest.fail(f"pairs' loss and accuracy by step: {told[::5]}")


def test_a_plateau_at_ln_2_stops_with_the_statistics_of_the_data(network: SyncNet, section: Section) -> None:
    plateau = section.training.plateau.model_copy(
        update={"after_steps": 5, "margin": 0.02, "memory_steps": 2}
    )
    recipe = section.training.model_copy(update={"plateau": plateau})
    learner = SyncLearner(network, recipe, ("3 speakers", "sound +4 frames late")).train()
    crops, mel = inputs(section, 1)
    same = {  # nothing tells right from wrong
        "crops": crops[None].repeat(2, 3, 1, 1, 1, 1),
        "mel": mel[None].repeat(2, 3, 1, 1),
        "starts": torch.tensor([[0, 9, 18]] * 2),
    }
    for step in range(5):
        learner("sync", same, step)
    with pytest.raises(SyncPlateauError, match=r"guesses \(ln 2 = 0\.6931\)") as caught:
        learner("sync", same, 5)
    assert caught.value.details == ("3 speakers", "sound +4 frames late")
    learner.eval()("sync", same, 5)  # held-out losses do not count
    learning = SyncLearner(network, recipe, ()).train()
    learning.averaged.fill_(0.3)
    learning._watch(torch.tensor(0.3), 100)


def test_sound_of_something_else_stops_after_a_few_steps_and_says_why(
    section: Section, tmp_path: Path
) -> None:
    corpus = write_corpus(tmp_path / "corpus", clips=18, foreign=True)
    store, _ = talking_store(corpus, tmp_path / "store")
    longer = {"max_steps": 60, "checkpoint_every_steps": 30, "validate_every_steps": 30}
    assert section.training.plateau.after_steps < longer["max_steps"]
    recipe = section.training.model_copy(update=longer)
    alarmed = section.model_copy(update={"training": recipe})
    task = catalogue.auxiliary_spec("syncnet").training_task(alarmed, store.folder, 0, None)
    with pytest.raises(SyncPlateauError) as caught:
        train(task, tmp_path / "training", CPU, Progress("test"), lambda points: None)
    clips, faces, offset, histogram = caught.value.details
    assert clips == "18 clips, 2 speakers, 0.6 minutes"
    assert faces.startswith("frames with a face 100.0%")
    assert "no clear maximum" in offset
    assert histogram.startswith("clips at each offset, frames: -")


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
