"""The command that goes all the way: a text into a captioned video."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from components import catalogue
from components.cli.app import (
    WIDTH_IN_A_FILE,
    ForceOption,
    ProfileOption,
    WorkspaceOption,
    app,
    workspace_of,
)
from components.cli.stages import run_once
from components.core.paths import project_root


@app.command("pipeline", rich_help_panel="Tools")
def pipeline(
    text: Annotated[str, typer.Option(help="what is to be said; empty: pipeline.sentence")] = "",
    language: Annotated[str, typer.Option(help="ko | en | ja | zh; empty: pipeline.language")] = "",
    speaker: Annotated[str, typer.Option(help="a voice of the model that speaks; empty: its first")] = "",
    convert_to: Annotated[str | None, typer.Option(help="a voice of RVC's; none: no conversion")] = None,
    face: Annotated[
        str, typer.Option(help="a video or a still: mp4, mov, png, jpg; empty: a drawn face")
    ] = "",
    out: Annotated[
        Path | None, typer.Option(help="mp4; none: the stage of the DAG demo_video, in the workspace")
    ] = None,
    captions: Annotated[
        list[str] | None, typer.Option(help="srt | vtt | burn, repeatable; none: a track in the video")
    ] = None,
    without: Annotated[list[str] | None, typer.Option(help="lips | captions, repeatable")] = None,
    repeat: Annotated[int, typer.Option(help="runs to measure; more than one are warmed up")] = 1,
    version: Annotated[str, typer.Option(help="champion | pretrained")] = "champion",
    face_of: Annotated[str, typer.Option(help="whose face it is, for the label; und: not known")] = "und",
    face_consent: Annotated[
        str, typer.Option(help="consent record that allows the face; und: not known")
    ] = "und",
    profile: ProfileOption = None,
    workspace: WorkspaceOption = None,
    force: ForceOption = False,
) -> None:
    """Make a face say a text: speech, another voice, lips, captions; and how long each of them took."""
    if out is None:
        if captions or without or repeat > 1:
            raise typer.BadParameter("--captions, --without and --repeat need --out")
        asked = {
            "text": text,
            "language": language,
            "speaker": speaker,
            "convert-to": convert_to,
            "face": face,
        }
        run_once("pipeline", profile, workspace, force, asked)
        return
    from rich.console import Console

    from components.core.progress import Progress
    from components.stages.pipeline import pipeline as make
    from components.stages.pipeline_work import PipelineWish

    project = project_root()
    params = catalogue.load(project, profile)
    wish = PipelineWish(
        text=text or params.pipeline.sentence,
        language=language or params.pipeline.language,
        speaker=speaker,
        convert_to=convert_to or "",
        face=Path(face) if face else None,
        captions=tuple(captions or ()),
        without=tuple(without or ()),
        repeat=repeat,
        version=version,
        face_of=face_of,
        face_consent=face_consent,
    )
    made = make(project, params, workspace_of(workspace, project), wish, out, Progress("pipeline"))
    for line in made.lines():
        typer.echo(line)
    console = Console()
    Console(width=None if console.is_terminal else WIDTH_IN_A_FILE).print(made.times.table())
