"""Texts that nobody would write: every sound in every neighbourhood, so that sentences cannot be guessed.

A network that heard 400 sentences only would learn those sentences. So a recogniser, and first weights that
are to speak any text, also hear random words: legal Hangul syllables, kana, common Hanzi (level 1 of GB 2312,
drawn by their final, so that the rare ones are heard as often as the common ones), and English
words that a letter-trigram chain makes from the corpus' vocabulary, between words of the training sentences.
"""

from __future__ import annotations

import functools
import random
import re
from collections.abc import Callable, Iterator, Sequence

from components.core.utterance import Language
from components.text import phonemise

#: Places of the Hangul block: onset, vowel, coda. Plain codas are far more common than clusters, as in text.
_ONSETS, _VOWELS = 19, 21
_CODAS = (0, 0, 0, 0, 0, 4, 4, 8, 8, 16, 16, 21, 21, 1, 1, 17, 7, 19, 20, 22, 23, 25, 26, 27, 2, 9, 18)
_HANGUL = ord("가")
_KANA = (
    *"アイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワガギグゲゴザジズゼゾ"
    "ダデドバビブベボパピプペポ",
    *(a + b for a in "キシチニヒミリギジビピ" for b in "ャュョ"),
    "ファ", "フィ", "フェ", "フォ", "ティ", "ディ", "シェ", "チェ", "ジェ", "ウィ", "ウェ",
)  # fmt: skip
_KANA_ENDS = ("", "", "", "ン", "ー")
#: Rows of GB 2312 that hold level 1, the 3,755 characters of everyday text, ordered by reading.
_HANZI_ROWS, _HANZI_CELLS, _HANZI_LAST = (16, 55), 94, (55, 89)
_GB_OFFSET = 0xA0
_WORD = re.compile(r"[^\W\d_]+(?:'[a-z]+)?")
_START, _END = "^", "$"
_ENDINGS = {"ko": ".", "en": ".", "ja": "。", "zh": "。"}
_COMMAS = {"ko": ", ", "en": ", ", "ja": "、", "zh": "，"}
#: Shares: a random word rather than one of the corpus; a comma behind a word.
_RANDOM_SHARE, _COMMA_SHARE = 0.6, 0.12


def made_up(language: Language, sentences: Sequence[str], draw: random.Random) -> Iterator[str]:
    """Endless texts of 2-6 words.

    Args:
        sentences: training sentences, whose words are mixed in (no other sentence may be given).
        draw: decides everything.
    """
    known = sorted({word for text in sentences for word in _WORD.findall(text)})
    makers: dict[Language, Callable[[random.Random], str]] = {
        "ko": _hangul,
        "ja": _kana,
        "zh": _hanzi,
        "en": _English(known).word,
    }
    # Japanese and Chinese are written without spaces: their "words" would be whole clauses.
    mixed = known if language in ("ko", "en") else []
    while True:
        words = []
        for _ in range(draw.randint(2, 6)):
            invented = not mixed or draw.random() < _RANDOM_SHARE
            words.append(makers[language](draw) if invented else draw.choice(mixed))
        yield _joined(words, language, draw)


def _joined(words: Sequence[str], language: Language, draw: random.Random) -> str:
    space = "" if language == "zh" else " "
    text = words[0]
    for word in words[1:]:
        text += (_COMMAS[language] if draw.random() < _COMMA_SHARE else space) + word
    return text + _ENDINGS[language]


def _hangul(draw: random.Random) -> str:
    return "".join(
        chr(
            _HANGUL + (draw.randrange(_ONSETS) * _VOWELS + draw.randrange(_VOWELS)) * 28 + draw.choice(_CODAS)
        )
        for _ in range(draw.randint(1, 4))
    )


def _kana(draw: random.Random) -> str:
    morae = [draw.choice(_KANA) + draw.choice(_KANA_ENDS) for _ in range(draw.randint(2, 4))]
    place = draw.randrange(len(morae))
    doubled = place and draw.random() < 0.3 and morae[place][0] in "カキクケコサシスセソタチツテトパピプペポ"
    if doubled and not morae[place - 1].endswith(("ン", "ー")):
        morae[place] = "ッ" + morae[place]
    return "".join(morae)


def _hanzi(draw: random.Random) -> str:
    return "".join(_one_hanzi(draw) for _ in range(draw.randint(2, 4)))


def _one_hanzi(draw: random.Random) -> str:
    return draw.choice(draw.choice(_hanzi_by_final()))


@functools.cache
def _hanzi_by_final() -> tuple[tuple[str, ...], ...]:
    """The characters of level 1, those of one final together, tones apart from finals."""
    groups: dict[str, list[str]] = {}
    for row in range(_HANZI_ROWS[0], _HANZI_ROWS[1] + 1):
        for cell in range(1, _HANZI_CELLS + 1):
            if (row, cell) <= _HANZI_LAST:
                hanzi = bytes([_GB_OFFSET + row, _GB_OFFSET + cell]).decode("gb2312")
                # The last symbol is the silence behind the word.
                final = phonemise(hanzi, "zh").symbols[-2].rstrip("12345")
                groups.setdefault(final, []).append(hanzi)
    return tuple(tuple(groups[final]) for final in sorted(groups))


class _English:
    """Words by a chain over letter pairs (Shannon 1948, section 3), never one that needs too long."""

    def __init__(self, vocabulary: Sequence[str]) -> None:
        self._next: dict[str, list[str]] = {}
        for word in vocabulary:
            letters = [_START, _START, *word.lower(), _END]
            for a, b, c in zip(letters, letters[1:], letters[2:], strict=False):
                self._next.setdefault(a + b, []).append(c)

    def word(self, draw: random.Random) -> str:
        while True:
            made = _START + _START
            while not made.endswith(_END) and len(made) < 13:
                made += draw.choice(self._next[made[-2:]])
            word = made.strip(_START + _END)
            if made.endswith(_END) and len(word) > 1 and re.search(r"[aeiouy]", word):
                return word
