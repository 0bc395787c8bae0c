"""``lipsync``: a face and a recording become a video of the face saying it, labelled."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from components import inference
from components.core.params import Params, narrowed
from components.core.paths import Workspace
from components.core.progress import Progress
from components.features.talking.prepare import detector_of
from components.inference import LipSynced, MediaLabel, Rendering
from components.inference.label import made_now
from components.models.wav2lip.params import Section
from components.stages.convert import UNDETERMINED
from components.stages.synthesise import CHAMPION, chosen_weights

if TYPE_CHECKING:
    from components.nn.lip_sync import LipSynchroniser


@dataclass(frozen=True)
class LipSyncWish:
    """What is to be rendered.

    Attributes:
        picture: a video or a still with a face.
        speech: a recording, or a video with sound.
        version: ``champion`` (else what is shipped), ``pretrained``, or a number in the registry.
        face, consent: whose face it is and the consent record that allows it, for the label.
        language: what is spoken, for the label.
    """

    model: str
    picture: Path
    speech: Path
    version: str = CHAMPION
    face: str = UNDETERMINED
    consent: str = UNDETERMINED
    language: str = UNDETERMINED


def lipsync(
    project: Path, params: Params, workspace: Workspace, wish: LipSyncWish, out: Path, progress: Progress
) -> tuple[str, LipSynced]:
    """Render into ``out`` (mp4); the label lies beside it.

    Returns:
        The version that rendered, and what was written.

    Raises:
        DataError: a picture or recording that cannot be used, or no way to find the face; nothing is written.
        ConfigError: no such model or version.
        StorageError: no space or no permission.
    """
    detector = detector_of(wish.picture, params.data.video)
    version, model = lips_for(project, params, workspace, wish.model, wish.version)
    label = MediaLabel(
        model=wish.model,
        model_version=version,
        weights_sha256=model.weights_sha256,
        speaker=wish.face,
        consent=wish.consent,
        language=wish.language,
        created=made_now(),
    )
    rendering = rendering_of(params, wish.model)
    made = inference.lipsync_file(model, wish.picture, wish.speech, out, label, detector, rendering, progress)
    return version, made


def lips_for(
    project: Path, params: Params, workspace: Workspace, model: str, version: str
) -> tuple[str, LipSynchroniser]:
    """The version's name, and what moves lips.

    Raises:
        ConfigError, CorruptFileError, DataError: as `chosen_weights` and `load_lip_sync`.
    """
    from components.nn.device import best_device

    name, folder = chosen_weights(project, params, workspace, model, version)
    return name, inference.load_lip_sync(model, params.models[model], folder, best_device())


def rendering_of(params: Params, model: str) -> Rendering:
    """How the parameters have it rendered."""
    own = narrowed(params.models[model], Section).inference
    return Rendering(params.data.video.max_gap_frames, own.feather, own.quality)
