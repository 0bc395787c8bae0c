"""The same sentences said twice by one model on two devices: are they as good?

What is drawn code by code depends on the last bits of every probability. Another device rounds otherwise, so
it may say the same text in the same voice with other codes: no spectrum agrees then, and nothing is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from components.core.utterance import Language
from components.evaluation.pronunciation import Recogniser, Score
from components.evaluation.verifier import Floats, SpeakerVerifier
from components.nn.contracts import Speech

Measure = Callable[[Sequence[Speech]], list[float]]
"""A score of each clip of a list."""


@dataclass(frozen=True)
class SaidTwice:
    """A sentence in the evaluation and now, and the recording whose voice says it."""

    text: str
    language: Language
    heard: Speech
    made: Speech
    prompt: Speech


@dataclass(frozen=True)
class ScoredTwice:
    """A score of both, each the mean over the sentences."""

    name: str
    heard: float
    made: float

    @property
    def difference(self) -> float:
        """Now − evaluation."""
        return self.made - self.heard

    def words(self) -> str:
        """``pronunciation 0.912, now 0.905``."""
        return f"{self.name} {self.heard:.3f}, now {self.made:.3f}"


def scored_twice(
    said: Sequence[SaidTwice], recogniser: Recogniser | None, verifier: SpeakerVerifier
) -> list[ScoredTwice]:
    """Likeness to the prompt, and pronunciation where there is a recogniser.

    Both are judged here and now, by the same judges: figures of the evaluation may be another machine's.
    """
    heard, made = [one.heard for one in said], [one.made for one in said]
    prompts = verifier.embed([one.prompt for one in said])
    found = [_scored("likeness", _likeness(prompts, verifier), heard, made)]
    if recogniser is not None:
        found.insert(0, _scored("pronunciation", _accuracy(said, recogniser), heard, made))
    return found


def _scored(name: str, measure: Measure, heard: Sequence[Speech], made: Sequence[Speech]) -> ScoredTwice:
    return ScoredTwice(name, float(np.mean(measure(heard))), float(np.mean(measure(made))))


def _likeness(prompts: Sequence[Floats | None], verifier: SpeakerVerifier) -> Measure:
    """Cosine to the prompt; 0 where there is no voice to judge."""

    def measured(clips: Sequence[Speech]) -> list[float]:
        voices = zip(prompts, verifier.embed(clips), strict=True)
        return [float(a @ b) if a is not None and b is not None else 0.0 for a, b in voices]

    return measured


def _accuracy(said: Sequence[SaidTwice], recogniser: Recogniser) -> Measure:
    def measured(clips: Sequence[Speech]) -> list[float]:
        scores = []
        for one, clip in zip(said, clips, strict=True):
            (transcript,) = recogniser.transcribe([clip], one.language)
            scores.append(Score.of(one.language, recogniser.reference(one.text, one.language), transcript))
        return [one.accuracy for one in scores]

    return measured
