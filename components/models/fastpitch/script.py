"""A text as the network is to say it: symbols, and which word each belongs to."""

from __future__ import annotations

from dataclasses import dataclass

from components.core.utterance import Language
from components.text import phonemise


@dataclass(frozen=True)
class Script:
    """What is to be said.

    Attributes:
        symbols: of the front-end, in order.
        words: for each symbol the number of its word in ``written``, -1 for a pause.
        written: the words of the text.
    """

    symbols: tuple[str, ...]
    words: tuple[int, ...]
    written: tuple[str, ...]


def script(text: str, language: Language) -> Script:
    """Read a text.

    Raises:
        DataError: empty text, unknown language, or nothing that can be spoken.
    """
    symbols = phonemise(text, language).symbols
    return Script(symbols, tuple(-1 if symbol == "_" else 0 for symbol in symbols), (text,))
