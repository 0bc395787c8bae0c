"""Preparation, training, delivery and measurement of the codec through the real loop, tiny."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
from by_heart import learned
from extractions import extraction
from pydantic import ValidationError
from tiny_codec import CPU

from components import catalogue
from components.auxiliaries.codec.clips import ClipStore
from components.auxiliaries.codec.params import Section
from components.auxiliaries.codec.spec import SPEC
from components.auxiliaries.codec.trained import TrainedCodec
from components.core.errors import ConfigError, DataError, StoppedError
from components.core.progress import Progress
from components.training.loop import train

QUIET = Progress("test")


def test_it_is_found_by_name() -> None:
    assert catalogue.auxiliary_spec("codec").name == "codec"


def test_preparation_takes_models_and_people_and_counts_what_it_leaves(
    section: Section, corpus: Path, prepared: Path, tmp_path: Path
) -> None:
    store = ClipStore(prepared)
    assert {row.speaker for row in store.rows} == {"low", "high", "person"}
    again = SPEC.prepare(section, extraction([corpus], prepared))
    assert (again.rows, again.accepted, again.reused) == (12, 11, 11)
    assert "silence" in again.rejected["silent"]
    for row in store.rows:
        assert row.frames == 1 + row.samples // section.architecture.hop_length
    with pytest.raises(DataError, match="usable recording"):
        SPEC.prepare(section, extraction([], tmp_path / "c"))


def test_samples_are_stretches_with_their_own_pitch(section: Section, prepared: Path) -> None:
    task = SPEC.training_task(section, prepared, 0, None)
    frames, hop = (
        section.training.segment_frames * section.architecture.stride,
        section.architecture.hop_length,
    )
    torch.manual_seed(0)
    batch = task.collate([task.train[index] for index in range(4)])
    assert batch["samples"].shape == (4, frames * hop)
    assert batch["log_f0"].shape == batch["voiced"].shape == (4, frames)
    assert len({tuple(task.train[0]["log_f0"].tolist()) for _ in range(8)}) > 1
    assert len({tuple(task.validation[0]["log_f0"].tolist()) for _ in range(8)}) == 1


def test_it_learns(section: Section, prepared: Path) -> None:
    torch.manual_seed(0)
    task = SPEC.training_task(section, prepared, 0, None)
    history = learned(task, "codec")
    for name, share in (("mel", 0.6), ("pitch", 0.5)):
        first, last = (np.mean([one[name] for one in part]) for part in (history[:5], history[-5:]))
        assert last < share * first, name


def test_every_parameter_learns(section: Section, prepared: Path) -> None:
    task = SPEC.training_task(section, prepared, 0, None)
    task.network.eval()("codec", task.collate([task.train[0], task.train[1]]), 0)["total"].backward()
    silent = [n for n, p in task.network.named_parameters() if p.grad is None or not p.grad.any()]
    assert silent == []


def test_stopped_and_resumed_equals_uninterrupted(
    section: Section, prepared: Path, delivered: Path, tmp_path: Path
) -> None:
    def run(stop_at: int | None) -> None:
        task = SPEC.training_task(section, prepared, 0, None)
        if stop_at is not None:
            task.network.register_forward_pre_hook(
                lambda module, inputs: (
                    os.kill(os.getpid(), signal.SIGTERM) if inputs[2] == stop_at and module.training else None
                )
            )
        train(task, tmp_path, CPU, QUIET, lambda points: None)

    with pytest.raises(StoppedError):
        run(4)
    run(None)
    one, two = (folder / "model.safetensors" for folder in (delivered, tmp_path / "delivered"))
    assert one.read_bytes() == two.read_bytes()


def test_figures_are_shares_and_counted(section: Section, prepared: Path, delivered: Path) -> None:
    figures = dict(SPEC.measure(section, delivered, prepared, CPU, QUIET))
    assert figures["n"] == 2
    assert 0 <= figures["gross_f0_error"] <= 1
    assert 0 <= figures["voicing_error"] <= 1
    assert 0 < figures["mel_l1"] < 20
    assert all(1 <= figures[f"perplexity_{book}"] <= 16 for book in range(3))


def test_it_goes_on_from_a_delivered_one(
    section: Section, prepared: Path, delivered: Path, codec: TrainedCodec
) -> None:
    task = SPEC.training_task(section, prepared, 7, delivered)
    own, theirs = task.network.network.state_dict(), codec.network.state_dict()
    for name, value in theirs.items():
        if "counts" not in name and "sums" not in name and "begun" not in name:
            assert torch.equal(value, own[name]), name
    assert bool(task.network.network.quantiser.begun)
    other = section.architecture.model_copy(update={"latent_dim": 12})
    with pytest.raises(ConfigError, match="latent_dim"):
        SPEC.training_task(section.model_copy(update={"architecture": other}), prepared, 0, delivered)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"hop_length": 7}, "does not divide"),
        ({"kernel": 4}, "odd"),
        ({"f0_floor_hz": 700.0}, "below f0_ceil_hz"),
    ],
)
def test_impossible_parameters_are_refused(section: Section, changes: dict[str, object], told: str) -> None:
    values = section.model_dump()
    values["architecture"].update(changes)
    with pytest.raises(ValidationError, match=told):
        Section.model_validate(values)
