"""``convert``: a recording becomes the same words in another voice, in a labelled wav."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, NoReturn

from pydantic import ValidationError

from components import inference
from components.core.errors import BadInputError, ConfigError, DataError
from components.core.params import ModelSection, Params
from components.core.paths import Workspace
from components.core.progress import Progress
from components.inference import MediaLabel
from components.inference.convert import Manner
from components.inference.label import made_now
from components.inference.live import Delays, Playback
from components.nn.conversion import VoiceConverter
from components.stages.records import read_record
from components.stages.shipped import auxiliaries
from components.stages.synthesise import CHAMPION, chosen_weights

UNDETERMINED = "und"
"""BCP 47 for a language that nobody named."""
TRAINED = "trained"
"""The version that this workspace trained last, judged or not."""


@dataclass(frozen=True)
class ConversionWish:
    """What is to be converted, and into whose voice.

    Attributes:
        version: ``champion`` (else what is shipped), ``pretrained``, ``trained``, or a number in the
            registry. A speaker whom the champion does not know is looked for in what was trained last.
        language: what is spoken, for the label.
        inference: names and values that replace those of ``models.<model>.inference``, under its checks.
        live: play the recording to a stream, and measure how late it is heard.
        source_hz: see `components.inference.convert.Manner`.
    """

    model: str
    source: Path
    speaker: str
    version: str = CHAMPION
    language: str = UNDETERMINED
    inference: Mapping[str, Any] = field(default_factory=dict)
    live: bool = False
    source_hz: float | None = None


@dataclass(frozen=True)
class Converted:
    """What was written: the version that converted, the wav, its label; of a stream its delays."""

    version: str
    wav: Path
    label: Path
    delays: Delays | None


def convert(
    project: Path, params: Params, workspace: Workspace, wish: ConversionWish, out: Path
) -> Converted:
    """Convert into ``out`` (a wav); the label lies beside it.

    Raises:
        DataError: a recording that cannot be used, or an unknown speaker; nothing is written then.
        BadInputError: a value that `models.<model>.inference` does not allow.
        ConfigError: no such model or version, or another content encoder than it was trained with.
        StorageError: no space or no permission.
    """
    version, converter = converter_for(
        project, params, workspace, wish.model, wish.speaker, wish.version, wish.inference
    )
    label = MediaLabel(
        model=wish.model,
        model_version=version,
        weights_sha256=converter.weights_sha256,
        speaker=wish.speaker,
        consent=converter.consents[wish.speaker],
        language=wish.language,
        created=made_now(),
    )
    playback = Playback(converter.source_rate, converter.sample_rate) if wish.live else None
    manner = Manner(wish.source_hz, playback, Progress("convert"))
    sidecar = inference.convert_file(converter, wish.source, wish.speaker, out, label, manner)
    return Converted(version, out, sidecar, playback.delays() if playback else None)


def told(made: Converted) -> list[str]:
    """What a person wants to know of it, in lines."""
    lines = [f"{made.wav} (version {made.version}), {made.label.name}"]
    if made.delays:
        one = made.delays
        lines.append(
            f"heard after {one.p50_ms:.0f} ms (p95 {one.p95_ms:.0f}, at most {one.max_ms:.0f}; {one.chunks} "
            f"chunks), {one.real_time_factor:.2f} s of computing a second: measured on this machine"
        )
        if not one.keeps_up:
            lines.append("this machine does not keep up: the delay grows for as long as the stream lasts")
    return lines


def with_inference(section: ModelSection, model: str, changes: Mapping[str, Any]) -> ModelSection:
    """The section with other values under ``inference``, checked as params.yaml is.

    Raises:
        BadInputError: a value out of range, or one that does not fit the others.
    """
    values = section.model_dump()
    values["inference"] |= changes
    try:
        return type(section).model_validate(values)
    except ValidationError as error:
        problem = error.errors()[0]
        named = [str(part) for part in problem["loc"] if part in changes] or sorted(changes)
        raise BadInputError(
            who=", ".join(f"models.{model}.inference.{name}" for name in named),
            expected=str(problem["msg"]),
            found=", ".join(f"{changes[name]!r}" for name in named),
            action="correct the option; nothing was converted",
        ) from error


def converter_for(
    project: Path,
    params: Params,
    workspace: Workspace,
    model: str,
    speaker: str,
    version: str = CHAMPION,
    changes: Mapping[str, Any] = MappingProxyType({}),
) -> tuple[str, VoiceConverter]:
    """The version's name, and what converts into the voice of ``speaker``.

    Args:
        version, changes: as ``version`` and ``inference`` of `ConversionWish`.

    Raises:
        DataError: an unknown speaker.
        BadInputError, ConfigError: as `convert`.
    """
    from components.nn.device import best_device

    section = with_inference(params.models[model], model, changes)

    def loaded(folder: Path) -> VoiceConverter:
        return inference.load_converter(model, section, folder, auxiliaries(project, params), best_device())

    trained = _trained(workspace, model)
    try:
        if version == TRAINED:
            name, folder = trained or _never_trained(workspace, model)
        else:
            name, folder = chosen_weights(project, params, workspace, model, version)
    except ConfigError:
        if version != CHAMPION or trained is None:
            raise
        name, folder = trained
    converter = loaded(folder)
    if speaker in converter.consents:
        return name, converter
    if version == CHAMPION and trained is not None:
        later = loaded(trained[1])
        if speaker in later.consents:
            return trained[0], later
    raise DataError(
        who=f"speaker {speaker!r}",
        expected=f"one of {', '.join(converter.speakers)}",
        found="a speaker that this model was not trained on",
        action=f"choose one of these, or `python -m components add-speaker --name {speaker} ...`",
    )


def _never_trained(workspace: Workspace, model: str) -> NoReturn:
    raise ConfigError(
        who=f"{model}, version {TRAINED}",
        expected=f"a training in {workspace.root}",
        found="no record of one",
        action="name the workspace of the training (--workspace), or leave --version out",
    )


def _trained(workspace: Workspace, model: str) -> tuple[str, Path] | None:
    """Run id and delivered folder of the last training here, if there was one."""
    record = read_record(workspace, "train", model)
    folder = record.output(workspace.root, "delivered") if record else None
    return (str(record.summary["run_id"]), folder) if record and folder and folder.is_dir() else None
