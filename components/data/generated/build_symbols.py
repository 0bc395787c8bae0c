"""``python -m components.data.generated.build_symbols``: adds what texts may need to the symbol inventory.

Needed is the closure of every language, so that a text that no corpus held does not become UNK: all jamo that
pronounced Hangul has, every pinyin syllable with every tone, every kana with every pitch, every English phone
of the correspondence table with every stress. New symbols are appended, language by language in sorted order;
existing lines never move: their place is part of checkpoints. With ``--from-scratch`` the file is written
anew, which needs a new INVENTORY_VERSION.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator

from components.core.storage import write_text
from components.core.utterance import LANGUAGES, Language
from components.data.generated.project import seed_and_data
from components.data.generated.sentences import training_sentences
from components.text import SPECIAL, inventory, segment
from components.text.correspondence import table
from components.text.frontend import analyse
from components.text.hangul import jamo
from components.text.korean_pronunciation import pronounce
from components.text.pinyin import symbols_of
from components.text.symbols import DEVOICED, INVENTORY_FILE, STRESSES, TONES, high

_HANGUL = range(ord("가"), ord("힣") + 1)
_KANA = (
    "アイウエオカキクケコガギグゲゴサシスセソザジズゼゾタチツテトダヂヅデドナニヌネノ"
    "ハヒフヘホバビブベボパピプペポマミムメモヤユヨラリルレロワヲンヴ"
)
_SMALL_KANA = "ァィゥェォャュョヮー"
_JAPANESE_NUCLEI = "aiueoN"
_DEVOICED_NUCLEI = "iu"
_ENGLISH_VOWELS = frozenset("aeiouæɑɔəɚɛɜɪʊʌ")
_VOWEL = re.compile(r"^[a-z]*[aeiouvê]")
_HANZI = range(0x4E00, 0x9FA6)


def corpus_symbols(seed: int) -> set[str]:
    """Every symbol that occurs in the training sentences, whether the inventory has it or not."""
    return {
        symbol
        for language in LANGUAGES
        for sentence in training_sentences(language, seed)
        for symbol in (sound.symbol for sound in analyse(sentence, language)[0].sounds)
    }


def closure(language: Language) -> set[str]:
    """Every symbol that a text of this language can need."""
    sources = {"ko": _korean, "en": _english, "ja": _japanese, "zh": _mandarin}
    return set(sources[language]())


def extended(existing: Iterable[str], needed: set[str]) -> list[str]:
    """The inventory with the missing symbols appended."""
    kept = list(existing) or list(SPECIAL)
    return [*kept, *sorted(needed - set(kept))]


def _korean() -> Iterator[str]:
    for code in _HANGUL:
        yield from jamo(pronounce(chr(code)))


def _japanese() -> Iterator[str]:
    """Phonemes of every kana (a text for each, lest a dictionary word arise) and nuclei with every pitch."""
    for kana in _KANA:
        for small in ("", *_SMALL_KANA, "ッカ"):
            yield from (segment(sound.symbol) for sound in analyse(f"ア、{kana}{small}", "ja")[0].sounds)
    yield from (high(nucleus) for nucleus in _JAPANESE_NUCLEI)
    yield from (nucleus + DEVOICED for nucleus in _DEVOICED_NUCLEI)


def _mandarin() -> Iterator[str]:
    from pypinyin import Style, lazy_pinyin

    readings = lazy_pinyin(
        [chr(code) for code in _HANZI], style=Style.TONE3, neutral_tone_with_five=True, errors="ignore"
    )
    for syllable in {reading.rstrip(TONES) for reading in readings if _VOWEL.search(reading)}:
        for digit in TONES:
            yield from symbols_of(syllable + digit)


def _english() -> Iterator[str]:
    for chunk in table("en"):
        for symbol in chunk.symbols:
            yield symbol
            if symbol[0] in _ENGLISH_VOWELS:
                yield from (stress + symbol for stress in STRESSES)


def main() -> None:
    """Rewrite symbols.txt."""
    seed, _ = seed_and_data()
    symbols: list[str] = [] if "--from-scratch" in sys.argv[1:] else list(inventory())
    for language in LANGUAGES:
        symbols = extended(symbols, closure(language))
    write_text(INVENTORY_FILE, "\n".join(extended(symbols, corpus_symbols(seed))) + "\n")


if __name__ == "__main__":
    main()
