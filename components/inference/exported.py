"""An exported model at work: needs its folder and the pinned packages, no params.yaml, no training code."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch

from components import catalogue
from components.core.errors import BadInputError, CorruptFileError, DataError
from components.core.exported import (
    AUXILIARIES,
    DELIVERED,
    DESCRIPTION,
    REFERENCES,
    Description,
    Reference,
    read_description,
)
from components.core.params import ModelKind, ModelSection
from components.core.params.video import VideoParams
from components.core.progress import Progress
from components.inference.agreement import compared_frames, compared_speech
from components.inference.convert import convert
from components.inference.exact_clip import ExactClip, rendered
from components.inference.label import MediaLabel, made_now
from components.inference.lipsync import LipSynced, Rendering, lipsync_file
from components.inference.loading import load, load_converter, load_lip_sync, load_prompted
from components.nn.contracts import Auxiliaries, Speech, Synthesiser
from components.nn.conversion import VoiceConverter
from components.nn.lip_sync import LipSynchroniser
from components.nn.prompting import Line, PromptedSpeaker

if TYPE_CHECKING:
    from components.core.utterance import Language


@dataclass(frozen=True)
class VoicePrompt:
    """Whose voice a text is said in: a recording, and every word that is said in it.

    Attributes:
        seed: another one says it otherwise; None: the export's.
    """

    speech: Speech
    text: str
    language: str
    seed: int | None = None


class Exported:
    """A model as `components.delivery.bundle` wrote it.

    Args:
        parts: the folder ``artifacts/model`` of an export.
        device: where it computes.

    Raises:
        CorruptFileError: a description or weights that are not what was exported.
        DataError, ConfigError: a network that does not fit.
    """

    def __init__(self, parts: Path, device: str = "cpu") -> None:
        self._parts, self._device = parts, torch.device(device)
        self.description: Description = read_description(parts)
        self._section = self._typed_section()
        self._model: Any = self._loaded()
        self.weights_sha256: str = self._model.weights_sha256
        if self.weights_sha256 != self.description.weights_sha256:
            raise CorruptFileError(
                who=f"weights of {self.description.model} v{self.description.version}",
                expected=f"sha256 {self.description.weights_sha256[:12]}…, as {DESCRIPTION} says",
                found=f"{self.weights_sha256[:12]}…",
                action="fetch or export the folder again; these are other weights",
            )

    @property
    def speakers(self) -> tuple[str, ...]:
        """Voices it has; none of a model that moves lips or is given one by a prompt."""
        return tuple(getattr(self._model, "speakers", ()))

    def synthesise(self, text: str, language: str, speaker: str) -> Speech:
        """Say a text.

        Raises:
            DataError: what cannot be said.
            BadInputError: the model does something else.
        """
        self._require("text_to_speech", "synthesise")
        model = cast("Synthesiser", self._model)
        chunks = list(model.stream(text, cast("Language", language), speaker))
        return Speech(np.concatenate(chunks), model.sample_rate)

    def synthesise_prompted(self, text: str, language: str, prompt: VoicePrompt) -> Speech:
        """Say a text in the voice of a recording.

        Raises:
            DataError: what cannot be said, a prompt that cannot be used, or nothing that was said.
            BadInputError: the model does something else.
        """
        self._require("prompted_speech", "synthesise with a prompt")
        model = cast("PromptedSpeaker", self._model)
        voice = model.voice(prompt.speech, prompt.text, cast("Language", prompt.language))
        seed = self.description.seed if prompt.seed is None else prompt.seed
        (made,) = model.speak_all([Line(text, cast("Language", language), voice, seed)])
        if not len(made.speech.samples):
            raise DataError(
                who=f"{self.description.model} v{self.description.version}",
                expected=f"speech for {text[:40]!r}",
                found="none: it ended at once",
                action="try another prompt or seed",
            )
        return made.speech

    def convert(self, speech: Speech, speaker: str) -> Speech:
        """Say a recording in another voice.

        Raises:
            DataError: not mono, NaN or infinite samples, or an unknown speaker.
            BadInputError: the model does something else.
        """
        self._require("voice_conversion", "convert")
        return convert(cast("VoiceConverter", self._model), speech, speaker)

    def lipsync(self, picture: Path, speech: Path, out: Path, label: MediaLabel) -> LipSynced:
        """Render a face that says a recording; see `components.inference.lipsync_file`.

        Raises:
            DataError: a picture or recording that cannot be used.
            BadInputError: the model does something else.
        """
        from components.features.talking.prepare import detector_of

        self._require("lip_sync", "lipsync")
        video = VideoParams.model_validate_json(json.dumps(self.description.video))
        inference = self.description.section["inference"]
        rendering = Rendering(video.max_gap_frames, inference["feather"], inference["quality"])
        detector, model = detector_of(picture, video), cast("LipSynchroniser", self._model)
        return lipsync_file(model, picture, speech, out, label, detector, rendering, Progress("lipsync"))

    def label(self, speaker: str, language: str, consent: str = "") -> MediaLabel:
        """What a file that this model makes says of itself.

        Args:
            consent: of a face or a prompt; that of a voice it has stands in the model.

        Raises:
            DataError: an unknown speaker, or no consent.
        """
        known = getattr(self._model, "consents", {})
        return MediaLabel(
            model=self.description.model,
            model_version=self.description.version,
            weights_sha256=self.weights_sha256,
            speaker=speaker,
            consent=consent or str(known.get(speaker, "")),
            language=language,
            created=made_now(),
        )

    def check(self, kept: Path | None = None) -> list[dict[str, Any]]:
        """Make every reference again; one entry each, ``fault`` is "" where it lies within the tolerance.

        Args:
            kept: a folder that is given what was said, ``<sentence_id>.wav``; None: nothing is kept.

        Raises:
            DataError: a reference that cannot be read.
        """
        if self.description.kind == "lip_sync":
            return [self._rendered_again(one) for one in self.description.references]
        return [self._said_again(one, kept) for one in self.description.references]

    def _said_again(self, reference: Reference, kept: Path | None) -> dict[str, Any]:
        heard = read_speech(self._parts / REFERENCES / reference.sample)
        made = self._repeated(reference)
        if kept is not None:
            self._keep(kept / f"{reference.sentence_id}.wav", made, reference)
        found = compared_speech(heard, made, self.description.tolerance)
        return {"sentence_id": reference.sentence_id, **found}

    def _repeated(self, reference: Reference) -> Speech:
        folder = self._parts / REFERENCES
        if reference.source:
            return self.convert(read_speech(folder / reference.source), reference.speaker)
        if not reference.prompt:
            return self.synthesise(reference.text, reference.language, reference.speaker)
        speech = read_speech(folder / reference.prompt)
        voice = VoicePrompt(speech, reference.prompt_text, reference.prompt_language, reference.seed)
        return self.synthesise_prompted(reference.text, reference.language, voice)

    def _keep(self, path: Path, speech: Speech, reference: Reference) -> None:
        from components.inference.synthesise import to_wav

        to_wav(path, speech, self.label(reference.speaker, reference.language, "und"))

    def _rendered_again(self, reference: Reference) -> dict[str, Any]:
        clip = ExactClip.read(self._parts / REFERENCES / reference.sample)
        model = cast("LipSynchroniser", self._model)
        made = rendered(model, clip.crops, clip.references, clip.samples, len(clip.crops))
        found = compared_frames(clip.made, made, self.description.tolerance)
        return {"sentence_id": reference.sentence_id, **found}

    def _require(self, kind: ModelKind, verb: str) -> None:
        if self.description.kind != kind:
            raise BadInputError(
                who=f"{self.description.model} v{self.description.version}",
                expected=f"a model of the kind {kind}, to {verb}",
                found=self.description.kind,
                action="see the model card (README.md) for what this model does",
            )

    def _typed_section(self) -> ModelSection:
        kinds = catalogue.section_types()
        return kinds[self.description.model].model_validate_json(json.dumps(self.description.section))

    def _loaded(self) -> Synthesiser | PromptedSpeaker | VoiceConverter | LipSynchroniser:
        name, delivered = self.description.model, self._parts / DELIVERED
        if self.description.kind == "lip_sync":
            return load_lip_sync(name, self._section, delivered, self._device)
        kinds = catalogue.auxiliary_types()
        sections = {
            one: kinds[one].model_validate_json(json.dumps(values))
            for one, values in self.description.auxiliaries.items()
        }
        serving = Auxiliaries(self._parts / AUXILIARIES, sections)
        if self.description.kind == "text_to_speech":
            return load(name, self._section, delivered, serving, self._device)
        if self.description.kind == "prompted_speech":
            return load_prompted(name, self._section, delivered, serving, self._device)
        return load_converter(name, self._section, delivered, serving, self._device)


def read_speech(path: Path) -> Speech:
    """A recording, its channels averaged.

    Raises:
        DataError: it cannot be read.
    """
    import soundfile

    try:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, OSError) as error:
        raise DataError(
            who=str(path),
            expected="a recording: wav, flac, ogg, mp3",
            found=" ".join(str(error).split())[:120],
            action="name a recording that a player plays",
        ) from error
    return Speech(samples.mean(axis=1), int(rate))
