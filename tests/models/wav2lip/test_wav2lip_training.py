"""Losses and phases, resumption to the bit, delivery and warm start."""

import os
import signal
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from components.core.errors import ConfigError, StoppedError
from components.core.progress import Progress
from components.delivery.consents import consents_of
from components.features.talking.store import TalkingStore
from components.models.wav2lip.dataset import FaceWindows, collate
from components.models.wav2lip.delivery import DeliveredWav2Lip
from components.models.wav2lip.loss import picture_loss
from components.models.wav2lip.network import mouth_box
from components.models.wav2lip.params import Section
from components.models.wav2lip.rendering import load_lip_sync
from components.models.wav2lip.task import training_task
from components.nn.contracts import TrainingTask
from components.training.loop import train

CPU = torch.device("cpu")


def with_training(section: Section, **changes: object) -> Section:
    return section.model_copy(update={"training": section.training.model_copy(update=changes)})


def task_of(section: Section, store: TalkingStore, syncnet: Path, warm: Path | None = None) -> TrainingTask:
    return training_task(section, store.folder, 0, warm, syncnet)


def run(task: TrainingTask, folder: Path, **changes: object) -> Mapping[str, Tensor]:
    """Weights after training."""
    from safetensors.torch import load_file

    changed = replace(task, recipe=replace(task.recipe, **changes))  # type: ignore[arg-type]
    result = train(changed, folder, CPU, Progress("test"), lambda points: None)
    return load_file(result.delivered / "model.safetensors")


def test_the_reference_is_never_the_target(section: Section, store: TalkingStore) -> None:
    far = section.training.model_copy(update={"reference_min_frames": 8})
    windows = FaceWindows(store, "train", far)
    for index in range(len(windows)):
        sample = windows[index]
        assert sample["target"].shape == (5, 3, 64, 64)
        assert sample["mel"].shape == (5, 80, 16)
        assert not torch.equal(sample["target"], sample["reference"])
        assert not torch.equal(sample["right"], sample["wrong"])
        # the window of its middle frame is the window of the five
        torch.testing.assert_close(sample["mel"][2], sample["right"])


def test_the_total_is_what_the_paper_adds_up(section: Section, store: TalkingStore, syncnet: Path) -> None:
    task = task_of(with_training(section, sync_loss_start_eval=1e-9), store, syncnet)
    network = task.network.eval()
    batch = collate([task.validation[0], task.validation[1]])
    w = section.training
    for joined in (0.0, 1.0):
        network.sync_joined.fill_(joined)
        losses = network("generator", batch, 0)
        s, d = w.sync_loss_weight * joined, w.adversarial_loss_weight
        wanted = (1 - s - d) * losses["l1"] + s * losses["sync"] + d * losses["adversarial"]
        torch.testing.assert_close(losses["total"], wanted)
    assert (w.sync_loss_weight, w.adversarial_loss_weight) == (0.03, 0.07)


def test_the_sync_loss_joins_once_its_mean_is_low_and_stays(
    section: Section, store: TalkingStore, syncnet: Path
) -> None:
    network = task_of(
        with_training(section, sync_loss_start_eval=0.75, sync_loss_memory_steps=2), store, syncnet
    ).network
    for value, mean, joined in ((2.0, 2.0, 0.0), (1.0, 1.5, 0.0), (float("nan"), 1.5, 0.0), (0.0, 0.75, 0.0),
                                (0.0, 0.375, 1.0), (3.0, 1.6875, 1.0)):  # fmt: skip
        network._watch(torch.tensor(value))
        assert float(network.sync_mean) == pytest.approx(mean)
        assert float(network.sync_joined) == joined


