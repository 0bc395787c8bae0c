"""Training sentences of the generated corpus: frames × word lists, written for this project."""

from __future__ import annotations

import random
import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from components.core.utterance import Language

_SLOT = re.compile(r"\{(\w+)(?::(\w+))?\}")
#: Korean particles: after a consonant, after a vowel.
_PARTICLES = {"을": "을를", "은": "은는", "이": "이가", "와": "과와", "으로": ("으로", "로"), "에": "에에"}


def training_sentences(language: Language, seed: int) -> list[str]:
    """Distinct sentences in a fixed order for a seed; the first n serve a corpus of n sentences.

    Frames take turns, so that all are used about equally often; whole lines are strewn among them.
    """
    grammar = _grammar(language)
    choose = random.Random(f"{seed}|{language}")
    found: dict[str, None] = dict.fromkeys(grammar["lines"])
    frames: list[str] = []
    while len(found) < grammar["count"]:
        if not frames:
            frames = choose.sample(grammar["frames"], len(grammar["frames"]))
        found.setdefault(_fill(frames.pop(), grammar["slots"], choose))
    return choose.sample(list(found), len(found))


@cache
def _grammar(language: Language) -> dict[str, Any]:
    path = Path(__file__).with_name(f"{language}.yaml")
    grammar: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return grammar


def _fill(frame: str, slots: dict[str, list[str | int]], choose: random.Random) -> str:
    def word(match: re.Match[str]) -> str:
        chosen = str(choose.choice(slots[match[1]]))
        return chosen + (_particle(chosen, match[2]) if match[2] else "")

    sentence = _SLOT.sub(word, frame)
    return sentence[0].upper() + sentence[1:]


def _particle(word: str, particle: str) -> str:
    after_consonant, after_vowel = _PARTICLES[particle]
    coda = (ord(word[-1]) - ord("가")) % 28
    if particle == "으로" and coda == 8:  # ㄹ takes the vowel's form
        return after_vowel
    return after_consonant if coda else after_vowel
