"""Speech with exact phoneme timings, and the phonemes alone, from one and the same analysis."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import get_args

import numpy as np
import numpy.typing as npt

from components.core.errors import DataError, EnvironmentFaultError
from components.core.utterance import Language
from components.espeak import library
from components.espeak.phones import Phone, phones

#: Mandarin is fed pinyin: the front-end decides how a character is read.
VOICES: dict[Language, str] = {"ko": "ko", "en": "en-us", "ja": "ja", "zh": "cmn-latn-pinyin"}
_NEUTRAL = 50


@dataclass(frozen=True)
class Voice:
    """A way to sound: an espeak-ng variant, pitch and pitch range (0-99, 50 = the variant's own)."""

    variant: str = ""
    pitch: int = _NEUTRAL
    pitch_range: int = _NEUTRAL


@dataclass(frozen=True)
class PhoneTiming:
    """One symbol and where it sounds, in samples."""

    symbol: str
    start: int
    end: int


@dataclass(frozen=True)
class Speech:
    """A synthesis: samples int16 [n] at `sample_rate_hz`; timings contiguous from 0 to n."""

    samples: npt.NDArray[np.int16]
    sample_rate_hz: int
    timings: tuple[PhoneTiming, ...]


def synthesise(text: str, language: Language, voice: Voice, words_per_minute: int) -> Speech:
    """Speak what `components.text.spoken` made. Same arguments, same bytes, in any process and any order.

    Raises:
        DataError: unknown language, or nothing in the text that can be spoken.
        EnvironmentFaultError: no library, or no such voice variant.
    """
    pcm, found = _speak(text, language, voice, words_per_minute)
    samples = np.frombuffer(pcm, dtype="<i2").astype(np.int16)
    ends = [*(phone.start for phone in found[1:]), len(samples)]
    timings = tuple(PhoneTiming(p.symbol, p.start, end) for p, end in zip(found, ends, strict=True))
    return Speech(samples, library.SAMPLE_RATE_HZ, timings)


def phonemes(text: str, language: Language, words_per_minute: int = 165) -> list[str]:
    """The symbols that `synthesise` times for this text, with whichever voice.

    espeak-ng offers phonemes without speech too, but decides a few of them (flaps, linking) only while it
    speaks; it is 700 times faster than real time, so the audio is made and dropped.

    Raises:
        DataError: unknown language, or nothing in the text that can be spoken.
    """
    return [phone.symbol for phone in spoken_phones(text, language, words_per_minute)]


def spoken_phones(text: str, language: Language, words_per_minute: int = 165) -> list[Phone]:
    """`phonemes` with the place in the text where each one's word begins.

    Raises:
        DataError: unknown language, or nothing in the text that can be spoken.
    """
    return _speak(text, language, Voice(), words_per_minute)[1]


@cache
def variants() -> frozenset[str]:
    """Names of the variants in the wheel."""
    return frozenset(path.name for path in (library.data_folder() / "voices" / "!v").iterdir())


def _speak(text: str, language: Language, voice: Voice, words_per_minute: int) -> tuple[bytes, list[Phone]]:
    if language not in VOICES:
        raise DataError(
            who=f"language {language!r}",
            expected=f"one of {', '.join(get_args(Language))}",
            found="no voice for it",
            action="mend the language column",
        )
    if voice.variant and voice.variant not in variants():
        raise EnvironmentFaultError(
            who=f"espeak-ng variant {voice.variant!r}",
            expected="to be in the wheel's data",
            found="it is not",
            action="choose one of components.espeak.variants()",
        )
    clean = _speakable(text)
    name = f"{VOICES[language]}+{voice.variant}" if voice.variant else VOICES[language]
    with library.session() as session:
        session.select(
            name,
            {
                library.PARAMETER_RATE: words_per_minute,
                library.PARAMETER_PITCH: voice.pitch,
                library.PARAMETER_RANGE: voice.pitch_range,
            },
        )
        pcm, events = session.synthesise(clean)
        found = phones(language, events, session.mnemonics(clean))
    if not found or not pcm:
        raise DataError(
            who=f"text {text[:40]!r}",
            expected=f"something that can be spoken in {language}",
            found="no sound",
            action="mend or remove the text",
        )
    return pcm, found


def _speakable(text: str) -> str:
    """NFC, control and lone surrogate characters as spaces: the C API reads bytes up to the first NUL."""
    kept = (" " if unicodedata.category(letter)[0] == "C" else letter for letter in text)
    return unicodedata.normalize("NFC", "".join(kept))
