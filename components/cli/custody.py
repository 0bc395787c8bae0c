"""Commands about what may be used and what leaves the house: exports, consents, labels."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Annotated

import typer

from components import catalogue
from components.cli.app import ProfileOption, WorkspaceOption, app, workspace_of
from components.core.errors import EXIT_BAD_INPUT, BadInputError
from components.core.paths import project_root


@app.command("export-model", rich_help_panel="Tools")
def export_model(
    model: Annotated[str, typer.Option("--model")],
    out: Annotated[Path, typer.Option(help="empty folder that receives it")],
    version: Annotated[str | None, typer.Option(help="a number in the registry, or pretrained")] = None,
    alias: Annotated[str | None, typer.Option(help="champion (of the profile's scope)")] = None,
    profile: ProfileOption = None,
    workspace: WorkspaceOption = None,
) -> None:
    """A version as a folder that anyone can load: weights, code, card, hashes, MLflow pyfunc."""
    from components.stages.export_model import ExportWish
    from components.stages.export_model import export_model as export

    if (version is not None and alias is not None) or alias not in (None, "champion"):
        raise BadInputError(
            who="export-model",
            expected="--version, or --alias champion",
            found=f"--version {version} and --alias {alias}" if version else f"--alias {alias}",
            action="give one of them; none is the champion, else what is shipped",
        )
    project = project_root()
    wish = ExportWish(model, version or alias or "champion", profile or "")
    made = export(project, catalogue.load(project, profile), workspace_of(workspace, project), wish, out)
    typer.echo(f"{made.folder} (version {made.version}): {made.check.line()}")


@app.command("lineage", rich_help_panel="Tools")
def lineage(
    speaker: Annotated[str, typer.Option(help="id of the voice, as in consent.csv")],
    as_json: Annotated[bool, typer.Option("--json", help="for programs")] = False,
    profile: ProfileOption = None,
    workspace: WorkspaceOption = None,
) -> None:
    """What a speaker's recordings have reached: data versions, runs, model versions, files."""
    from components.stages.lineage import lineage as find

    project = project_root()
    params = catalogue.load(project, profile)
    found = find(project, params, workspace_of(workspace, project), speaker)
    typer.echo(found.to_json() if as_json else "\n".join(found.lines()))


@app.command("withdraw", rich_help_panel="Tools")
def withdraw(
    speaker: Annotated[str, typer.Option(help="id of the voice, as in consent.csv")],
    day: Annotated[
        datetime.datetime | None, typer.Option(formats=["%Y-%m-%d"], help="none: today (UTC)")
    ] = None,
    workspace: WorkspaceOption = None,
) -> None:
    """A speaker takes the consent back: the register says so, the recordings leave data/."""
    from components.data.withdrawal import withdraw as take_back

    today = datetime.datetime.now(datetime.UTC).date()
    since = day.date() if day else today
    if since > today:
        raise BadInputError(
            who="--day",
            expected=f"today ({today}) or earlier",
            found=str(since),
            action="run it on that day; until then the consent holds",
        )
    place = workspace_of(workspace, project_root())
    for one in take_back(place.data, place.locks, speaker, since):
        ended = ", ".join(one.consents)
        taken = f"{len(one.recordings)} recordings and {len(one.videos)} videos taken out"
        typer.echo(f"{one.corpus}: {ended} withdrawn, {taken}")
    typer.echo(
        f"`lineage --speaker {speaker}` lists what they reached; then run version, validate and features"
    )


@app.command("verify-media", rich_help_panel="Tools")
def verify_media(file: Annotated[Path, typer.Argument(help="wav or mp4")]) -> None:
    """Whether a file says that a model made it, and whether it was edited (exit 42: no label, or edited)."""
    from components.inference.verification import verify

    found = verify(file)
    for line in found.lines():
        typer.echo(line)
    if not found.holds:
        raise typer.Exit(EXIT_BAD_INPUT)
