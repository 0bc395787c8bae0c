"""``python -m components <stage>``: stages and tools as commands. No logic: arguments in, exit code out."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, cast

import typer

from components import catalogue, doctor
from components.core.attempt import Ending, current_attempt, failed, tell
from components.core.errors import GateRefusedError, IrisError, StoppedError
from components.core.paths import Workspace, project_root
from components.core.stage_graph import STAGES, Stage
from components.core.stop import Stopped
from components.core.threads import wait_politely

if TYPE_CHECKING:
    from components.core.utterance import Language

app = typer.Typer(
    help="IRIS retraining platform: one command for each stage, and the tools around them.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

_WIDTH_IN_A_FILE = 160
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
StrictOption = Annotated[bool, typer.Option("--strict", help="exit 43 unless the verdict is PASS")]


def _workspace(named: Path | None, project: Path) -> Workspace:
    return Workspace.embedded(named) if named else Workspace.of_project(project)


def _run(
    stage: str, model: str | None, profile: str | None, workspace: Path | None, force: bool, **extra: str
) -> dict[str, Any]:
    from components.stages.runner import Request, run_stage

    project = project_root()
    where = _workspace(workspace, project)
    request = Request(stage, model, profile, where, project, force, extra, current_attempt(), alone=True)
    record = run_stage(request)
    tell(Ending(record.attempt, record.state, verdict=str(record.summary.get("verdict", ""))))
    return dict(record.summary)


def _command_for(stage: Stage) -> Callable[..., None]:
    def for_model(
        model: ModelOption = None,
        profile: ProfileOption = None,
        workspace: WorkspaceOption = None,
        force: ForceOption = False,
    ) -> None:
        _run(stage.name, model, profile, workspace, force)

    def once(
        profile: ProfileOption = None, workspace: WorkspaceOption = None, force: ForceOption = False
    ) -> None:
        _run(stage.name, None, profile, workspace, force)

    return for_model if stage.per_model else once


for _stage in STAGES:
    if _stage.name not in {"ingest", "gate"}:  # these two take options of their own, below
        app.command(_stage.name, help=_stage.summary, rich_help_panel="Stages")(_command_for(_stage))


@app.command("ingest", rich_help_panel="Stages")
def ingest(
    source: Annotated[
        str | None, typer.Option(help="folder of new recordings; none: params.yaml's corpora")
    ] = None,
    format: Annotated[str | None, typer.Option(help="generic | kss")] = None,  # noqa: A002 - the option's name
    corpus: Annotated[str | None, typer.Option(help="folder below data/ that receives them")] = None,
    profile: ProfileOption = None,
    workspace: WorkspaceOption = None,
    force: ForceOption = False,
) -> None:
    """Corpora in their own formats → audio and manifest; with --source, new recordings into a corpus."""
    given = {"source": source, "format": format, "corpus": corpus}
    _run("ingest", None, profile, workspace, force, **{k: v for k, v in given.items() if v})


@app.command("gate", rich_help_panel="Stages")
def gate(
    model: ModelOption = None,
    profile: ProfileOption = None,
    workspace: WorkspaceOption = None,
    force: ForceOption = False,
    strict: StrictOption = False,
) -> None:
    """Evidence, targets, champion → PASS, FAIL or INCONCLUSIVE."""
    told = _run("gate", model, profile, workspace, force)
    if strict and told["verdict"] != "PASS":
        raise GateRefusedError(
            who=f"gate of {model}",
            expected="verdict PASS",
            found=told["verdict"],
            action="see the reasons below and in the reports; the champion stays",
            details=told["reasons"],
        )


@app.command("kpi", rich_help_panel="Tools")
def kpi(
    model: ModelOption = None,
    compare: Annotated[tuple[str, str] | None, typer.Option(help="two run ids: only what differs")] = None,
    limit: Annotated[int, typer.Option(help="latest runs to show")] = 20,
    profile: ProfileOption = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Runs against the IRIS targets."""
    from rich.console import Console

    from components.stages import kpi_review, services

    project = project_root()
    params = catalogue.load(project, profile)
    tracker = services.tracker_of(params.platform.mlflow, _workspace(workspace, project))
    view = (
        kpi_review.comparison(tracker, *compare)
        if compare
        else kpi_review.table(tracker, params.kpi, model, limit)
    )
    console = Console()
    Console(width=None if console.is_terminal else _WIDTH_IN_A_FILE).print(view)


