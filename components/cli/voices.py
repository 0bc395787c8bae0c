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
    language: Annotated[
        str, typer.Option(help="ko | en | ja | zh | it | ru | es | fr; und: another")
    ] = "und",
    licence: Annotated[str, typer.Option(help="name of the agreement; none: the consent's id")] = "",
    model: Annotated[str, typer.Option("--model")] = "rvc",
    replace: Annotated[
        bool, typer.Option("--replace", help="the speaker's earlier recordings leave")
    ] = False,
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


@app.command("convert", rich_help_panel="Tools")
def convert(
    source: Annotated[Path, typer.Option("--input", help="a recording of any rate: wav, flac, mp3, m4a ...")],
    speaker: Annotated[str, typer.Option(help="a voice that the model was trained on")],
    out: Annotated[Path, typer.Option(help="wav; .json (label) lies beside it")],
    model: Annotated[str, typer.Option("--model")] = "rvc",
    version: Annotated[str, typer.Option(help="champion | pretrained | trained | a number")] = "champion",
    language: Annotated[str, typer.Option(help="what is spoken, for the label; und: not known")] = "und",
    transpose: Annotated[int | None, typer.Option(help="semitones, on top of the key that is found")] = None,
    automatic_key: Annotated[
        bool | None, typer.Option("--automatic-key/--no-automatic-key", help="move to the target's pitch")
    ] = None,
    source_hz: Annotated[float | None, typer.Option(help="usual pitch of who speaks: a stream's key")] = None,
    index_rate: Annotated[float | None, typer.Option(help="0 to 1: how much of the target's sounds")] = None,
    protect: Annotated[float | None, typer.Option(help="0 to 0.5 (off): breath and consonants kept")] = None,
    live: Annotated[bool, typer.Option("--live", help="as a stream; tells how late it is heard")] = False,
    chunk_s: Annotated[float | None, typer.Option(help="seconds at once; of the stream with --live")] = None,
    profile: ProfileOption = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Convert a recording into another voice, into a labelled wav."""
    from components.stages.convert import ConversionWish, told
    from components.stages.convert import convert as into

    given = {
        "transpose_semitones": transpose,
        "automatic_key": automatic_key,
        "index_rate": index_rate,
        "protect": protect,
        "chunk_s" if live else "file_chunk_s": chunk_s,
    }
    asked = {name: value for name, value in given.items() if value is not None}
    wish = ConversionWish(model, source, speaker, version, language, asked, live, source_hz)
    project = project_root()
    made = into(project, catalogue.load(project, profile), workspace_of(workspace, project), wish, out)
    for line in told(made):
        typer.echo(line)
