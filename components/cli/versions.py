"""Commands about versions: which met the targets, and a person's word for one."""

from __future__ import annotations

from typing import Annotated

import typer

from components import catalogue
from components.cli.app import WIDTH_IN_A_FILE, ModelOption, ProfileOption, WorkspaceOption, app, workspace_of
from components.core.paths import project_root


@app.command("search", rich_help_panel="Tools")
def search(
    model: ModelOption = None,
    device: Annotated[
        str | None, typer.Option(help="pattern of the latency's device; none: the profile's (A100)")
    ] = None,
    since: Annotated[str | None, typer.Option(help="evidence from this day on: 2026-11-28")] = None,
    every: Annotated[bool, typer.Option("--all", help="also versions that did not meet all targets")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="with intervals and reasons")] = False,
    profile: ProfileOption = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Which versions met all targets, and on which device."""
    import json

    from rich.console import Console

    from components.stages import search as tool
    from components.stages import services

    project = project_root()
    params = catalogue.load(project, profile)
    registry = services.registry_of(params.platform.mlflow, workspace_of(workspace, project))
    asked, scope = tool.query(params, model, device, since), params.evaluation.scope
    found = tool.search(params, registry, asked)
    shown = [one for one in found if every or one.verdict == "PASS"]
    if as_json:
        told = tool.as_json(found, shown, asked, scope)
        typer.echo(json.dumps(told, ensure_ascii=False, indent=2))
        return
    typer.echo(tool.headline(found, asked, scope))
    if shown:
        console = Console()
        wide = Console(width=None if console.is_terminal else WIDTH_IN_A_FILE)
        wide.print(tool.table(shown, "Judged by today's targets, without a champion"))


@app.command("approve", rich_help_panel="Tools")
def approve(
    model: Annotated[str, typer.Option("--model")],
    version: Annotated[str, typer.Option(help="number in the registry, as promote says it")],
    by: Annotated[str, typer.Option(help="the person's name; goes into the ledger")],
    reason: Annotated[str, typer.Option(help="goes into the ledger")],
    profile: ProfileOption = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Say yes to a version that passed the gate, and promote it."""
    from components.stages.approve import approve as say_yes

    project = project_root()
    params = catalogue.load(project, profile)
    typer.echo(say_yes(params, workspace_of(workspace, project), model, version, by, reason))
