"""Training: the same losses by cheaper ways, the loop taken up to the bit, alignment and pitch learned."""

from __future__ import annotations

import math
import os
import signal
from pathlib import Path

import pytest
import torch

from components.core.errors import DataError, StoppedError
from components.core.progress import Progress
from components.features.store import FeatureStore
from components.models.fastpitch.aligner import AlignmentLosses
from components.models.fastpitch.control import SymbolControls
from components.models.fastpitch.loss import alignment_losses
from components.models.fastpitch.network import FastPitch
from components.models.fastpitch.params import Section
from components.models.fastpitch.spec import SPEC
from components.models.fastpitch.symbol_table import SymbolTable
from components.nn.contracts import Batch, TrainingTask
from components.nn.masks import valid_positions
from components.training.history import read_points
from components.training.loop import train

CPU = torch.device("cpu")


def with_training(section: Section, **changes: object) -> Section:
    return section.model_copy(update={"training": section.training.model_copy(update=changes)})


def task_and_batch(section: Section, store: FeatureStore) -> tuple[TrainingTask, Batch]:
    task = SPEC.training_task(section, store.folder, 0, None)
    torch.manual_seed(1)
    for parameter in task.network.aligner.to_expected.parameters():
        torch.nn.init.normal_(parameter, std=0.05)  # off the prior's own path
    return task, task.collate([task.train[index] for index in range(8)])


def gradients(network: FastPitch, batch: Batch) -> tuple[dict[str, float], dict[str, torch.Tensor]]:
    torch.manual_seed(3)  # of the dropout
    losses = network.train()("generator", batch, 0)
    network.zero_grad()
    losses["total"].backward()
    found = {name: p.grad.clone() for name, p in network.named_parameters() if p.grad is not None}
    return {name: float(value.detach()) for name, value in losses.items()}, found


def test_gradient_checkpointing_changes_nothing_but_memory(section: Section, store: FeatureStore) -> None:
    assert section.architecture.dropout > 0
    task, batch = task_and_batch(section, store)
    losses, plain = gradients(task.network, batch)
    task.network.enable_gradient_checkpointing()
    again, checkpointed = gradients(task.network, batch)
    assert again == losses
    assert checkpointed.keys() == plain.keys()
    assert all(torch.equal(plain[name], checkpointed[name]) for name in plain)


def test_checkpointed_blocks_run_again_in_the_backward_pass(section: Section, store: FeatureStore) -> None:
    task, batch = task_and_batch(with_training(section, gradient_checkpointing=True), store)
    assert task.recipe.gradient_checkpointing
    task.network.enable_gradient_checkpointing()
    calls: list[int] = []
    task.network.decoder.blocks[0].register_forward_pre_hook(lambda *_: calls.append(1))
    gradients(task.network, batch)
    assert len(calls) == 2


def test_bfloat16_loses_little(section: Section, store: FeatureStore) -> None:
    task, batch = task_and_batch(section, store)
    network = task.network.eval()
    with torch.no_grad():
        full = network("generator", batch, 0)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            half = network("generator", batch, 0)
    for name in ("forward_sum", "binarisation", "alignment_fit", "alignment_mae_ms"):
        assert torch.equal(half[name], full[name]), "the aligner stays in full precision"
    for name, value in full.items():
        assert half[name].item() == pytest.approx(value.item(), rel=0.02, abs=0.01), name


def test_every_parameter_learns(section: Section, store: FeatureStore) -> None:
    task, batch = task_and_batch(section, store)
    _, found = gradients(task.network, batch)
    silent = {
        name
        for name, parameter in task.network.named_parameters()
        if name not in found or not found[name].any()
    }
    assert silent == set()


def test_stopped_and_resumed_equals_uninterrupted(
    section: Section, store: FeatureStore, tmp_path: Path
) -> None:
    def run(folder: Path, stop_at: int | None) -> None:
        task = SPEC.training_task(section, store.folder, 5, None)
        if stop_at is not None:
            task.network.register_forward_pre_hook(
                lambda module, inputs: (
                    os.kill(os.getpid(), signal.SIGTERM) if inputs[2] == stop_at and module.training else None
                )
            )
        train(task, folder, CPU, Progress("test"), lambda points: None)

    run(tmp_path / "whole", None)
    with pytest.raises(StoppedError):
        run(tmp_path / "parts", 3)
    run(tmp_path / "parts", None)
    final = f"checkpoints/step_{section.training.max_steps:08d}"
    names = [file.name for file in (tmp_path / "whole" / final).glob("*.safetensors")]
    assert names
    for name in (*(f"{final}/{name}" for name in names), "delivered/model.safetensors"):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "parts" / name).read_bytes(), name
    curves = [
        [(p.key, p.step, p.value) for p in read_points(tmp_path / name / "points.jsonl")]
        for name in ("whole", "parts")
    ]
    assert curves[0] == curves[1]
    assert any("alignment_mae_ms" in key for key, _, _ in curves[0])


