"""English orthography with numbers and signs in words; espeak-ng's en-us dictionary reads the rest."""

from __future__ import annotations

import bisect
import re

from components.espeak import PAUSE, Phone, spoken_phones
from components.text.analysis import Analysis, Sound, kept, pause, word_starts
from components.text.correspondence import symbols_of_phone
from components.text.english_numbers import in_words, years_in_words
from components.text.numerals import clean_thousands
from components.text.traced import Traced

_SAYABLE = re.compile(r"[A-Za-z'\-]")
_LONELY = re.compile(r"(?<![A-Za-z])['\-]+|['\-]+(?![A-Za-z])")
_MARKS = re.compile(r" *[.,!?;:](?: *[.,!?;:])*(?= |$)")
_SPACES = re.compile(r" +")
_TOKEN = re.compile(r"[A-Za-z']+")


def analyse(text: Traced) -> tuple[Analysis, list[str]]:
    """``at 8:15`` → ``at eight fifteen`` and the phones with stress that espeak-ng reads from it.

    Spellings of one sound are merged by the table of `components.text.correspondence`.
    """
    sayable, unknown = kept(normalise(text), _SAYABLE)
    said = sayable.sub(_LONELY, " ").sub(_MARKS, lambda match: pause(match.group()).said).sub(_SPACES, " ")
    if not any(_SAYABLE.match(letter) for letter in said.text):
        return Analysis("", (), ()), unknown
    offset = len(said.text) - len(said.text.lstrip(" .,!?;:"))
    said = said[slice(offset, len(said.text.rstrip()))]
    sounds = []
    for phone, place in zip(
        found := spoken_phones(said.text, "en"), _token_places(said.text, found), strict=True
    ):
        span = None if phone.symbol == PAUSE else said.spans[place]
        sounds += [Sound(symbol, span) for symbol in symbols_of_phone(phone.symbol)]
    return Analysis(said.text, tuple(sounds), tuple(word_starts(text))), unknown


def _token_places(said: str, phones: list[Phone]) -> list[int]:
    """Where the token of every phone begins.

    espeak-ng names the place of a word, but after two that it reads as one (of the, such as) its count lags:
    a word that seems to begin inside a token begins the next one.
    """
    tokens = [match.start() for match in _TOKEN.finditer(said)]
    places: list[int] = []
    token, last = 0, -1
    for phone in phones:
        if phone.place != last:
            at = bisect.bisect_right(tokens, phone.place) - 1
            inside = tokens[at] != phone.place
            token = min(max(token + (last >= 0 and inside), at), len(tokens) - 1)
            last = phone.place
        places.append(tokens[token])
    return places


def normalise(text: Traced) -> Traced:
    """Numbers, signs and abbreviations in words."""
    return in_words(clean_thousands(years_in_words(text)))
