"""``make pretrain MODEL=<name>``: a network trained for longer becomes the first weights in ``pretrained/``.

A model's are a starting point: the first retraining judges them by the same gate as any candidate. An
auxiliary network's (recogniser, vocoder) are what every retraining uses, unchanged.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from components import catalogue
from components.core.extraction import Extraction
from components.core.params import AuxiliarySection, Params
from components.core.paths import Workspace
from components.core.progress import Progress
from components.core.storage import atomic_folder, sha256_path, write_text
from components.data.corpus import corpora
from components.stages.contract import Record
from components.stages.rights import rights
from components.stages.runner import Request, run_stage
from components.stages.shipped import shipped

if TYPE_CHECKING:
    import torch

    from components.nn.contracts import AuxiliarySpec
    from components.training.result import TrainingResult

_FOR_A_MODEL = ("ingest", "version", "validate", "features", "adopt", "expert", "train")
_FOR_AN_AUXILIARY = ("ingest", "version", "validate")


@dataclass(frozen=True)
class _Made:
    """What a card tells of new weights."""

    name: str
    profile: str
    data: str
    steps: int
    cpu_seconds: float
    device: str
    weights_sha256: str
    figures: Mapping[str, float]
    rights: Sequence[str]
    begun_from: str = ""


def pretrain(project: Path, workspace: Workspace, profile: str, name: str) -> Path:
    """Bring the corpora up to date, train ``name`` and adopt it; returns its folder in ``pretrained/``.

    Interrupted, the next call goes on from the last checkpoint. The shipped weights stay until new ones are
    complete.

    Raises:
        ConfigError: neither a model nor an auxiliary network of that name.
        IrisError: whatever the stages and the training say.
    """
    target = shipped(project) / name
    if name in catalogue.auxiliary_names():
        made, delivered = _train_auxiliary(project, workspace, profile, name)
    else:
        made, delivered = _train_model(project, workspace, profile, name)
    with atomic_folder(target) as folder:
        shutil.copytree(delivered, folder, dirs_exist_ok=True)
        write_text(folder / "README.md", _card(made))
    return target


def _train_model(project: Path, workspace: Workspace, profile: str, name: str) -> tuple[_Made, Path]:
    catalogue.spec(name)  # an unknown name is told before the corpus is made
    record = _run(_FOR_A_MODEL, project, workspace, profile, name)
    summary = record.summary
    losses = {
        loss: value for loss, value in summary["losses"].items() if loss.startswith("validation/")
    }  # fmt: skip
    store = workspace.features / name
    made = _Made(
        name=name,
        profile=profile,
        data=record.data_md5,
        steps=int(summary["steps"]),
        cpu_seconds=float(summary["cpu_seconds"]),
        device=record.device,
        weights_sha256=str(summary["checkpoint_sha256"]),
        figures=losses,
        rights=rights(store, corpora(workspace.data, catalogue.load(project, profile).data.corpora)),
        begun_from=str(summary["warm_start_sha256"]),
    )
    return made, record.output(workspace.root, "delivered")


def _train_auxiliary(project: Path, workspace: Workspace, profile: str, name: str) -> tuple[_Made, Path]:
    from components.nn.device import best_device

    record = _run(_FOR_AN_AUXILIARY, project, workspace, profile, None)
    params, progress = catalogue.load(project, profile), Progress(f"{name}.pretrain")
    spec, section = catalogue.auxiliary_spec(name), params.auxiliaries[name]
    features = workspace.features / name
    extraction = Extraction(
        corpora=_corpora(workspace, params),
        target=features,
        audio=params.audio,
        data=params.data,
        seed=params.seed,
        workers=params.platform.workers,
        progress=progress,
    )
    found = spec.prepare(section, extraction)
    progress.say(f"{found.accepted} of {found.rows} utterances, {found.reused} of them reused")
    device = best_device()
    begun_from = _shipped_before(section, shipped(project) / name)
    weights_before = sha256_path(begun_from / "model.safetensors") if begun_from else ""
    learned_from, results = _iterations(
        spec, section, features, workspace, params.seed, device, progress, begun_from
    )
    last = results[-1]
    figures = spec.measure(section, last.delivered, learned_from, device, progress)
    made = _Made(
        name=name,
        profile=profile,
        data=record.data_md5,
        steps=sum(result.steps for result in results),
        cpu_seconds=sum(result.cpu_seconds for result in results),
        device=last.device,
        weights_sha256=sha256_path(last.delivered / "model.safetensors"),
        figures=figures,
        rights=rights(features, corpora(workspace.data, params.data.corpora)),
        begun_from=weights_before,
    )
    return made, last.delivered


def _iterations(
    spec: AuxiliarySpec,
    section: AuxiliarySection,
    features: Path,
    workspace: Workspace,
    seed: int,
    device: torch.device,
    progress: Progress,
    begun_from: Path | None,
) -> tuple[Path, list[TrainingResult]]:
    """Train once, or as often as an `IteratedSpec` asks; what the last training learned from, all results."""
    from components.nn.contracts import IteratedSpec
    from components.training.loop import train

    results: list[TrainingResult] = []
    following: tuple[Path, Path | None] | None = (features, begun_from)
    while following is not None:
        learned_from, warm_start = following
        number = len(results) + 1
        folder = workspace.training / (spec.name if number == 1 else f"{spec.name}-{number}")
        task = spec.training_task(section, learned_from, seed, warm_start)
        # Points of the curves stay in the training folder: an auxiliary network is no run of a model.
        results.append(train(task, folder, device, progress, lambda points: None))
        following = (
            spec.next_features(section, results[-1].delivered, features, number, seed, device, progress)
            if isinstance(spec, IteratedSpec)
            else None
        )
    return learned_from, results


def _shipped_before(section: AuxiliarySection, folder: Path) -> Path | None:
    """The shipped weights, where this network is asked to go on from them and there are some."""
    asked = getattr(getattr(section, "training", None), "warm_start", False)
    return folder if asked and (folder / "model.safetensors").is_file() else None


def _corpora(workspace: Workspace, params: Params) -> list[Path]:
    return [corpus.folder for corpus in corpora(workspace.data, params.data.corpora)]


def _run(
    stages: tuple[str, ...], project: Path, workspace: Workspace, profile: str, model: str | None
) -> Record:
    """Run these stages in order; the last one's record."""
    from components.core.retraining import owners
    from components.core.stage_graph import stage as stage_named

    further = catalogue.further_stages()
    for name in stages:
        for of_model in owners(stage_named(name), [model] if model else [], further):
            record = run_stage(Request(name, of_model, profile, workspace, project))
    return record


def _card(made: _Made) -> str:
    wrong = [name for name, value in made.figures.items() if not math.isfinite(value)]
    figures = "\n".join(
        f"| {name} | {value:.4f} |" for name, value in sorted(made.figures.items()) if name not in wrong
    )
    begun = f"- begun from the weights sha256 {made.begun_from}\n" if made.begun_from else ""
    lines = "".join(f"{line}\n" if line[0] == " " else f"- {line}\n" for line in made.rights)
    return (
        f"# {made.name}\n\n"
        f"- made by `make pretrain MODEL={made.name}` (profile `{made.profile}`)\n"
        f"- data {made.data}: generated speech (espeak-ng), and the people below, if any\n"
        f"- {made.steps} steps, {made.cpu_seconds / 3600:.2f} CPU hours on {made.device}\n"
        f"- weights sha256 {made.weights_sha256}\n{begun}"
        f"{lines}\n"
        "| held-out figure, measured | |\n|---|---|\n"
        f"{figures}\n"
    )
