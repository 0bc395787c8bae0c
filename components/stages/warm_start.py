"""``make warm-start``: a model trained under a longer profile becomes the first weights in ``pretrained/``.

What is shipped there is a starting point, never a champion: a retraining that begins from it is evaluated and
gated like any other.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from components.core.paths import Workspace
from components.core.stage_graph import STAGES
from components.core.storage import atomic_folder, write_text
from components.stages.contract import Record
from components.stages.runner import Request, run_stage

_LAST = "train"


def make_warm_start(project: Path, workspace: Workspace, profile: str, model: str) -> Path:
    """Run the stages up to training, then adopt the delivered model; returns its folder."""
    for stage in STAGES:
        request = Request(stage.name, model if stage.per_model else None, profile, workspace, project)
        record = run_stage(request)
        if stage.name == _LAST:
            return _adopt(record, workspace, project / "pretrained" / model, profile)
    raise LookupError(f"the stage graph has no stage {_LAST}")


def _adopt(record: Record, workspace: Workspace, target: Path, profile: str) -> Path:
    with atomic_folder(target) as folder:
        shutil.copytree(record.output(workspace.root, "delivered"), folder, dirs_exist_ok=True)
        write_text(folder / "README.md", _card(record, profile))
    return target


def _card(record: Record, profile: str) -> str:
    summary = record.summary
    losses = "\n".join(
        f"| {name} | {value:.4f} |"
        for name, value in sorted(summary["losses"].items())
        if name.startswith("validation/")
    )
    return (
        f"# Warm start: {record.model}\n\n"
        "First weights for a retraining on the embedded corpus; neither a champion nor evidence.\n\n"
        f"- made by `make warm-start MODEL={record.model}` (profile `{profile}`)\n"
        f"- data {record.data_md5}: synthetic speech (espeak-ng), train split of the `model` voices only\n"
        f"- {summary['steps']} steps, {summary['cpu_seconds']:.0f} CPU seconds on {record.device}\n"
        f"- weights sha256 {summary['checkpoint_sha256']}\n"
        "- licence: that of this repository; the corpus' voices carry no right of a person\n\n"
        "| held-out loss at the end, measured | |\n|---|---|\n"
        f"{losses}\n"
    )
