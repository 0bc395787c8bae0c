"""Is the right thing said: 1 − error rate of what a recogniser hears, clipped at 0.

The recogniser is a plug; without one the KPI is not measured and no figure of it exists.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from components.core.edit_distance import EditCounts, edit_counts
from components.core.errors import NothingScoredError
from components.core.metrics import Evaluator
from components.core.params.kpi import EvaluatorParams
from components.core.utterance import Language
from components.evaluation.speaking import Spoken
from components.nn.contracts import Speech


class Recogniser(Protocol):
    """Hears speech as symbols: phonemes for a phoneme error rate, characters for a character error rate."""

    @property
    def identity(self) -> Evaluator:
        """Name, version and the weights' sha256."""

    def transcribe(self, clips: Sequence[Speech], language: Language) -> list[Sequence[str]]:
        """The symbols heard in each clip."""

    def reference(self, text: str, language: Language) -> Sequence[str]:
        """The symbols that ``text`` should sound as, in the recogniser's inventory; never empty."""


def recogniser_for(params: EvaluatorParams) -> tuple[Recogniser | None, str]:
    """The configured recogniser, or None and the reason why there is none."""
    if params.id == "none":
        reason = "evaluation.recogniser.id is none; arrives with the phoneme recogniser"
        return None, f"no recogniser configured ({reason})"
    return None, f"the recogniser {params.id!r} has no adapter in this version (evaluation.recogniser.id)"


def score_pronunciation(spoken: Sequence[Spoken], recogniser: Recogniser) -> dict[str, EditCounts]:
    """Edit counts per sentence id. A sentence with a fault counts as everything left unsaid.

    Raises:
        NothingScoredError: no sentence, or none without a fault.
    """
    judged = [s for s in spoken if s.fault is None]
    if not judged:
        raise NothingScoredError(
            who="pronunciation_accuracy",
            expected="at least one sentence that can be heard",
            found=f"{len(spoken)} sentences, all faulty",
            action="look at the faults in the per-sentence table",
        )
    heard: dict[str, Sequence[str]] = {}
    for language in dict.fromkeys(s.sentence.language for s in judged):
        group = [s for s in judged if s.sentence.language == language]
        transcripts = recogniser.transcribe([s.take.speech for s in group], language)
        heard |= {s.sentence.sentence_id: t for s, t in zip(group, transcripts, strict=True)}
    return {
        s.sentence.sentence_id: edit_counts(
            recogniser.reference(s.sentence.text, s.sentence.language),
            heard.get(s.sentence.sentence_id, ()),
        )
        for s in spoken
    }


def language_means(per_sentence: Mapping[str, float], languages: Mapping[str, str]) -> dict[str, float]:
    """Mean score of each language; ``languages`` maps sentence id to language."""
    groups: dict[str, list[float]] = {}
    for name, value in per_sentence.items():
        groups.setdefault(languages[name], []).append(value)
    return {language: float(np.mean(values)) for language, values in groups.items()}
