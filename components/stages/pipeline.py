"""``pipeline``: a text becomes a captioned video of a face that says it, through every promoted model.

`pipeline` is the tool; `run` is the stage of the DAG ``demo_video``, the same work on what is promoted.
"""

from __future__ import annotations

import shlex
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from components.core.params import Params
from components.core.paths import Workspace
from components.core.progress import Progress
from components.core.provenance import git_sha
from components.core.stopwatch import Stopwatch
from components.core.storage import sha256_path, write_json
from components.features.faces.track import TrackReport
from components.stages.contract import Outcome, StageContext
from components.stages.pipeline_modules import LIPS, drawn_face, lips_are_there, load_modules, require_weights
from components.stages.pipeline_times import PipelineTimes, load_average, part_times
from components.stages.pipeline_work import BURN, PipelineWish, checked, prepared
from components.stages.synthesise import CHAMPION, chosen_weights

TIMES_SUFFIX = ".times.json"
_NAME = "pipeline"


@dataclass(frozen=True)
class Piped:
    """What was written, how long it took, and what was met on the way.

    Attributes:
        files: the video, its label, the times, captions.
        undrawn: characters that the captions' font lacks, left out of the picture.
        track: what was seen of the face.
    """

    files: tuple[Path, ...]
    frames: int
    times: PipelineTimes
    undrawn: str
    track: TrackReport

    def lines(self) -> list[str]:
        """What a person wants to know besides the times."""
        told = [f"{', '.join(str(file) for file in self.files)}: {self.frames} frames", *self.track.lines()]
        return [*told, f"not in the captions' font, left out: {self.undrawn}"] if self.undrawn else told


def pipeline(
    project: Path, params: Params, workspace: Workspace, wish: PipelineWish, out: Path, progress: Progress
) -> Piped:
    """Make ``out`` (mp4), its label, its times, and the captions that were asked for.

    Raises:
        BadInputError: an option that is none.
        ConfigError: a part without weights.
        DataError: a text, voice, face or language that cannot be used; nothing is written then.
        EnvironmentFaultError: no font for burned captions.
        StorageError: no space or no permission.
    """
    from components.evaluation.speaking import synchronise
    from components.training.device import device_label

    language = checked(wish)
    require_weights(project, params, workspace, wish.without, wish.version)
    with tempfile.TemporaryDirectory() as folder:
        face = wish.face or drawn_face(Path(folder), params.pipeline.drawn_face_pixels)
        work = prepared(project, params, wish, language, face, out, progress)
        started = time.perf_counter()
        modules = load_modules(project, params, workspace, wish.convert_to, wish.without, wish.version)
        loaded_s = time.perf_counter() - started
        warm_up = params.evaluation.latency_warmup if wish.repeat > 1 else 0
        runs = []
        for _ in range(warm_up + wish.repeat):
            watch = Stopwatch(partial(synchronise, modules.speech.device))
            done = work.once(modules, watch)
            runs.append(watch.seconds)
    parts, total = part_times(runs[warm_up:], modules.made_by)
    times = PipelineTimes(
        parts=parts,
        total=total,
        n=wish.repeat,
        warm_up=warm_up,
        audio_s=round(done.speech.duration_s, 3),
        loaded_s=round(loaded_s, 2),
        device=device_label(modules.speech.device),
        git_sha=git_sha(project),
        command=_command(),
        load_average=round(load_average(), 2),
        target_ms=params.kpi.latency.target_ms,
        target_audio_s=params.kpi.latency.utterance_seconds,
    )
    told = out.with_name(out.name + TIMES_SUFFIX)
    write_json(told, times.to_json())
    files = (out, done.film.label, told, *done.files)
    return Piped(files, done.film.frames, times, done.undrawn, done.track)


def _command() -> str:
    """What was typed; of a stage that another process runs, its name."""
    typed = sys.argv[1:] if sys.argv[1:2] == [_NAME] else [_NAME]
    return shlex.join(["python", "-m", "components", *typed])


def run(context: StageContext) -> Outcome:
    """Stage of the DAG ``demo_video``: the promoted models say a sentence; lips wait until they have weights.

    Raises:
        IrisError: see `pipeline`.
    """
    wish = _promoted(context)
    out = context.workspace.demonstration / "demo.mp4"
    made = pipeline(context.project, context.params, context.workspace, wish, out, context.progress)
    if LIPS in wish.without:
        context.progress.say(f"{context.params.pipeline.lips} has no weights: the face stays as it is")
    for line in made.lines():
        context.progress.say(line)
    names = ("video", "label", "times", "captions")
    summary = {
        "text": wish.text,
        "lips": LIPS not in wish.without,
        "frames": made.frames,
        "times": made.times.to_json(),
    }
    return Outcome(outputs=dict(zip(names, made.files, strict=True)), summary=summary)


def fingerprint(context: StageContext) -> dict[str, str]:
    """The weights that would be used, and the face: another champion says it anew."""
    wish, names = _promoted(context), context.params.pipeline
    wanted = [names.speech, *([names.voice] if wish.convert_to else [])]
    wanted += [] if LIPS in wish.without else [names.lips]
    found = {}
    for model in wanted:
        version, folder = chosen_weights(context.project, context.params, context.workspace, model, CHAMPION)
        found[model] = f"{version} {sha256_path(folder)}"
    return {**found, "face": sha256_path(wish.face) if wish.face and wish.face.is_file() else ""}


def _promoted(context: StageContext) -> PipelineWish:
    """What the DAG asks for, else what ``pipeline`` in params.yaml says; an empty voice is none."""
    params, told = context.params, {name: str(value) for name, value in context.extra.items()}
    lips = lips_are_there(context.project, params, context.workspace)
    return PipelineWish(
        text=told.get("text") or params.pipeline.sentence,
        language=told.get("language") or params.pipeline.language,
        speaker=told.get("speaker", ""),
        convert_to=told.get("convert-to", params.pipeline.convert_to),
        face=Path(told["face"]) if told.get("face") else None,
        captions=("srt", BURN),
        without=() if lips else (LIPS,),
    )
