"""Families of espeak-ng variants: whoever shares a name or a vocal tract belongs to one."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from components.espeak.library import data_folder

#: The formants that carry the identity of a vowel; a variant scales them, in percent of the plain voice.
_FORMANTS = (1, 2, 3)
_PLAIN = 100.0
#: Two variants whose three scales agree within this share have one vocal tract.
_SAME_TRACT = 0.02
_STEM = re.compile(r"[a-z]+")
_ENDINGS = ("robot", "serious")
#: Names this short (m1, f2) are numbers, not persons.
_SHORTEST_STEM = 3


@dataclass(frozen=True)
class VariantFacts:
    """What was measured of a variant.

    Attributes:
        scales: of formants 1-3, percent of the plain voice, as its file says.
        nearest: the most similar judged voice, and the cosine to it.
        voiced_share: frames with f0.
        length: of the same sentences, relative to the plain voice.
        reproducible: whether the same call gives the same samples.
    """

    scales: tuple[float, float, float]
    nearest: str
    similarity: float
    voiced_share: float
    length: float
    reproducible: bool


def formant_scales(variant: str) -> tuple[float, float, float]:
    """Formants 1-3 in percent of the plain voice."""
    path = data_folder() / "voices" / "!v" / variant
    found = dict.fromkeys(_FORMANTS, _PLAIN)
    for line in path.read_text(encoding="utf-8", errors="ignore").splitlines():
        words = line.split()
        if len(words) > 2 and words[0] == "formant" and int(words[1]) in found:
            found[int(words[1])] = float(words[2])
    return found[1], found[2], found[3]


def same_tract(one: Sequence[float], other: Sequence[float]) -> bool:
    """Whether formant scales agree."""
    return all(abs(a - b) <= _SAME_TRACT * max(b, 1.0) for a, b in zip(one, other, strict=True))


def stem(variant: str) -> str:
    """``iven3`` → ``iven``, ``anikaRobot`` → ``anika``; empty where the name names nobody."""
    letters = "".join(_STEM.findall(variant.lower()))
    for ending in _ENDINGS:
        letters = letters.removesuffix(ending)
    return letters if len(letters) >= _SHORTEST_STEM else ""


def same_name(one: str, other: str) -> bool:
    """Whether one stem holds the other, as ``belinda`` holds ``linda`` and ``robert`` holds ``rob``."""
    a, b = stem(one), stem(other)
    return bool(a and b) and (a in b or b in a)


def families(facts: Mapping[str, VariantFacts]) -> dict[str, str]:
    """Variant → the first name of its family: relatives of relatives are relatives."""
    leader = {variant: variant for variant in facts}

    def first(variant: str) -> str:
        while leader[variant] != variant:
            variant = leader[variant]
        return variant

    names = sorted(facts)
    for place, one in enumerate(names):
        for other in names[:place]:
            if same_name(one, other) or same_tract(facts[one].scales, facts[other].scales):
                a, b = sorted((first(one), first(other)))
                leader[b] = a
    return {variant: first(variant) for variant in names}


def drawn(names: Iterable[str], seed: int) -> list[str]:
    """Names in an order that a seed decides and their qualities do not."""
    return sorted(set(names), key=lambda name: hashlib.sha256(f"{seed}|{name}".encode()).hexdigest())
