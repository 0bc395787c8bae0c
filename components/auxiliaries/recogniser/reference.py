"""Which utterances are rendered: texts, voices, and the part each belongs to. A pure function of the seed.

- ``train``: training voices; sentences of the corpus' training split, and made-up texts;
- ``validation``: other families of voices; sentences of the corpus' validation split, and made-up texts;
- ``test``: yet other families; sentences of the corpus' test split. The held-out error is measured here;
- ``test_made_up``: the test voices with made-up texts: what is left when no sentence helps to guess.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from components.auxiliaries.recogniser.params import Reference, Span
from components.auxiliaries.recogniser.voices import VoicePart, variants_of
from components.core.params.data import DataParams
from components.core.utterance import Language, Split
from components.data.generated.made_up_text import made_up
from components.data.generated.sentences import training_sentences
from components.data.splits import split_of
from components.espeak import Voice

Part = Literal["train", "validation", "test", "test_made_up"]
PARTS: tuple[Part, ...] = ("train", "validation", "test", "test_made_up")
_SPLITS: dict[Part, tuple[Split, VoicePart]] = {
    "train": ("train", "train"),
    "validation": ("validation", "validation"),
    "test": ("test", "test"),
    "test_made_up": ("test", "test"),
}


@dataclass(frozen=True)
class Utterance:
    """One utterance to render; everything a worker needs."""

    utterance_id: str
    part: Part
    language: Language
    text: str
    voice: Voice
    words_per_minute: int
    silence_before_s: float
    silence_after_s: float


def utterances(reference: Reference, data: DataParams, seed: int) -> Iterator[Utterance]:
    """Everything that is rendered, in a fixed order."""
    for language in data.languages:
        sentences = training_sentences(language, seed)
        for part in PARTS:
            split, voices = _SPLITS[part]
            own = [text for text in sentences if split_of(text, language, "", data.splits, seed) == split]
            draw = random.Random(f"{seed}|recogniser|{language}|{part}")
            count = reference.utterances[language] if part == "train" else reference.held_out_utterances
            texts = _texts(part, language, own, reference.made_up_share, draw)
            spoken_by = _in_turn(variants_of(voices), draw)
            for number in range(count):
                name = f"{part}_{language}_{number:05d}"
                yield _utterance(name, part, language, next(texts), next(spoken_by), reference, draw)


def _texts(
    part: Part, language: Language, sentences: Sequence[str], made_up_share: float, draw: random.Random
) -> Iterator[str]:
    """Sentences in turn and made-up texts, as the part wants them. Held-out words never reach training:
    made-up texts borrow words from the part's own sentences only."""
    invented, own = made_up(language, sentences, draw), _in_turn(sentences, draw)
    share = {"test": 0.0, "test_made_up": 1.0}.get(part, made_up_share)
    while True:
        yield next(invented) if draw.random() < share else next(own)


def _in_turn(items: Sequence[str], draw: random.Random) -> Iterator[str]:
    """All items once in a random order, then all again in another."""
    for _ in itertools.count():
        yield from draw.sample(items, len(items))


def _utterance(
    name: str,
    part: Part,
    language: Language,
    text: str,
    variant: str,
    reference: Reference,
    draw: random.Random,
) -> Utterance:
    def between(span: Span) -> float:
        return draw.uniform(span.min, span.max)

    return Utterance(
        utterance_id=name,
        part=part,
        language=language,
        text=text,
        voice=Voice(variant, round(between(reference.pitch)), round(between(reference.pitch_range))),
        words_per_minute=round(between(reference.words_per_minute)),
        silence_before_s=round(between(reference.silence_s), 3),
        silence_after_s=round(between(reference.silence_s), 3),
    )
