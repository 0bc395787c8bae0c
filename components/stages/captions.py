"""``captions``: a recording and its text become SRT or WebVTT."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components import captions as room
from components.captions.files import require_suffix
from components.core.errors import ConfigError, DataError
from components.core.params import Params
from components.core.utterance import LANGUAGES, Language
from components.nn.timed_speech import Timed
from components.stages.shipped import shipped

if TYPE_CHECKING:
    from components.auxiliaries.recogniser.phoneme_recogniser import PhonemeRecogniser

_RECOGNISER = "recogniser"


@dataclass(frozen=True)
class CaptionWish:
    """What is to be captioned: a recording with its text, or the timings that ``synthesise`` left.

    Attributes:
        audio, text, language: of a recording; the three belong together.
        timings: ``x.wav.timings.json``.
    """

    audio: Path | None = None
    text: str | None = None
    language: str | None = None
    timings: Path | None = None


def caption(project: Path, params: Params, wish: CaptionWish, out: Path) -> tuple[room.Cue, ...]:
    """Write ``out`` (.srt or .vtt).

    Raises:
        ConfigError: another ending, or neither a recording with its text nor timings.
        DataError: a recording, text or timings that cannot be used; nothing is written then.
        StorageError: no space or no permission.
    """
    require_suffix(out)
    recorded = (wish.audio, wish.text, wish.language)
    if wish.timings is not None and recorded == (None, None, None):
        text, language, words = read_timings(wish.timings)
    elif wish.timings is None and wish.audio and wish.text is not None and wish.language:
        text, language = wish.text, known_language(wish.language)
        words = _aligned(project, params, wish.audio, text, language)
    else:
        raise ConfigError(
            who="captions",
            expected="either --timings, or --audio, --text and --language",
            found="neither or a mixture",
            action="give the timings that synthesise wrote, or a recording with what is said in it",
        )
    return write(out, text, words, language, params)


def write(
    out: Path, text: str, words: Sequence[Timed], language: Language, params: Params
) -> tuple[room.Cue, ...]:
    """Captions of words that are timed already.

    Raises:
        ConfigError, DataError, StorageError: as `caption`.
    """
    cues = room.captions_of(text, words, language, params.captions)
    room.write_captions(out, cues)
    return cues


def read_timings(path: Path) -> tuple[str, Language, tuple[Timed, ...]]:
    """Text, language and words of a ``.timings.json``.

    Raises:
        DataError: missing, or not what ``synthesise`` writes.
    """
    try:
        told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        words = tuple(Timed(str(w["text"]), float(w["start_s"]), float(w["end_s"])) for w in told["words"])
        return str(told["text"]), known_language(str(told["language"])), words
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            who=str(path),
            expected="the timings that `synthesise` writes beside a wav",
            found=f"{type(error).__name__}: {' '.join(str(error).split())[:120]}",
            action="name the .timings.json, or give --audio, --text and --language",
        ) from error


def known_language(language: str) -> Language:
    """The language.

    Raises:
        DataError: none of those that are captioned.
    """
    if language not in LANGUAGES:
        raise DataError(
            who=f"language {language!r}",
            expected=f"one of {', '.join(LANGUAGES)}",
            found="no captions for it",
            action="name the language that is spoken",
        )
    return language


def _aligned(project: Path, params: Params, audio: Path, text: str, language: Language) -> tuple[Timed, ...]:
    import numpy as np

    from components.inference.recording import blocks
    from components.nn.contracts import Speech

    recogniser = aligner(project)
    rate, longest = recogniser.sample_rate, params.captions.alignment.max_audio_s
    parts, held = [], 0
    for part in blocks(audio, rate, longest):
        parts.append(part)
        held += len(part)
        if held > longest * rate:  # `align` refuses it by name; the rest need not be read for that
            break
    return room.align(
        recogniser, Speech(np.concatenate(parts), rate), text, language, params.captions.alignment
    )


def aligner(project: Path) -> PhonemeRecogniser:
    """The shipped recogniser, for `components.captions.align`.

    Raises:
        CorruptFileError, DataError: its weights are damaged or missing.
    """
    import torch

    from components.auxiliaries.recogniser.phoneme_recogniser import PhonemeRecogniser

    return PhonemeRecogniser(shipped(project) / _RECOGNISER, torch.device("cpu"))
