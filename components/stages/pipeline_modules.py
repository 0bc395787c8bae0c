"""The models of the pipeline, loaded once: what speaks, what converts, what moves lips; and the face."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from components.core.errors import ConfigError
from components.core.params import Params
from components.core.paths import Workspace
from components.stages.convert import converter_for
from components.stages.lipsync import lips_for
from components.stages.synthesise import CHAMPION, chosen_weights, synthesiser_for

if TYPE_CHECKING:
    from components.nn.contracts import Synthesiser
    from components.nn.conversion import VoiceConverter
    from components.nn.lip_sync import LipSynchroniser

SPEECH, VOICE, LIPS = "speech", "voice", "lips"
DRAWN, SYNTHETIC = "drawn", "synthetic"
"""Whose face it is where none was given, and what allows it."""
_INSTEAD = {
    SPEECH: "",
    VOICE: ", or leave --convert-to out",
    LIPS: ", or `--without lips`: sound and captions over the face as it is",
}


@dataclass(frozen=True)
class Modules:
    """What was loaded. ``made_by`` holds the name and version of each part that is there."""

    speech: Synthesiser
    voice: VoiceConverter | None
    lips: LipSynchroniser | None
    made_by: Mapping[str, tuple[str, str]]

    def hashes(self) -> list[str]:
        """sha256 of each part's weights, in the order of ``made_by``."""
        return [one.weights_sha256 for one in (self.speech, self.voice, self.lips) if one is not None]


def load_modules(
    project: Path,
    params: Params,
    workspace: Workspace,
    convert_to: str,
    without: Collection[str] = (),
    version: str = CHAMPION,
) -> Modules:
    """The promoted models, else those that are shipped.

    Args:
        convert_to: whose voice is wanted; empty: the speech stays as it is.
        without: parts that are left out.
        version: see `chosen_weights`.

    Raises:
        ConfigError: a part without weights; it is named, and what can be done without it.
        DataError: an unknown voice, or damaged weights.
    """
    names = _names(params)
    made_by = {}
    with _named(SPEECH, names[SPEECH]):
        spoken_by, speech = synthesiser_for(project, params, workspace, names[SPEECH], version)
    made_by[SPEECH] = (names[SPEECH], spoken_by)
    voice = lips = None
    if convert_to:
        with _named(VOICE, names[VOICE]):
            converted_by, voice = converter_for(project, params, workspace, names[VOICE], convert_to, version)
        made_by[VOICE] = (names[VOICE], converted_by)
    if LIPS not in without:
        with _named(LIPS, names[LIPS]):
            moved_by, lips = lips_for(project, params, workspace, names[LIPS], version)
        made_by[LIPS] = (names[LIPS], moved_by)
    return Modules(speech, voice, lips, made_by)


def require_weights(
    project: Path, params: Params, workspace: Workspace, without: Collection[str], version: str = CHAMPION
) -> None:
    """Refuse speech or lips that have no weights, before anything is loaded or looked at.

    A voice is looked for when it is loaded: it may be that of a training that was not promoted.

    Raises:
        ConfigError: the part is named, and what can be done without it.
    """
    for part in (SPEECH, LIPS):
        if part not in without:
            with _named(part, _names(params)[part]):
                chosen_weights(project, params, workspace, _names(params)[part], version)


def lips_are_there(project: Path, params: Params, workspace: Workspace) -> bool:
    """Whether the model that moves lips has weights."""
    try:
        chosen_weights(project, params, workspace, params.pipeline.lips, CHAMPION)
    except ConfigError:
        return False
    return True


def drawn_face(folder: Path, pixels: int) -> Path:
    """A still of a drawn person, with its box beside it, for whoever has no face at hand."""
    import cv2

    from components.data.talking_face.talk import talk
    from components.features.faces.detection import boxes_beside, write_boxes

    drawn = next(iter(talk((), "ko", 1.0, "unseen-0", "pipeline", 1, pixels)))
    path = folder / "face.png"
    cv2.imwrite(str(path), drawn.image[:, :, ::-1])
    write_boxes(boxes_beside(path), [drawn.box[None]])
    return path


def _names(params: Params) -> dict[str, str]:
    own = params.pipeline
    return {SPEECH: own.speech, VOICE: own.voice, LIPS: own.lips}


@contextmanager
def _named(part: str, model: str) -> Iterator[None]:
    """Errors say which part of the pipeline they stop, and what goes without it."""
    try:
        yield
    except ConfigError as error:
        raise ConfigError(
            who=f"pipeline, {part} ({model})",
            expected=error.expected,
            found=error.found,
            action=f"{error.action}{_INSTEAD[part]}",
        ) from error