@pytest.mark.parametrize(("step", "share"), [(0, 0.0), (9, 0.0), (10, 0.0), (15, 0.25), (30, 1.0), (99, 1.0)])
def test_binarisation_warms_up(section: Section, step: int, share: float) -> None:
    recipe = with_training(
        section,
        aligner_binarisation_start_step=10,
        aligner_binarisation_warmup_steps=20,
        aligner_binarisation_weight=0.5,
        aligner_loss_weight=1.0,
        aligner_fit_weight=3.0,
    ).training
    one, two, three = (torch.tensor(value) for value in (1.0, 2.0, 3.0))
    losses = alignment_losses(AlignmentLosses(one, two, three), step, recipe)
    assert losses["weighted"].item() == pytest.approx(1.0 + 0.5 * share * 2.0 + 3.0 * 3.0)


def test_durations_are_learned_without_being_told(learned: tuple[TrainingTask, list[object]]) -> None:
    task, _ = learned
    batch = dict(task.collate([task.train[index] for index in range(len(task.train))]))
    network = task.network.eval()
    with torch.no_grad():
        frame_ms, found = network.frame_ms, network("generator", batch, 0)
        assert found["alignment_mae_ms"].item() < 0.1 * frame_ms
        assert found["alignment_boundary_ms"].item() < 0.1 * frame_ms
        batch["true_durations"] = torch.full_like(batch["true_durations"], -1)
        untold = network("generator", batch, 0)
    assert "alignment_mae_ms" not in untold
    assert untold["total"] == found["total"], "true durations are compared with, never learned from"


def test_given_recordings_are_aligned(learned: tuple[TrainingTask, list[object]]) -> None:
    task, _ = learned
    batch = task.collate([task.train[0], task.train[9]])
    found = task.network.eval().align(
        batch["ids"], batch["speakers"], batch["languages"], batch["mel"], batch["frames"]
    )
    assert torch.equal(found, batch["true_durations"])


def test_a_speaker_swap_moves_f0_by_the_speakers_difference(
    learned: tuple[TrainingTask, list[object]], store: FeatureStore
) -> None:
    network = learned[0].network.eval()
    ids = torch.tensor([SymbolTable.current().ids(("a1", "a3", "a4", "a2", "_"))])
    logs = []
    for number, name in enumerate(("a", "b")):
        said = network.speak(
            ids, torch.tensor([number]), torch.zeros(1, dtype=torch.long), SymbolControls.unchanged(ids), 75
        )
        voiced, statistics = said.voicing[0] > 0, store.speakers[name]
        logs.append((said.contour[0][voiced] * statistics.std + statistics.mean).mean().item())
        assert 0.5 < voiced.float().mean().item() < 1.0, "the pause is unvoiced"
    # The made-up speaker b is 0.7 higher in ln f0: exactly twice the frequency.
    assert logs[1] - logs[0] == pytest.approx(math.log(2.0), abs=0.08)


def test_the_aligner_does_not_see_padding(network: FastPitch, store: FeatureStore) -> None:
    torch.nn.init.normal_(network.aligner.to_expected.weight, std=0.1)
    torch.manual_seed(1)
    symbols, mel, condition = torch.randn(1, 5, 32), torch.randn(1, 17, 80), torch.randn(1, 256)
    real = valid_positions(torch.tensor([5]), 5), valid_positions(torch.tensor([17]), 17)
    alone = network.aligner(symbols, real[0], condition, mel, real[1])
    padded = network.aligner(
        torch.cat([symbols, torch.randn(1, 4, 32)], 1), valid_positions(torch.tensor([5]), 9), condition,
        torch.cat([mel, torch.randn(1, 6, 80)], 1), valid_positions(torch.tensor([17]), 23),
    )  # fmt: skip
    assert torch.equal(padded.durations[:, :5], alone.durations)
    torch.testing.assert_close(padded.log_probs[:, :17, :5], alone.log_probs)


def test_dropped_phonemes_do_not_move_the_alignment(section: Section, store: FeatureStore) -> None:
    task, batch = task_and_batch(with_training(section, phoneme_dropout=0.9), store)
    kept, _ = task_and_batch(with_training(section, phoneme_dropout=0.0), store)
    losses = [gradients(one.network, batch)[0] for one in (task, kept)]
    assert losses[0]["mel"] != losses[1]["mel"]
    for name in ("forward_sum", "binarisation", "alignment_fit"):
        assert losses[0][name] == losses[1][name]


def test_more_symbols_than_frames_stop_a_training_before_it_begins(
    section: Section, store: FeatureStore, tmp_path: Path, write_store_of
) -> None:
    with pytest.raises(DataError, match=r"expected 1 to \d+ symbols"):
        SPEC.training_task(section, write_store_of(tmp_path / "s", ("a",), hurried=True).folder, 0, None)
