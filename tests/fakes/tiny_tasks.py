"""Tiny networks for the loop: a regression that draws from every random generator, and a two-phase GAN."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.utils.data import Dataset

from components.nn.contracts import Batch, Phase, Recipe, TrainingTask

RECIPE = Recipe(
    batch_size=4,
    gradient_accumulation=1,
    max_steps=12,
    max_cpu_seconds=0.0,
    checkpoint_every_steps=4,
    validate_every_steps=4,
    keep_checkpoints=3,
    max_skipped_steps=2,
    ema_decay=0.9,
    precision="32-true",
    seed=7,
    anneal_share=0.3,
)


class NoisyLine(Dataset[Mapping[str, Any]]):
    """y = 2x + 1 with noise from numpy's and python's global generators."""

    def __init__(self, size: int, noise: float) -> None:
        self._size, self._noise = size, noise

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, index: int) -> Mapping[str, Any]:
        x = torch.tensor([index / self._size, 1 - index / self._size])
        noise = self._noise * (np.random.standard_normal() + random.gauss(0.0, 1.0))
        return {"x": x, "y": (2 * x[:1] + 1 + noise).float(), "index": index}


def collate(samples: Sequence[Mapping[str, Any]]) -> Batch:
    return {
        "x": torch.stack([s["x"] for s in samples]),
        "y": torch.stack([s["y"] for s in samples]),
        "index": [s["index"] for s in samples],
    }


class Regression(nn.Module):
    """Two layers, dropout and batch statistics; one phase called "all"."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8), nn.Tanh(), nn.Dropout(0.2))
        self.head = nn.Linear(8, 1)
        self.batches: list[list[int]] = []

    def forward(self, phase: str, batch: Batch, step: int) -> Mapping[str, Tensor]:
        self.batches.append(batch["index"])
        loss = nn.functional.mse_loss(self.head(self.body(batch["x"])).float(), batch["y"])
        return {"total": loss, "absolute": loss.detach().sqrt()}


class Gan(nn.Module):
    """A generator and a discriminator over scalars."""

    def __init__(self) -> None:
        super().__init__()
        self.generator = nn.Linear(2, 1)
        self.discriminator = nn.Sequential(nn.Linear(1, 4), nn.Tanh(), nn.Linear(4, 1))
        self.turns: list[str] = []

    def forward(self, phase: str, batch: Batch, step: int) -> Mapping[str, Tensor]:
        self.turns.append(phase)
        fake = self.generator(batch["x"])
        if phase == "discriminator":
            real, fooled = self.discriminator(batch["y"]), self.discriminator(fake.detach())
            return {"total": (real - 1).square().mean() + fooled.square().mean()}
        return {"total": (self.discriminator(fake) - 1).square().mean()}


def adamw(parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
    return torch.optim.AdamW(parameters, lr=0.01)


def deliver(weights: Mapping[str, Tensor], folder: Path) -> None:
    save_file(dict(weights), folder / "model.safetensors")
    (folder / "model.json").write_text("{}", encoding="utf-8")


def phase(name: str, *modules: str, clip_norm: float | None = 1.0) -> Phase:
    return Phase(name, modules, adamw, lambda step: 1.0 / (1 + step), clip_norm)


def task(network: nn.Module, phases: tuple[Phase, ...], **recipe: Any) -> TrainingTask:
    return TrainingTask(
        network=network,
        phases=phases,
        train=NoisyLine(30, 0.1),
        validation=NoisyLine(6, 0.0),
        collate=collate,
        recipe=dataclasses.replace(RECIPE, **recipe),
        identity={"network": type(network).__name__, "width": 8},
        deliver=deliver,
    )


def regression(**recipe: Any) -> TrainingTask:
    torch.manual_seed(3)
    return task(Regression(), (phase("all", ""),), **recipe)


def gan(**recipe: Any) -> TrainingTask:
    torch.manual_seed(3)
    phases = (phase("discriminator", "discriminator"), phase("generator", "generator", clip_norm=None))
    return task(Gan(), phases, **recipe)
