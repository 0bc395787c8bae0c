"""The command line's application and the options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from components.core.paths import Workspace

app = typer.Typer(
    help="IRIS retraining platform: one command for each stage, and the tools around them.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

WIDTH_IN_A_FILE = 160
ModelOption = Annotated[str | None, typer.Option("--model", help="rvc | vallex | fastpitch | wav2lip")]
ProfileOption = Annotated[
    str | None,
    typer.Option("--profile", envvar="IRIS_PROFILE", help="overlay in profiles/; none: params.yaml (a100)"),
]
WorkspaceOption = Annotated[
    Path | None,
    typer.Option("--workspace", envvar="IRIS_WORKSPACE", help="embedded workspace; none: artifacts/"),
]
ForceOption = Annotated[bool, typer.Option("--force", help="run although nothing changed")]


def workspace_of(named: Path | None, project: Path) -> Workspace:
    """The embedded workspace of that folder; None: the production layout."""
    return Workspace.embedded(named) if named else Workspace.of_project(project)