def test_phases_change_only_what_is_theirs(section: Section, store: TalkingStore, syncnet: Path) -> None:
    before = task_of(section, store, syncnet).network.state_dict()
    task = task_of(section, store, syncnet)
    assert [phase.name for phase in task.phases] == ["discriminator", "generator"]
    run(task, store.folder.parent / "frozen", max_steps=1)
    after = task.network.state_dict()
    changed = {name.split(".")[0] for name in before if not torch.equal(before[name], after[name])}
    assert {"generator", "judge"} <= changed
    assert "syncnet" not in changed
    three = task_of(with_training(section, finetune_syncnet=True), store, syncnet)
    assert [phase.name for phase in three.phases] == ["sync", "discriminator", "generator"]
    alone = task_of(with_training(section, adversarial_loss_weight=0.0), store, syncnet)
    assert [phase.name for phase in alone.phases] == ["generator"]
    kept = {name: value.clone() for name, value in alone.network.state_dict().items()}
    run(alone, store.folder.parent / "alone", max_steps=1)
    changed = [
        name for name, value in alone.network.state_dict().items() if not torch.equal(kept[name], value)
    ]
    assert changed
    assert not [name for name in changed if name.startswith(("judge", "syncnet"))]


def test_single_frames_of_other_clips_teach_the_picture_and_never_the_lips(
    section: Section, store: TalkingStore, syncnet: Path
) -> None:
    task = task_of(with_training(section, single_frames=2, adversarial_loss_weight=0.0), store, syncnet)
    assert task.train[0]["target"].shape == (7, 3, 64, 64)
    assert task.validation[0]["target"].shape == (5, 3, 64, 64)
    batch, network = dict(collate([task.train[0], task.train[1]])), task.network.eval()
    found = network("generator", batch, 0)
    singles = {**batch, "target": batch["target"].clone()}
    singles["target"][:, 5:, :, 40:] = 0.0
    other = network("generator", singles, 0)
    torch.testing.assert_close(other["sync"], found["sync"])
    assert float(other["l1"]) > float(found["l1"])


def test_syncnet_sees_made_windows_moved_in_training_only(
    section: Section, store: TalkingStore, syncnet: Path
) -> None:
    network = task_of(with_training(section, sync_shift_pixels=2), store, syncnet).network
    windows = torch.rand(2, 5, 3, 64, 64)
    assert network.eval()._shifted(windows) is windows
    network.train()
    torch.manual_seed(0)
    places = {(y, x): windows[..., y : 58 + y, x : 58 + x] for y in range(5) for x in range(5)}
    found = set()
    for _ in range(20):
        moved = network._shifted(windows)[..., 2:60, 2:60]
        found |= {place for place, wanted in places.items() if torch.equal(moved, wanted)}
    assert len(found) > 5


def test_the_mouth_may_weigh_more() -> None:
    made, target = torch.rand(2, 3, 64, 64), torch.rand(2, 3, 64, 64)
    torch.testing.assert_close(picture_loss(made, target, 1.0), (made - target).abs().mean())
    top, bottom, left, right = mouth_box(64)
    beside = target.clone()
    beside[..., top:bottom, left:right] = made[..., top:bottom, left:right]
    assert float(picture_loss(made, beside, 10.0)) < float(picture_loss(made, beside, 1.0))


def test_the_reference_is_near_where_that_is_asked(section: Section, store: TalkingStore) -> None:
    near = section.training.model_copy(update={"reference_min_frames": 5, "reference_max_frames": 6})
    windows = FaceWindows(store, "train", near)
    for index in range(len(windows)):
        sample, crops = windows[index], store.crops(windows._rows[index])
        stack = torch.from_numpy(crops.copy()).permute(0, 3, 1, 2)

        def place(window: Tensor, stack: Tensor = stack) -> int:
            return int(
                torch.stack([(stack[i : i + 5] != window).sum() for i in range(len(stack) - 4)]).argmin()
            )

        assert abs(place(sample["target"]) - place(sample["reference"])) in (5, 6)


