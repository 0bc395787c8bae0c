"""Commands about voices of people: converting into one, and adding one."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Annotated

import typer

from components import catalogue
from components.cli.app import ProfileOption, WorkspaceOption, app, workspace_of
from components.core.paths import project_root


@app.command("add-speaker", rich_help_panel="Tools")
def add_speaker(
    name: Annotated[str, typer.Option(help="id of the voice; `convert --speaker` takes it")],
    audio: Annotated[Path, typer.Option(help="a recording or a folder of them: any format, rate and length")],
    consent: Annotated[str, typer.Option(help="the speaker's signed document (or its sha256)")],
    signed: Annotated[datetime.datetime, typer.Option(formats=["%Y-%m-%d"], help="date of the signature")],
    scope: Annotated[str, typer.Option(help="what it covers: train;clone at least")],
    expires: Annotated[
        datetime.datetime | None, typer.Option(formats=["%Y-%m-%d"], help="last day on which it holds")
    ] = None,
    language: Annotated[str, typer.Option(help="ko | en | ja | zh | it | ru | es | fr; und: another")] = "und",
    licence: Annotated[str, typer.Option(help="name of the agreement; none: the consent's id")] = "",
    model: Annotated[str, typer.Option("--model")] = "rvc",
    replace: Annotated[bool, typer.Option("--replace", help="the speaker's earlier recordings leave")] = False,
    train: Annotated[bool, typer.Option("--train/--no-train", help="only take the recordings in")] = True,
    profile: ProfileOption = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Learn a voice from 1 to 10 minutes of recordings: no texts, one command."""
    from components.stages.add_speaker import NewSpeaker, told
    from components.stages.add_speaker import add_speaker as add

    covered = tuple(part.strip() for part in scope.split(";") if part.strip())
    until = expires.date() if expires else None
    wish = NewSpeaker(
        model, name, audio, consent, covered, signed.date(), until, language, licence, replace
    )  # fmt: skip
    project = project_root()
    for line in told(add(project, profile, workspace_of(workspace, project), wish, train=train), wish):
        typer.echo(line)
