"""What espeak-ng calls a sound, in our symbols. The one normalisation: training and speaking both pass here.

A symbol is ``[stress][segment][length][tone]``: ``ˈɛ``, ``o̞ː``, ``iɛ1``. Stress is kept where espeak's melody
depends on it (ko, en, ja); Mandarin carries tone digits 1-5 (5 = neutral) on its finals instead.
"""

from __future__ import annotations

import csv
import dataclasses
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from components.core.utterance import Language
from components.espeak.library import EVENT_END, EVENT_PHONEME, EVENT_WORD, Event

#: Changes with any change of `normalise` or phones.csv: a checkpoint speaks one version only.
PHONES_VERSION = 2
PAUSE = "_"
_TABLE = Path(__file__).with_name("phones.csv")
_STRESS = "ˈˌ"
_LENGTH = "ː"
_LATERALS: dict[Language, str] = {"ko": "ɫ", "en": "l"}
_VOWEL_LETTERS = frozenset("aeiouæäɐɑɒɔəɚɛɜɪɯɤʊʌyᵻ")
_MNEMONIC_STRESS = "',=%"
#: Pitch contours of espeak's ``cmn`` phonemes → Mandarin tones.
_TONES = {
    "55": "1",
    "35": "2",
    "214": "3",
    "21": "3",
    "51": "4",
    "53": "4",
    "11": "5",
    "22": "5",
    "33": "5",
    "44": "5",
}
_CONTOUR = re.compile(r"\d{2,3}$")
#: Mnemonics that begin like this are pauses and word joints, not sounds; ``_j`` is a palatal release.
_SILENT_MNEMONIC = re.compile(r"^_(?!j)")
#: Marks of an espeak language switch, as in ``(en)``; no sound either.
_SWITCH = re.compile(r"\([a-z-]+\)")


@dataclass(frozen=True)
class Phone:
    """A phone, the sample where it starts, and the letter of the text where its word seems to begin."""

    symbol: str
    start: int
    place: int = 0


@cache
def table() -> dict[tuple[str, str, str], str]:
    """(language, espeak's IPA, its mnemonic or "" for any) → our segment, where the two differ."""
    with _TABLE.open(encoding="utf-8", newline="") as stream:
        return {
            (row["language"], row["espeak"], row["mnemonic"]): row["symbol"] for row in csv.DictReader(stream)
        }


def normalise(language: Language, ipa: str, mnemonic: str) -> str:
    """Our symbol for an event's IPA and the mnemonic that goes with it ("" if none could be matched)."""
    stress = ipa[:1] if ipa[:1] and ipa[0] in _STRESS else ""
    segment = ipa.lstrip(_STRESS)
    named = (language, segment, mnemonic.lstrip(_MNEMONIC_STRESS))
    segment = table().get(named) or table().get((language, segment, ""), segment)
    if mnemonic.endswith(":") and not segment.endswith(_LENGTH):
        segment += _LENGTH
    if language != "zh":
        return stress + segment
    contour = _CONTOUR.search(mnemonic)
    return segment + (_TONES.get(contour.group(), "5") if contour else "")


def phones(language: Language, events: list[Event], mnemonics: list[str]) -> list[Phone]:
    """The sounds of a synthesis in order, a clause's end as one PAUSE; starts never decrease from 0.

    A sound starts where its word starts (espeak reports a word-initial stop only after its closure), unless
    the word is reported together with the last sound of the word before, as espeak does after a nasal.
    Pauses inside a clause belong to the sound that follows: whether espeak makes them depends on speed and
    voice, and the symbols must not.
    """
    events = [event for event in events if not _SWITCH.fullmatch(event.text)]
    sounding = [m for m in (_SWITCH.sub("", m) for m in mnemonics) if m and not _SILENT_MNEMONIC.match(m)]
    spoken = sum(1 for event in events if event.type == EVENT_PHONEME and event.text)
    matched = iter(sounding if len(sounding) == spoken else [""] * spoken)
    found: list[Phone] = []
    boundary: int | None = None
    word = 0
    for event in events:
        if event.type == EVENT_WORD:
            word = event.place
        if event.type == EVENT_PHONEME and event.text:
            start = event.sample
            if boundary is not None and found and boundary > found[-1].start:
                start = boundary
            symbol = normalise(language, event.text, next(matched))
            found.append(Phone(symbol, start if found else 0, word))
            boundary = None
        elif event.type == EVENT_END:
            if found and found[-1].symbol != PAUSE:
                found.append(Phone(PAUSE, event.sample if boundary is None else boundary, word))
            boundary = None
        elif event.type in (EVENT_PHONEME, EVENT_WORD) and boundary is None:
            boundary = event.sample
    return _with_laterals(language, found)


def _with_laterals(language: Language, found: list[Phone]) -> list[Phone]:
    """A lateral after a vowel gets half of both: espeak reports it at its end, and the vowel as long as both.

    Measured: the vowel of 달다 seems 249 ms long and its ㄹ 16, the vowel of 다다 165.
    """
    timed = list(found)
    for place in range(1, len(found) - 1):
        phone, following = found[place], found[place + 1]
        if phone.symbol == _LATERALS.get(language) and not _is_vowel(following.symbol):
            before = timed[place - 1].start
            middle = before + (following.start - before) // 2
            timed[place] = dataclasses.replace(phone, start=min(phone.start, middle))
    return timed


def _is_vowel(symbol: str) -> bool:
    return symbol.lstrip(_STRESS)[:1] in _VOWEL_LETTERS
