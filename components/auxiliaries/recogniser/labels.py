"""What it tells apart: segments of our symbol inventory (no stress, no pitch accent), and Mandarin tones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from components.core.errors import CorruptFileError
from components.core.utterance import LANGUAGES, Language
from components.text import SPECIAL, segment, tone

#: Class 0 of both heads is CTC's blank; label i is class i + 1.
BLANK = 0
#: Symbols that sound the same (both are "w e" in correspondence.csv): no ear can tell them apart.
_ALIKE = {"ᅰ": "ᅬ"}


def segments(symbols: Iterable[str]) -> tuple[str, ...]:
    """The sounds of a phonemised text as error rates compare them; pauses and specials are no sounds."""
    sounds = (segment(symbol) for symbol in symbols if symbol not in SPECIAL)
    return tuple(_ALIKE.get(sound, sound) for sound in sounds)


def tones(symbols: Iterable[str]) -> tuple[int, ...]:
    """The Mandarin tones 1-5 in order, one a syllable."""
    found = (tone(symbol) for symbol in symbols)
    return tuple(int(one) for one in found if one is not None)


@dataclass(frozen=True)
class Labels:
    """The segments of each language.

    Attributes:
        names: every segment, sorted; its place + 1 is its class.
        of_language: language → its segments.
    """

    names: tuple[str, ...]
    of_language: Mapping[Language, tuple[str, ...]]

    @classmethod
    def among(cls, texts: Iterable[tuple[Language, Iterable[str]]]) -> Labels:
        """The labels of (language, segments) pairs."""
        found: dict[Language, set[str]] = {language: set() for language in LANGUAGES}
        for language, heard in texts:
            found[language].update(heard)
        every = sorted(set().union(*found.values()))
        return cls(tuple(every), {language: tuple(sorted(own)) for language, own in found.items()})

    @property
    def classes(self) -> int:
        """Classes of the segment head, blank included."""
        return len(self.names) + 1

    def numbers(self, heard: Iterable[str]) -> list[int]:
        """Classes of segments that all are labels."""
        places = {name: place for place, name in enumerate(self.names, start=1)}
        return [places[name] for name in heard]

    def allowed(self) -> Tensor:
        """[languages, classes] bool: what may be heard in each language of `LANGUAGES`; the blank always."""
        mask = torch.zeros(len(LANGUAGES), self.classes, dtype=torch.bool)
        mask[:, BLANK] = True
        for row, language in enumerate(LANGUAGES):
            mask[row, self.numbers(self.of_language[language])] = True
        return mask

    def to_json(self) -> dict[str, Any]:
        """For the card."""
        return {"names": list(self.names), "of_language": {k: list(v) for k, v in self.of_language.items()}}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Labels:
        """Back from the card.

        Raises:
            CorruptFileError: not what `to_json` gives.
        """
        try:
            names: Sequence[str] = value["names"]
            own = {language: tuple(value["of_language"][language]) for language in LANGUAGES}
            return cls(tuple(names), own)
        except (KeyError, TypeError) as error:
            raise CorruptFileError(
                who="labels of the recogniser",
                expected="names and of_language for every language",
                found=f"{type(error).__name__} {error}",
                action="restore pretrained/recogniser from git, or run make pretrain MODEL=recogniser",
            ) from error
