"""``python -m components.data.generated.build_symbols``: adds what texts may need to the symbol inventory.

Needed are the symbols of every training sentence (seed of params.yaml) and of every Korean, Japanese
and Mandarin syllable, each with every stress and tone: a text that no corpus held must not become UNK.
New symbols are appended in sorted order; existing lines never move: their place is part of checkpoints.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator

from components.core.storage import write_text
from components.core.utterance import LANGUAGES, Language
from components.data.generated.project import seed_and_data
from components.data.generated.sentences import training_sentences
from components.espeak import phonemes
from components.text import SPECIAL, inventory, segment, spoken
from components.text.symbols import INVENTORY_FILE

_STRESSES = ("", "ˈ", "ˌ")
_TONES = "12345"
_HANGUL = range(ord("가"), ord("힣") + 1)
_CODAS = 28
_KANA = (
    "アイウエオカキクケコガギグゲゴサシスセソザジズゼゾタチツテトダヂヅデドナニヌネノ"
    "ハヒフヘホバビブベボパピプペポマミムメモヤユヨラリルレロワヲンヴ"
)
_SMALL_KANA = "ァィゥェォャュョー"
_HANZI = range(0x4E00, 0x9FA6)
_PER_CALL = 20


def corpus_symbols(seed: int) -> set[str]:
    """Every symbol that occurs in the training sentences."""
    return {
        symbol
        for language in LANGUAGES
        for sentence in training_sentences(language, seed)
        for symbol in phonemes(spoken(sentence, language), language)
    }


def syllable_symbols() -> set[str]:
    """Every symbol of the syllables that the scripts of ko, ja and zh can write."""
    sources: dict[Language, Iterator[str]] = {"ko": _korean(), "ja": _japanese(), "zh": _mandarin()}
    found: set[str] = set()
    for language, syllables in sources.items():
        while batch := list(itertools.islice(syllables, _PER_CALL)):
            found.update(phonemes(", ".join(batch), language))
    return found


def with_every_stress_and_tone(symbols: Iterable[str]) -> set[str]:
    """Symbols and their siblings: stressed ones with each stress, tonal ones with each tone."""
    every = set(symbols)
    for symbol in list(every):
        bare = segment(symbol)
        if symbol[-1] in _TONES:
            every.update(bare + tone for tone in _TONES)
        elif symbol[0] in _STRESSES:
            every.update(stress + bare for stress in _STRESSES)
    return every


def extended(existing: Iterable[str], needed: set[str]) -> list[str]:
    """The inventory with the missing symbols appended."""
    kept = list(existing) or list(SPECIAL)
    return [*kept, *sorted(needed - set(kept))]


def _korean() -> Iterator[str]:
    """Every onset with every vowel, and every vowel with every coda."""
    for code in _HANGUL:
        index = code - _HANGUL.start
        if index % _CODAS == 0 or index // (_CODAS * 21) == 0:
            yield chr(code)


def _japanese() -> Iterator[str]:
    yield from (kana + small for kana in _KANA for small in ("", *_SMALL_KANA))
    yield from ("アッ" + kana for kana in _KANA)


def _mandarin() -> Iterator[str]:
    from pypinyin import Style, lazy_pinyin

    readings = lazy_pinyin(
        [chr(code) for code in _HANZI], style=Style.TONE3, neutral_tone_with_five=True, errors="ignore"
    )
    yield from sorted({reading for reading in readings if reading.isascii() and reading.isalnum()})


def main() -> None:
    """Rewrite symbols.txt."""
    seed, _ = seed_and_data()
    needed = with_every_stress_and_tone(corpus_symbols(seed) | syllable_symbols())
    write_text(INVENTORY_FILE, "\n".join(extended(inventory(), needed)) + "\n")


if __name__ == "__main__":
    main()
