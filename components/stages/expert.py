"""expert: the network that a model learns from, before the model: trained or taken as shipped, and judged.

What ``pretrained/`` holds of the asked dimensions is taken as it is, frozen; else the network is trained here
on the model's own features, which have passed the data gate. Either way it is judged on held-out clips, and
the model is not trained from one that fails.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from components import catalogue
from components.core.errors import ValidationBlockedError
from components.core.params import outcome_sha
from components.core.storage import atomic_folder, clear_half_written, sha256_json, sha256_path
from components.stages.contract import Outcome, StageContext
from components.stages.serving import delivered_card
from components.stages.shipped import auxiliary_weights, shipped

if TYPE_CHECKING:
    from components.nn.contracts import ModelSpec
    from components.nn.taught import TaughtSpec

STAGE, DELIVERED = "expert", "delivered"


@dataclass(frozen=True)
class _Expert:
    """Where it lies, and where it comes from: ``shipped`` or ``trained``."""

    folder: Path
    origin: str
    steps: int = 0
    cpu_seconds: float = 0.0


def run(context: StageContext) -> Outcome:
    """Have the expert, and judge it.

    Raises:
        ValidationBlockedError: it does not know enough to teach; every reason stands in ``details``.
        SyncPlateauError: it was trained here and only guesses.
        StoppedError: SIGTERM or SIGINT; a checkpoint is written and the next call goes on from it.
    """
    from components.nn.device import best_device
    from components.training.device import device_label

    device, name = best_device(), context.section.learns_from
    expert = _shipped(context) or _trained(context)
    spec = cast("TaughtSpec", catalogue.spec(str(context.model)))
    section = context.params.auxiliaries[name]
    report = spec.examine(context.section, section, expert.folder, context.input("features", "store"), device)
    told = ", ".join(f"{key} {value:.4g}" for key, value in report.figures.items())
    context.progress.say(f"{name} ({expert.origin}): {told}")
    if report.reasons:
        raise ValidationBlockedError(
            who=f"{name} ({expert.origin}) for {context.model}",
            expected=f"a network that can teach (models.{context.model}.training)",
            found=f"{len(report.reasons)} reason(s) against it: {report.reasons[0]}",
            action=f"mend its data or train it longer (make pretrain MODEL={name}); nothing learned from it",
            details=[*report.reasons, *report.told],
        )
    target = context.workspace.training / f"{context.model}-{STAGE}" / DELIVERED
    with atomic_folder(target) as folder:
        shutil.copytree(expert.folder, folder, dirs_exist_ok=True)
    summary = {
        "network": name,
        "origin": expert.origin,
        "steps": expert.steps,
        "cpu_seconds": round(expert.cpu_seconds, 3),
        "weights_sha256": sha256_path(target / "model.safetensors"),
        "figures": dict(report.figures),
        "device": device_label(device),
    }
    return Outcome(outputs={DELIVERED: target}, summary=summary)


def fingerprint(context: StageContext) -> Mapping[str, str]:
    """What is shipped is taken before anything is trained."""
    return auxiliary_weights(context.project, [context.section.learns_from])


def expert_of(context: StageContext) -> Path | None:
    """Where this run's expert lies; None for a model that learns from none."""
    return context.input(STAGE, DELIVERED) if STAGE in context.upstream else None


def taught(model: str, expert: Path | None) -> ModelSpec:
    """A model's hooks for training, with its expert at hand where it has one."""
    spec = catalogue.spec(model)
    return spec if expert is None else cast("TaughtSpec", spec).taught_by(expert)


def _shipped(context: StageContext) -> _Expert | None:
    """The one in ``pretrained/``, where it is of the dimensions that are asked for."""
    name = context.section.learns_from
    folder = shipped(context.project) / name
    sides = context.params.auxiliaries[name].misfit(delivered_card(folder))
    if sides is None:
        return _Expert(folder, "shipped")
    context.progress.say(f"{name} is trained here: asked for {sides[0]}, shipped {sides[1]}")
    return None


def _trained(context: StageContext) -> _Expert:
    """One that learned from the model's own features; goes on with an attempt that was interrupted."""
    from components.nn.device import best_device
    from components.training.loop import train

    name = context.section.learns_from
    features, section = context.input("features", "store"), context.params.auxiliaries[name]
    task = catalogue.auxiliary_spec(name).training_task(section, features, context.params.seed, None)
    inputs = {
        "params": outcome_sha(context.params),
        "features": context.upstream["features"].outputs["store"]["sha256"],
        "identity": dict(task.identity),
    }
    folder = context.workspace.training / f"{context.model}-{STAGE}" / sha256_json(inputs)[:16]
    if context.force:
        shutil.rmtree(folder, ignore_errors=True)
    clear_half_written(folder)
    # Points of the curves stay in the training folder: an auxiliary network is no run of a model.
    result = train(task, folder, best_device(), context.progress, lambda points: None)
    return _Expert(result.delivered, "trained", result.steps, result.cpu_seconds)
