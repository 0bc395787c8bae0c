"""Commands around the stages: reviewing, exporting, speaking, pretraining, looking ahead."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from components import catalogue, doctor
from components.cli.app import WIDTH_IN_A_FILE, ProfileOption, WorkspaceOption, app, workspace_of
from components.core.paths import Workspace, project_root

if TYPE_CHECKING:
    from components.core.utterance import Language


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
    restored = restore(params, workspace_of(workspace, project), run_id=run, md5=md5, target=target)
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
    typer.echo(roll_back(params, workspace_of(workspace, project), model, reason))


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
    language: Annotated[str, typer.Option(help="ko | en | ja | zh")],
    out: Annotated[Path, typer.Option(help="wav; .json (label) and .timings.json lie beside it")],
    speaker: Annotated[
        str | None, typer.Option(help="a voice that the model was trained on; of a prompt: for the label")
    ] = None,
    version: Annotated[str, typer.Option(help="champion | pretrained | a number")] = "champion",
    pace: Annotated[float, typer.Option(help="2: twice as fast")] = 1.0,
    pitch_shift: Annotated[float, typer.Option(help="semitones")] = 0.0,
    pitch_scale: Annotated[float, typer.Option(help="0: monotone, 2: twice as lively")] = 1.0,
    energy: Annotated[float, typer.Option(help="loudness of every symbol")] = 1.0,
    word: Annotated[
        list[str] | None, typer.Option(help="one word otherwise: 2:pace=0.8,pitch_shift=3 (from 0)")
    ] = None,
    captions: Annotated[Path | None, typer.Option(help=".srt or .vtt to write as well")] = None,
    prompt: Annotated[
        Path | None, typer.Option(help="a recording of some seconds: its voice speaks (vallex)")
    ] = None,
    prompt_text: Annotated[str, typer.Option(help="every word of the prompt")] = "",
    prompt_language: Annotated[str | None, typer.Option(help="of the prompt; none: the text's")] = None,
    consent: Annotated[str, typer.Option(help="consent record that allows the prompt's voice")] = "und",
    seed: Annotated[int | None, typer.Option(help="with a prompt: another one says it otherwise")] = None,
    live: Annotated[
        bool, typer.Option("--live", help="with a prompt: as a stream; tells when it is first heard")
    ] = False,
    profile: ProfileOption = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Speak a text into a labelled wav: in a voice that the model knows, or in that of a prompt."""
    from components.nn.control import UNCHANGED, Control, parse_word_control
    from components.stages.synthesise import Wish, require_voice
    from components.stages.synthesise import synthesise as say

    project = project_root()
    params, place = catalogue.load(project, profile), workspace_of(workspace, project)
    control = Control(pace, pitch_shift, pitch_scale, energy)
    words = dict(parse_word_control(one, control) for one in word or [])
    controlled = control != UNCHANGED or bool(words)
    if require_voice(model, speaker, prompt, controlled=controlled):
        from components.stages.synthesise_prompted import PromptedWish, synthesise_prompted, told

        spoken = PromptedWish(
            model, text, cast("Language", language), cast("Path", prompt), prompt_text,
            cast("Language | None", prompt_language), version, speaker or "und", consent, seed, live,
        )  # fmt: skip
        for line in told(synthesise_prompted(project, params, place, spoken, out, captions)):
            typer.echo(line)
        return
    wish = Wish(model, text, cast("Language", language), cast("str", speaker), version, control, words)
    said = say(project, params, place, wish, out, captions)
    more = f", {said.captions}" if said.captions else ""
    typer.echo(f"{said.wav} (version {said.version}), {said.label.name}, {said.timings.name}{more}")


@app.command("captions", rich_help_panel="Tools")
def caption(
    out: Annotated[Path, typer.Option(help=".srt or .vtt")],
    audio: Annotated[Path | None, typer.Option(help="a recording: wav, flac, ogg, mp3")] = None,
    text: Annotated[str | None, typer.Option(help="what is said in it")] = None,
    language: Annotated[str | None, typer.Option(help="ko | en | ja | zh")] = None,
    timings: Annotated[
        Path | None, typer.Option(help="instead of the three: what synthesise left beside its wav")
    ] = None,
    profile: ProfileOption = None,
) -> None:
    """Caption a recording whose text is known, or speech that synthesise made."""
    from components.stages.captions import CaptionWish
    from components.stages.captions import caption as write

    project = project_root()
    wish = CaptionWish(audio, text, language, timings)
    cues = write(project, catalogue.load(project, profile), wish, out)
    typer.echo(f"{out} ({len(cues)} captions)")


