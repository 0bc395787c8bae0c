"""Parts a long text where a speaker would breathe."""

from __future__ import annotations

from collections.abc import Sequence

from components.espeak import PAUSE
from components.text import Phonemes


def pieces(said: Phonemes, longest: int) -> list[tuple[str, ...]]:
    """The symbols of a text in pieces of at most ``longest``, each ending with a pause.

    A piece ends after the last pause (a clause boundary) that fits; in a clause that does not fit, between
    two words; in a word that does not fit, anywhere. Nothing is left out, and only such cuts inside a clause
    add a pause. The text was read as a whole, so a piece sounds as it does in its sentence.

    Args:
        said: see `components.text.phonemise`.
        longest: symbols, at least 2.
    """
    symbols, words = list(said.symbols), list(said.words)
    found: list[tuple[str, ...]] = []
    while len(symbols) > longest:
        cut = _cut(symbols, words, longest)
        part, symbols, words = symbols[:cut], symbols[cut:], words[cut:]
        found.append(tuple(part) if part[-1] == PAUSE else (*part, PAUSE))
    if any(symbol != PAUSE for symbol in symbols) or not found:
        found.append(tuple(symbols) if symbols and symbols[-1] == PAUSE else (*symbols, PAUSE))
    return found


def _cut(symbols: Sequence[str], words: Sequence[int], longest: int) -> int:
    """Where the first piece ends."""
    after_pause = [at + 1 for at in range(longest) if symbols[at] == PAUSE and at > 0]
    if after_pause:
        return after_pause[-1]
    room = longest - 1  # a pause is added
    between = [at for at in range(1, room + 1) if words[at] != words[at - 1]]
    return between[-1] if between else room
