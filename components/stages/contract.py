"""What a stage gets and what it gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from components.core.params import ModelSection, Params
from components.core.paths import Workspace
from components.core.progress import Progress


@dataclass(frozen=True)
class Outcome:
    """What a stage leaves: named files or folders below the workspace, and a small JSON summary."""

    outputs: Mapping[str, Path]
    summary: Mapping[str, Any]


@dataclass(frozen=True)
class Record:
    """The stage record on disk; makes a stage skippable, resumable and traceable.

    ``attempt`` is the launcher's key of the attempt that last found the stage done, "" from a terminal.
    """

    stage: str
    model: str | None
    key: str
    state: str
    profile: str
    git_sha: str
    data_md5: str
    params_sha: str
    started: str
    seconds: float
    device: str
    inputs: Mapping[str, str]
    outputs: Mapping[str, Mapping[str, str]]
    summary: Mapping[str, Any]
    attempt: str = ""

    def output(self, root: Path, name: str) -> Path:
        """The absolute path of a named output."""
        return root / self.outputs[name]["path"]


@dataclass(frozen=True)
class StageContext:
    """Everything a stage may look at. ``params`` holds only the sections that the stage graph grants it."""

    stage: str
    model: str | None
    profile: str
    params: Params
    workspace: Workspace
    project: Path
    git_sha: str
    params_sha: str
    data_md5: str
    progress: Progress
    upstream: Mapping[str, Record]
    force: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def section(self) -> ModelSection:
        """The parameters of this stage's model."""
        if self.model is None:
            message = f"stage {self.stage} runs for no particular model"
            raise LookupError(message)
        return self.params.models[self.model]

    def input(self, stage: str, output: str) -> Path:
        """Path of an upstream stage's named output."""
        return self.upstream[stage].output(self.workspace.root, output)


class StageModule(Protocol):
    """A module under ``components.stages`` named as the stage."""

    def run(self, context: StageContext) -> Outcome:
        """Do the work."""
