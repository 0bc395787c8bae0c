"""``synthesise``: a text becomes a labelled wav, a JSON with the time of every word and sound, captions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from components import catalogue, inference
from components.captions.files import require_suffix
from components.core.errors import ConfigError
from components.core.params import Params
from components.core.paths import Workspace
from components.core.storage import write_json
from components.core.utterance import Language
from components.inference import MediaLabel
from components.inference.label import made_now
from components.nn.contracts import Auxiliaries, Speech, Synthesiser
from components.nn.control import UNCHANGED, Control
from components.promotion.succession import champion_alias
from components.stages import captions as caption_writer
from components.stages import services
from components.stages.shipped import shipped

if TYPE_CHECKING:
    from components.nn.timed_speech import TimedSpeech

CHAMPION, SHIPPED = "champion", "pretrained"
TIMINGS_SUFFIX = ".timings.json"


@dataclass(frozen=True)
class Wish:
    """What is to be said, by whom, and how.

    Attributes:
        version: ``champion`` (else what is shipped), ``pretrained``, or a number in the registry.
        word_controls: number of a word, from 0 → its own control.
    """

    model: str
    text: str
    language: Language
    speaker: str
    version: str = CHAMPION
    control: Control = UNCHANGED
    word_controls: Mapping[int, Control] = field(default_factory=dict)


@dataclass(frozen=True)
class Said:
    """What was written: the version that spoke, the wav, its label, the timings; captions if asked for."""

    version: str
    wav: Path
    label: Path
    timings: Path
    captions: Path | None = None


def synthesise(
    project: Path,
    params: Params,
    workspace: Workspace,
    wish: Wish,
    out: Path,
    captions: Path | None = None,
) -> Said:
    """Speak into ``out`` (a wav); the label and the timings lie beside it.

    Args:
        captions: .srt or .vtt that is written too, from the same timings.

    Raises:
        DataError: empty or over-long text, unknown language, speaker or word.
        ConfigError: no such model or version, nothing to speak with, or captions of another kind.
        StorageError: no space or no permission.
    """
    if captions is not None:
        require_suffix(captions)
    version, synthesiser = synthesiser_for(project, params, workspace, wish.model, wish.version)
    timed = synthesiser.synthesise_timed(
        wish.text, wish.language, wish.speaker, wish.control, wish.word_controls
    )
    label = MediaLabel(
        model=wish.model,
        model_version=version,
        weights_sha256=synthesiser.weights_sha256,
        speaker=wish.speaker,
        consent=synthesiser.consents[wish.speaker],
        language=wish.language,
        created=made_now(),
    )
    sidecar = inference.to_wav(out, Speech(timed.samples, timed.sample_rate), label)
    timings = out.with_name(out.name + TIMINGS_SUFFIX)
    write_json(timings, _told(wish, timed))
    if captions is not None:
        caption_writer.write(captions, wish.text, timed.words, wish.language, params)
    return Said(version, out, sidecar, timings, captions)


def require_voice(model: str, speaker: str | None, prompt: Path | None, *, controlled: bool) -> bool:
    """Whether the model speaks by a prompt; what belongs to its kind has to be given, and nothing else.

    Args:
        controlled: whether pace, pitch, energy or a word is asked for.

    Raises:
        ConfigError: no such model, no voice to speak in, or something that the model cannot do.
    """
    catalogue.spec(model)  # a model that does not exist is told as such
    kind = catalogue.section_types()[model].kind
    if kind == "prompted_speech":
        wrong = "no --prompt" if prompt is None else "pace, pitch or energy" if controlled else None
        needed = "--prompt and --prompt-text; its voice and manner are the prompt's"
    else:
        wrong = "a --prompt" if prompt is not None else "no --speaker" if speaker is None else None
        needed = "--speaker: it speaks in voices that it was trained on, or not at all"
    if wrong is not None:
        raise ConfigError(
            who=model,
            expected=needed,
            found=wrong,
            action="give what is expected and leave the rest out, or choose another --model",
        )
    return kind == "prompted_speech"


def synthesiser_for(
    project: Path, params: Params, workspace: Workspace, model: str, version: str
) -> tuple[str, Synthesiser]:
    """The version's name, and what speaks.

    Raises:
        ConfigError, CorruptFileError, DataError: as `chosen_weights` and `components.inference.load`.
    """
    from components.nn.device import best_device

    name, folder = chosen_weights(project, params, workspace, model, version)
    # Speech for a listener is no evidence: it needs no vocoder of a certain kind, only one that is there.
    serving = Auxiliaries(shipped(project), sections={})
    return name, inference.load(model, params.models[model], folder, serving, best_device())


def chosen_weights(
    project: Path, params: Params, workspace: Workspace, model: str, version: str
) -> tuple[str, Path]:
    """The version's name and its delivered folder.

    Args:
        version: ``champion`` (else what is shipped), ``pretrained``, or a number in the registry.

    Raises:
        ConfigError: no such version, or nothing shipped.
    """
    if version == SHIPPED:
        return SHIPPED, _shipped(project, model)
    # Without a tracking database nothing was ever promoted here, and asking would create one.
    mlflow = params.platform.mlflow
    if mlflow.tracking_uri or workspace.tracking_database.is_file():
        registry = services.registry_of(mlflow, workspace)
        if version != CHAMPION:
            chosen = registry.by_version(model, version)
            return chosen.version, registry.weights(chosen)
        champion = registry.by_alias(model, champion_alias(params.evaluation.scope))
        if champion is not None:
            return champion.version, registry.weights(champion)
    if version != CHAMPION:
        raise ConfigError(
            who=f"{model} v{version}",
            expected="a registry to find it in",
            found=f"no MLflow store in {workspace.root}",
            action="name the workspace of the run (--workspace), or leave --version out",
        )
    return SHIPPED, _shipped(project, model)


def _shipped(project: Path, model: str) -> Path:
    folder = shipped(project) / model
    if not (folder / "model.safetensors").is_file():
        if model not in catalogue.model_names():
            catalogue.spec(model)  # a model that does not exist is told as such
        raise ConfigError(
            who=model,
            expected="a champion, or weights in pretrained/",
            found="neither",
            action=f"make demo, or make pretrain MODEL={model}",
        )
    return folder


def _told(wish: Wish, timed: TimedSpeech) -> dict[str, object]:
    """Seconds from the first sample; captions are written from it."""
    return {
        "text": wish.text,
        "language": wish.language,
        "speaker": wish.speaker,
        "duration_s": round(len(timed.samples) / timed.sample_rate, 4),
        "words": [_entry(*word) for word in timed.words],
        "phonemes": [_entry(*phoneme) for phoneme in timed.phonemes],
    }


def _entry(text: str, start_s: float, end_s: float) -> dict[str, object]:
    return {"text": text, "start_s": round(start_s, 4), "end_s": round(end_s, 4)}
