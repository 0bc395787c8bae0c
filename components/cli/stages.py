"""A command for each stage of the graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from components.cli.app import ForceOption, ModelOption, ProfileOption, WorkspaceOption, app, workspace_of
from components.core.attempt import Ending, current_attempt, tell
from components.core.errors import GateRefusedError
from components.core.paths import project_root
from components.core.stage_graph import APART, REVIEWS, STAGES, Stage
from components.core.storage import write_text

StrictOption = Annotated[bool, typer.Option("--strict", help="exit 43 unless the verdict is PASS")]


def _run(
    stage: str, model: str | None, profile: str | None, workspace: Path | None, force: bool, **extra: str
) -> dict[str, Any]:
    from components.stages import followers
    from components.stages.runner import Request

    project = project_root()
    where = workspace_of(workspace, project)
    request = Request(stage, model, profile, where, project, force, extra, current_attempt(), alone=True)
    record = followers.run(request)
    if record is None:
        return {}
    tell(Ending(record.attempt, record.state, verdict=str(record.summary.get("verdict", ""))))
    return dict(record.summary)


def run_once(
    stage: str, profile: str | None, workspace: Path | None, force: bool, options: Mapping[str, str | None]
) -> None:
    """A stage that runs once, with options of its own; None: not given."""
    _run(stage, None, profile, workspace, force, **{k: v for k, v in options.items() if v is not None})


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


for _stage in (*STAGES, *REVIEWS, *APART):
    if _stage.name not in {"ingest", "gate", "pipeline"}:  # these take options of their own
        app.command(_stage.name, help=_stage.summary, rich_help_panel="Stages")(_command_for(_stage))


@app.command("ingest", rich_help_panel="Stages")
def ingest(
    source: Annotated[
        str | None, typer.Option(help="folder of new recordings; none: params.yaml's corpora")
    ] = None,
    format: Annotated[  # noqa: A002 - the option's name
        str | None, typer.Option(help="generic | aihub | aishell3 | jvs | kss | ljspeech | vctk | zeroth")
    ] = None,
    corpus: Annotated[str | None, typer.Option(help="folder below data/ that receives them")] = None,
    profile: ProfileOption = None,
    workspace: WorkspaceOption = None,
    force: ForceOption = False,
) -> None:
    """Corpora in their own formats → audio and manifest; with --source, new recordings into a corpus."""
    given = {"source": source, "format": format, "corpus": corpus}
    run_once("ingest", profile, workspace, force, {k: v or None for k, v in given.items()})


@app.command("gate", rich_help_panel="Stages")
def gate(
    model: ModelOption = None,
    profile: ProfileOption = None,
    workspace: WorkspaceOption = None,
    force: ForceOption = False,
    strict: StrictOption = False,
    verdict_file: Annotated[
        Path | None, typer.Option(help="also write the verdict there, for what branches on it")
    ] = None,
) -> None:
    """Evidence, targets, champion → PASS, FAIL or INCONCLUSIVE."""
    told = _run("gate", model, profile, workspace, force)
    if verdict_file:
        write_text(verdict_file, told["verdict"])
    if strict and told["verdict"] != "PASS":
        raise GateRefusedError(
            who=f"gate of {model}",
            expected="verdict PASS",
            found=told["verdict"],
            action="see the reasons below and in the reports; the champion stays",
            details=told["reasons"],
        )


@app.command("features-shard", rich_help_panel="Tools")
def features_shard(
    shard: Annotated[str, typer.Option(help="number/of how many, from 0: 0/4")],
    model: ModelOption = None,
    profile: ProfileOption = None,
    workspace: WorkspaceOption = None,
    force: ForceOption = False,
) -> None:
    """Compute a share of a model's features ahead of the features stage; --force is the stage's."""
    from components.stages.features_shard import extract_shard
    from components.stages.runner import Request

    project = project_root()
    request = Request("features", model, profile, workspace_of(workspace, project), project)
    extract_shard(request, shard)