@app.command("init-corpus", rich_help_panel="Tools")
def init_corpus(
    path: Annotated[Path, typer.Argument(help="folder of recordings")],
    format: Annotated[str | None, typer.Option(help="none: recognised")] = None,  # noqa: A002
    corpus: Annotated[str | None, typer.Option(help="folder below data/; none: the format's name")] = None,
    role: Annotated[
        str | None, typer.Option(help="of every voice: model | evaluator | unseen | human")
    ] = None,
    profile: ProfileOption = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Recognise the format of a folder, tell what it holds, and take it in."""
    from components.stages.init_corpus import CorpusWish
    from components.stages.init_corpus import init_corpus as take

    project = project_root()
    wish = CorpusWish(path, format, corpus, role)
    for line in take(catalogue.load(project, profile), workspace_of(workspace, project), wish):
        typer.echo(line)


@app.command("lipsync", rich_help_panel="Tools")
def lipsync(
    video: Annotated[Path, typer.Option(help="a video of any rate, or a still: mp4, mov, png, jpg")],
    audio: Annotated[Path, typer.Option(help="a recording, or a video with sound")],
    out: Annotated[Path, typer.Option(help="mp4; .json (label) lies beside it")],
    model: Annotated[str, typer.Option("--model")] = "wav2lip",
    version: Annotated[str, typer.Option(help="champion | pretrained | a number")] = "champion",
    face: Annotated[str, typer.Option(help="whose face it is, for the label; und: not known")] = "und",
    consent: Annotated[str, typer.Option(help="consent record that allows the face; und: not known")] = "und",
    language: Annotated[str, typer.Option(help="what is spoken, for the label; und: not known")] = "und",
    profile: ProfileOption = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Make a face say a recording, into a labelled mp4."""
    from components.core.progress import Progress
    from components.stages.lipsync import LipSyncWish
    from components.stages.lipsync import lipsync as render

    project = project_root()
    wish = LipSyncWish(model, video, audio, version, face, consent, language)
    params, place = catalogue.load(project, profile), workspace_of(workspace, project)
    used, made = render(project, params, place, wish, out, Progress("lipsync"))
    typer.echo(f"{out} (version {used}), {made.frames} frames, {made.label.name}")
    for line in made.track.lines():
        typer.echo(f"  {line}")


@app.command("pretrain", rich_help_panel="Tools")
def pretrain(
    model: Annotated[str, typer.Option("--model", help="a model or an auxiliary network")],
    profile: Annotated[str, typer.Option(help="the longer training")] = "pretrain",
    workspace: WorkspaceOption = None,
) -> None:
    """Train first weights for pretrained/ (an hour or more on two cores)."""
    from components.stages.pretrain import pretrain as make_one

    project = project_root()
    typer.echo(make_one(project, workspace_of(workspace, project), profile, model))


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
    pods = tool.plan(project, profile, workspace_of(workspace, project), model or ())
    typer.echo(tool.manifests(pods), nl=False)
    console = Console(stderr=True)
    Console(stderr=True, width=None if console.is_terminal else WIDTH_IN_A_FILE).print(
        tool.estimate(pods, catalogue.load(project, profile).platform.cost)
    )
    for line in tool.refusals(project, profile, model or ()):
        typer.echo(line, err=True)


@app.command("graph", rich_help_panel="Tools")
def graph(profile: ProfileOption = None) -> None:
    """The tasks, edges and pods of a retraining as JSON, for orchestrators other than Airflow."""
    from components.stages import graph as tool

    typer.echo(tool.as_json(project_root(), profile), nl=False)


@app.command("doctor", rich_help_panel="Tools")
def check_machine() -> None:
    """What this machine has, what is missing, and how to get it."""
    raise typer.Exit(doctor.report())
