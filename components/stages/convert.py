"""``convert``: a recording becomes the same words in another voice, in a labelled wav."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from components import inference
from components.core.errors import DataError
from components.core.params import Params
from components.core.paths import Workspace
from components.inference import MediaLabel
from components.stages.shipped import auxiliaries
from components.stages.synthesise import CHAMPION, chosen_weights

UNDETERMINED = "und"
"""BCP 47 for a language that nobody named."""


@dataclass(frozen=True)
class ConversionWish:
    """What is to be converted, and into whose voice.

    Attributes:
        version: ``champion`` (else what is shipped), ``pretrained``, or a number in the registry.
        language: what is spoken, for the label.
    """

    model: str
    source: Path
    speaker: str
    version: str = CHAMPION
    language: str = UNDETERMINED


@dataclass(frozen=True)
class Converted:
    """What was written: the version that converted, the wav, its label."""

    version: str
    wav: Path
    label: Path


def convert(
    project: Path, params: Params, workspace: Workspace, wish: ConversionWish, out: Path
) -> Converted:
    """Convert into ``out`` (a wav); the label lies beside it.

    Raises:
        DataError: a recording that cannot be used, or an unknown speaker; nothing is written then.
        ConfigError: no such model or version, or another content encoder than it was trained with.
        StorageError: no space or no permission.
    """
    from components.training.device import best_device

    version, folder = chosen_weights(project, params, workspace, wish.model, wish.version)
    section = params.models[wish.model]
    converter = inference.load_converter(
        wish.model, section, folder, auxiliaries(project, params), best_device()
    )
    if wish.speaker not in converter.consents:
        raise DataError(
            who=f"speaker {wish.speaker!r}",
            expected=f"one of {', '.join(converter.speakers)}",
            found="a speaker that this model was not trained on",
            action="choose one of these",
        )
    label = MediaLabel(
        model=wish.model,
        model_version=version,
        weights_sha256=converter.weights_sha256,
        speaker=wish.speaker,
        consent=converter.consents[wish.speaker],
        language=wish.language,
    )
    sidecar = inference.convert_file(converter, wish.source, wish.speaker, out, label)
    return Converted(version, out, sidecar)