@app.command("restore-data", rich_help_panel="Tools")
def restore_data(
    target: Annotated[Path, typer.Option(help="empty folder that receives the data")],
    run: Annotated[str | None, typer.Option(help="MLflow run whose data is wanted")] = None,
    md5: Annotated[str | None, typer.Option(help="data version, as in the reports")] = None,
    profile: ProfileOption = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Lay out the data of any past run."""
    from components.stages.restore_data import restore

    project = project_root()
    params = catalogue.load(project, profile)
    restored = restore(params, _workspace(workspace, project), run_id=run, md5=md5, target=target)
    typer.echo(f"{restored.files} files of {restored.md5} in {target}")


@app.command("rollback", rich_help_panel="Tools")
def rollback(
    model: Annotated[str, typer.Option("--model")],
    reason: Annotated[str, typer.Option(help="goes into the ledger")],
    profile: ProfileOption = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Give the alias champion back to the ledger's previous champion."""
    from components.stages.rollback import rollback as roll_back

    project = project_root()
    params = catalogue.load(project, profile)
    typer.echo(roll_back(params, _workspace(workspace, project), model, reason))


@app.command("export-params", rich_help_panel="Tools")
def export_params(
    out: Annotated[Path | None, typer.Option(help="none: docs/models/model_params_v<version>.xlsx")] = None,
    profile: ProfileOption = None,
) -> None:
    """The parameter sheet (xlsx) of params.yaml, without any run."""
    from components.stages.export_params import export_params as export

    typer.echo(export(project_root(), profile, out))


@app.command("make-data", rich_help_panel="Tools")
def make_data(profile: ProfileOption = None) -> None:
    """Generate the embedded corpus into data/ and compare it with the committed data.dvc."""
    from components.stages.make_data import make

    project = project_root()
    typer.echo(make(catalogue.load(project, profile), Workspace.of_project(project), project))


@app.command("synthesise", rich_help_panel="Tools")
def synthesise(
    model: Annotated[str, typer.Option("--model")],
    text: Annotated[str, typer.Option(help="what is to be said")],
    speaker: Annotated[str, typer.Option(help="a voice that the model was trained on")],
    language: Annotated[str, typer.Option(help="ko | en | ja | zh")],
    out: Annotated[Path, typer.Option(help="wav; .json (label) and .timings.json lie beside it")],
    version: Annotated[str, typer.Option(help="champion | pretrained | a number")] = "champion",
    pace: Annotated[float, typer.Option(help="2: twice as fast")] = 1.0,
    pitch_shift: Annotated[float, typer.Option(help="semitones")] = 0.0,
    pitch_scale: Annotated[float, typer.Option(help="0: monotone, 2: twice as lively")] = 1.0,
    energy: Annotated[float, typer.Option(help="loudness of every symbol")] = 1.0,
    word: Annotated[
        list[str] | None, typer.Option(help="one word otherwise: 2:pace=0.8,pitch_shift=3 (from 0)")
    ] = None,
    profile: ProfileOption = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Speak a text into a labelled wav, with the times of its words and sounds."""
    from components.nn.control import Control, parse_word_control
    from components.stages.synthesise import Wish
    from components.stages.synthesise import synthesise as say

    project = project_root()
    control = Control(pace, pitch_shift, pitch_scale, energy)
    words = dict(parse_word_control(one, control) for one in word or [])
    wish = Wish(model, text, cast("Language", language), speaker, version, control, words)
    said = say(project, catalogue.load(project, profile), _workspace(workspace, project), wish, out)
    typer.echo(f"{said.wav} (version {said.version}), {said.label.name}, {said.timings.name}")


@app.command("pretrain", rich_help_panel="Tools")
def pretrain(
    model: Annotated[str, typer.Option("--model", help="a model or an auxiliary network")],
    profile: Annotated[str, typer.Option(help="the longer training")] = "pretrain",
    workspace: WorkspaceOption = None,
) -> None:
    """Train first weights for pretrained/ (an hour or more on two cores)."""
    from components.stages.pretrain import pretrain as make_one

    project = project_root()
    typer.echo(make_one(project, _workspace(workspace, project), profile, model))


@app.command("dry-run", rich_help_panel="Tools")
def dry_run(
    model: Annotated[
        list[str] | None, typer.Option("--model", help="repeatable; none: all trainable")
    ] = None,
    profile: ProfileOption = None,
    workspace: WorkspaceOption = None,
) -> None:
    """The pods of a retraining (YAML, standard output) and their expected hours and cost (standard error)."""
    from rich.console import Console

    from components.stages import dry_run as tool

    project = project_root()
    pods = tool.plan(project, profile, _workspace(workspace, project), model or ())
    typer.echo(tool.manifests(pods), nl=False)
    console = Console(stderr=True)
    Console(stderr=True, width=None if console.is_terminal else _WIDTH_IN_A_FILE).print(
        tool.estimate(pods, catalogue.load(project, profile).platform.cost)
    )


@app.command("doctor", rich_help_panel="Tools")
def check_machine() -> None:
    """What this machine has, what is missing, and how to get it."""
    raise typer.Exit(doctor.report())


def main() -> None:
    """Entry point: our errors become their lines and their exit code; others keep their traceback."""
    wait_politely()
    try:
        app(standalone_mode=True)
    except IrisError as error:
        _leave(error)
    except Stopped:
        told = "run the same command again: what is done is kept, a training goes on from its checkpoint"
        _leave(
            StoppedError(
                who=" ".join(sys.argv[1:2]), expected="to end by itself", found="SIGTERM", action=told
            )
        )


def _leave(error: IrisError) -> NoReturn:
    for line in error.lines():
        typer.echo(line, err=True)
    tell(failed(error))
    sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