def test_three_optimisers_resume_to_the_bit(
    section: Section, store: TalkingStore, syncnet: Path, tmp_path: Path
) -> None:
    tuned = with_training(section, finetune_syncnet=True, sync_loss_start_eval=50.0)
    whole = run(task_of(tuned, store, syncnet), tmp_path / "whole", max_steps=4, checkpoint_every_steps=2)

    task = task_of(tuned, store, syncnet)
    task.network.register_forward_pre_hook(
        lambda module, inputs: (
            os.kill(os.getpid(), signal.SIGTERM) if inputs[2] == 2 and module.training else None
        )
    )
    recipe = replace(task.recipe, max_steps=4, checkpoint_every_steps=2)
    with pytest.raises(StoppedError):
        train(replace(task, recipe=recipe), tmp_path / "two", CPU, Progress("test"), lambda points: None)
    again = task_of(tuned, store, syncnet)
    result = train(
        replace(again, recipe=replace(recipe)), tmp_path / "two", CPU, Progress("test"), lambda points: None
    )
    from safetensors.torch import load_file

    found = load_file(result.delivered / "model.safetensors")
    assert result.resumed_from >= 2
    assert set(found) == set(whole)
    for name, value in whole.items():
        assert torch.equal(found[name], value), name


def test_a_delivered_network_is_where_the_next_begins(
    section: Section, store: TalkingStore, syncnet: Path, tmp_path: Path
) -> None:
    first = task_of(section, store, syncnet)
    result = train(first, tmp_path / "run", CPU, Progress("test"), lambda points: None)
    delivered = DeliveredWav2Lip.read(result.delivered)
    assert delivered.card.hearing == store.hearing
    assert not any(name.startswith("syncnet") for name in delivered.weights)
    warm = task_of(section, store, syncnet, result.delivered).network.state_dict()
    for name, value in delivered.weights.items():
        torch.testing.assert_close(warm[name], value, atol=1e-3, rtol=1e-3)
    wide = section.architecture.model_copy(update={"audio_dim": 16})
    with pytest.raises(ConfigError, match="audio"):
        task_of(section.model_copy(update={"architecture": wide}), store, syncnet, result.delivered)


def with_tower(section: Section) -> Section:
    """It hears with SyncNet's tower."""
    architecture = section.architecture.model_copy(update={"audio_encoder": "syncnet"})
    return section.model_copy(update={"architecture": architecture})


def test_it_may_hear_with_the_tower_of_its_teacher(
    section: Section, store: TalkingStore, syncnet: Path, tmp_path: Path
) -> None:
    heard = with_tower(section)
    task = task_of(heard, store, syncnet)
    before = {name: value.clone() for name, value in task.network.generator.audio.state_dict().items()}
    run(task, tmp_path / "training", max_steps=1)
    for name, value in task.network.generator.audio.state_dict().items():
        torch.testing.assert_close(value, before[name])
    rendered = load_lip_sync(heard, tmp_path / "training" / "delivered", CPU)
    crops = np.zeros((2, 64, 64, 3), np.uint8)
    assert rendered.faces(crops, np.zeros(16000, np.int16), np.arange(2)).shape == crops.shape


def test_after_a_warm_start_it_hears_with_who_teaches_now(
    section: Section, store: TalkingStore, syncnet: Path, tmp_path: Path
) -> None:
    heard = with_tower(section)
    first = task_of(heard, store, syncnet)
    (tmp_path / "before").mkdir()
    with torch.no_grad():
        for value in first.network.generator.parameters():
            value.add_(0.5)  # another ear, and another picture
        first.deliver(dict(first.network.state_dict()), tmp_path / "before")
    voices = consents_of(tmp_path / "before")
    assert set(voices) == {row.speaker_id for row in store.rows if row.part != "test"}
    warm = task_of(heard, store, syncnet, tmp_path / "before").network
    for name, value in warm.generator.audio.syncnet.state_dict().items():
        torch.testing.assert_close(value, warm.syncnet.state_dict()[name])
    torch.testing.assert_close(
        warm.generator.end.bias, first.network.generator.end.bias, atol=1e-3, rtol=1e-3
    )
