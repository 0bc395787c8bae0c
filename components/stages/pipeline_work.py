"""From a text to the files, once: what the pipeline repeats where it is measured."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Literal, get_args

from components import captions as room
from components.core.errors import BadInputError
from components.core.params import Params
from components.core.progress import Progress
from components.core.stopwatch import Stopwatch
from components.core.utterance import Language
from components.data.video.media import frames_at
from components.data.video.subtitles import Subtitle, SubtitleTrack
from components.features.faces.track import TrackReport
from components.features.talking.prepare import detector_of
from components.inference import MediaLabel
from components.inference.convert import convert
from components.inference.film import Film, Format, exactly, film, frames_of, speech_sound
from components.inference.label import made_now
from components.inference.lipsync import heard_in, speaking
from components.nn.contracts import Speech
from components.nn.control import UNCHANGED
from components.nn.timed_speech import Timed
from components.stages.captions import aligner, known_language
from components.stages.convert import UNDETERMINED
from components.stages.lipsync import rendering_of
from components.stages.pipeline_modules import DRAWN, LIPS, SYNTHETIC, Modules
from components.stages.synthesise import CHAMPION

CaptionForm = Literal["srt", "vtt", "burn"]
CAPTIONS, BURN = "captions", "burn"
OMISSIBLE = (LIPS, CAPTIONS)


@dataclass(frozen=True)
class PipelineWish:
    """What is to be said and shown.

    Attributes:
        speaker: a voice of the model that speaks; empty: its first.
        convert_to: a voice of the model that converts; empty: none.
        face: a video or a still; None: a drawn face.
        captions: files beside the video, ``burn`` for letters in the picture. Without ``burn`` the video has
            a track that a player shows or hides.
        without: ``lips``, ``captions``.
        repeat: runs that are measured; more than one are warmed up first.
        version: ``champion`` (else what is shipped), or ``pretrained``.
        face_of, face_consent: whose face it is and what allows it, for the label.
    """

    text: str
    language: str
    speaker: str = ""
    convert_to: str = ""
    face: Path | None = None
    captions: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    repeat: int = 1
    version: str = CHAMPION
    face_of: str = UNDETERMINED
    face_consent: str = UNDETERMINED


@dataclass(frozen=True)
class Done:
    """What a run left; ``undrawn`` and ``track`` as in `components.stages.pipeline.Piped`."""

    speech: Speech
    film: Film
    files: tuple[Path, ...]
    undrawn: str
    track: TrackReport


@dataclass(frozen=True)
class Work:
    """One text, one face, one place to write to; any number of runs.

    Attributes:
        size: width and height of the face's picture.
        lettering: the font, where captions are burned in.
    """

    project: Path
    params: Params
    wish: PipelineWish
    language: Language
    face: Path
    size: tuple[int, int]
    lettering: room.Lettering | None
    out: Path
    progress: Progress

    def once(self, modules: Modules, watch: Stopwatch) -> Done:
        """The whole way from the text to the files."""
        speech, words = self._said(modules, watch)
        fps = modules.lips.fps if modules.lips else self.params.data.video.fps
        pictures = exactly(frames_at(self.face, fps), frames_of(speech, fps))
        report, loud = TrackReport(), speech_sound(speech)
        with ExitStack() as stack:
            images = watch.through("video", pictures)
            if modules.lips:
                with watch.of("lips"):
                    heard = stack.enter_context(heard_in(loud, modules.lips.sample_rate))
                    detector = detector_of(self.face, self.params.data.video)
                rendering = rendering_of(self.params, self.params.pipeline.lips)
                moved = speaking(modules.lips, images, heard, detector, rendering, report)
                images = watch.through("lips", moved)
            with watch.of("captions"):
                files, track, undrawn, images = self._captioned(words, images, fps, watch)
            form = Format(fps, rendering_of(self.params, self.params.pipeline.lips).quality, track)
            label = _label(self.wish, modules, self.language)
            with watch.of("video"):
                made = film(images, loud, speech.duration_s, self.out, form, label, self.progress)
        return Done(speech, made, files, undrawn, report)

    def _said(self, modules: Modules, watch: Stopwatch) -> tuple[Speech, Sequence[Timed]]:
        wish = self.wish
        with watch.of("speech"):
            timed = modules.speech.synthesise_timed(
                wish.text, self.language, _speaker(wish, modules), UNCHANGED, {}
            )
        speech = Speech(timed.samples, timed.sample_rate)
        if modules.voice is not None:
            with watch.of("voice"):  # as long as the source, to the sample: the times hold
                speech = convert(modules.voice, speech, wish.convert_to)
        if timed.words or CAPTIONS in wish.without:
            return speech, timed.words
        with watch.of("captions"):
            limits = self.params.captions.alignment
            return speech, room.align(aligner(self.project), speech, wish.text, self.language, limits)

    def _captioned(
        self, words: Sequence[Timed], images: Iterator[Any], fps: int, watch: Stopwatch
    ) -> tuple[tuple[Path, ...], SubtitleTrack | None, str, Iterator[Any]]:
        """Files, track, what could not be drawn, and the images, drawn upon where that is asked for."""
        wish, params = self.wish, self.params.captions
        if CAPTIONS in wish.without:
            return (), None, "", images
        cues = room.captions_of(wish.text, words, self.language, params)
        files = tuple(self.out.with_suffix(f".{form}") for form in wish.captions if form != BURN)
        for file in files:
            room.write_captions(file, cues)
        if self.lettering is None:
            shown = [Subtitle(cue.start_ms, cue.end_ms, "\n".join(cue.lines)) for cue in cues]
            return files, SubtitleTrack(self.language, shown), "", images
        narrow = room.captions_of(wish.text, words, self.language, room.fitting(params, *self.size))
        drawn, undrawn = room.drawable(narrow, self.lettering)
        burned = room.burned(images, fps, drawn, self.lettering, params.burn)
        return files, None, undrawn, watch.through("captions", burned)


def prepared(
    project: Path,
    params: Params,
    wish: PipelineWish,
    language: Language,
    face: Path,
    out: Path,
    progress: Progress,
) -> Work:
    """Everything that can be refused before a model is loaded, is.

    Raises:
        DataError: a face that cannot be read, or one that cannot be found.
        EnvironmentFaultError: no font for burned captions.
    """
    (first,) = islice(frames_at(face, params.data.video.fps), 1)
    if LIPS not in wish.without:
        detector_of(face, params.data.video)
    lettering = None
    if BURN in wish.captions:
        lettering = room.Lettering(params.captions.burn.font)
        lettering.require(language)
    size = first.shape[1], first.shape[0]
    return Work(project, params, wish, language, face, size, lettering, out, progress)


def checked(wish: PipelineWish) -> Language:
    """The language, where every option is one.

    Raises:
        BadInputError: an option that is none, or two that do not go together.
        DataError: an unknown language.
    """
    for option, given, known in (
        ("--captions", wish.captions, get_args(CaptionForm)),
        ("--without", wish.without, OMISSIBLE),
    ):
        for one in given:
            if one not in known:
                raise _no_option(option, " | ".join(known), repr(one))
    if wish.repeat < 1:
        raise _no_option("--repeat", "at least 1", str(wish.repeat))
    if CAPTIONS in wish.without and wish.captions:
        raise _no_option("--without captions", "no --captions beside it", ", ".join(wish.captions))
    return known_language(wish.language)


def _no_option(who: str, expected: str, found: str) -> BadInputError:
    return BadInputError(who=who, expected=expected, found=found, action="correct the option")


def _speaker(wish: PipelineWish, modules: Modules) -> str:
    return wish.speaker or modules.speech.speakers[0]


def _label(wish: PipelineWish, modules: Modules, language: Language) -> MediaLabel:
    """One label for the work of several models: their names, versions and hashes in order."""
    said_by = _speaker(wish, modules)
    face = (DRAWN, SYNTHETIC) if wish.face is None else (wish.face_of, wish.face_consent)
    consents = [modules.speech.consents[said_by]]
    if modules.voice is not None:
        consents.append(modules.voice.consents[wish.convert_to])
    made_by = list(modules.made_by.values())
    return MediaLabel(
        model=" + ".join(name for name, _ in made_by),
        model_version=" + ".join(version for _, version in made_by),
        weights_sha256=" + ".join(modules.hashes()),
        speaker=f"{wish.convert_to or said_by}, face: {face[0]}",
        consent=" + ".join(dict.fromkeys([*consents, face[1]])),
        language=language,
        created=made_now(),
    )
