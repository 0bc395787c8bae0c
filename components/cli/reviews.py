"""Commands for those who review: figures against targets, and listening tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from components import catalogue
from components.cli.app import WIDTH_IN_A_FILE, ModelOption, ProfileOption, WorkspaceOption, app, workspace_of
from components.core.paths import project_root


@app.command("kpi", rich_help_panel="Tools")
def kpi(
    model: ModelOption = None,
    compare: Annotated[
        tuple[str, str] | None,
        typer.Option(help="two versions (fastpitch:3, fastpitch:champion) or run ids: what differs"),
    ] = None,
    since: Annotated[
        str | None, typer.Option(help="candidates and runs from that day on: 2026-11-01")
    ] = None,
    runs: Annotated[bool, typer.Option("--runs", help="the latest runs instead of the versions")] = False,
    limit: Annotated[int, typer.Option(help="with --runs: so many")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="for programs; not with --runs")] = False,
    profile: ProfileOption = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Each model's champion and latest candidate against the targets."""
    from rich.console import Console

    from components.stages import kpi_compare, kpi_review, kpi_standing, services

    project = project_root()
    params, place = catalogue.load(project, profile), workspace_of(workspace, project)
    mlflow, day = params.platform.mlflow, kpi_standing.day(since)
    tracker, registry = services.tracker_of(mlflow, place), services.registry_of(mlflow, place)
    if compare:
        compared = kpi_compare.compare(params, tracker, registry, *compare, model)
        view, told = kpi_review.comparison_table(compared), kpi_review.comparison_json(compared)
    elif runs:
        view, told = kpi_review.runs_table(tracker, params.kpi, model, limit, day), {}
    else:
        models, scope = kpi_standing.models_asked(model), params.evaluation.scope
        found = kpi_standing.standings(params, tracker, registry, models, day)
        view = kpi_review.standing_table(
            found, scope, f", candidates since {day}" if day else "", params.kpi.source
        )
        told = kpi_review.standing_json(found, scope)
    if as_json and not runs:
        typer.echo(json.dumps(told, ensure_ascii=False, indent=2))
        return
    console = Console()
    Console(width=None if console.is_terminal else WIDTH_IN_A_FILE).print(view)


listening = typer.Typer(
    help="A blind listening test (MOS and ABX): sheets out, ratings in.", no_args_is_help=True
)
app.add_typer(listening, name="listening-test", rich_help_panel="Tools")


@listening.command("make")
def make_listening_test(
    out: Annotated[Path, typer.Option(help="new folder: listeners/ to hand out, operator/ with the key")],
    versions: Annotated[
        list[str] | None, typer.Option(help="repeatable: fastpitch:3, fastpitch:champion")
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option("--model", "--models", help="repeatable: champion and latest candidate"),
    ] = None,
    samples: Annotated[
        list[str] | None, typer.Option(help="repeatable: NAME=FOLDER with index.csv, as evaluate leaves it")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="of choices and orders; none: params.yaml's")] = None,
    profile: ProfileOption = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Write a self-contained page, a form, and the key that unblinds them."""
    from components.stages import listening_test, services

    project = project_root()
    params, place = catalogue.load(project, profile), workspace_of(workspace, project)
    mlflow = params.platform.mlflow
    named = [(name, Path(folder)) for name, _, folder in (one.partition("=") for one in samples or [])]
    wish = listening_test.ListeningWish(versions or [], model or [], named, seed)
    tracker, registry = services.tracker_of(mlflow, place), services.registry_of(mlflow, place)
    for line in listening_test.make(params, tracker, registry, wish, out):
        typer.echo(line)


@listening.command("read")
def read_listening_test(
    ratings: Annotated[list[Path], typer.Argument(help="what raters sent: .json, .csv, .xlsx")],
    key: Annotated[Path, typer.Option(help="operator/key.json of the test")],
    evidence: Annotated[
        bool, typer.Option("--evidence/--no-evidence", help="into the versions' evidence")
    ] = True,
    profile: ProfileOption = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Leave out who failed the catch trials; means, intervals, ABX test; results.json beside the key."""
    from components.stages import listening_test, services

    project = project_root()
    params, place = catalogue.load(project, profile), workspace_of(workspace, project)
    mlflow = params.platform.mlflow
    tracker, registry = services.tracker_of(mlflow, place), services.registry_of(mlflow, place)
    found = listening_test.read(params, tracker, registry, ratings, key, evidence)
    listening_test.keep_for_report(place, found)
    for line in listening_test.lines(found):
        typer.echo(line)
