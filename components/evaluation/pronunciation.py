"""Is the right thing said: 1 − error rate of what a recogniser hears, clipped at 0.

The recogniser is a plug; without one the KPI is not measured and no figure of it exists. Its own failure on
recorded speech, which nobody synthesised badly, is the ceiling.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, cast

import numpy as np

from components.core.edit_distance import EditCounts, edit_counts
from components.core.errors import NothingScoredError
from components.core.metrics import Evaluator
from components.core.utterance import LANGUAGES, Language
from components.evaluation.recordings import Recording
from components.evaluation.sources import Source
from components.evaluation.speaking import Spoken, Take
from components.nn.contracts import Speech

#: Recordings that are held in memory at a time.
_RECORDINGS_PER_TURN = 32


@dataclass(frozen=True)
class Transcript:
    """What is said or heard.

    Attributes:
        symbols: what the KPI compares: phonemes or characters.
        tones: Mandarin tones in order; compared apart from the KPI.
        words: coarser units to report beside the KPI (Korean syllables, English words); may be empty.
    """

    symbols: tuple[str, ...]
    tones: tuple[str, ...] = ()
    words: tuple[str, ...] = ()


class Recogniser(Protocol):
    """Hears speech as symbols: phonemes for a phoneme error rate, characters for a character error rate."""

    @property
    def identity(self) -> Evaluator:
        """Name, version and the weights' sha256."""

    def transcribe(self, clips: Sequence[Speech], language: Language) -> list[Transcript]:
        """What is heard in each clip; nothing in one without speech."""

    def reference(self, text: str, language: Language) -> Transcript:
        """What ``text`` should sound as, in the recogniser's inventory; its symbols are never empty."""


@dataclass(frozen=True)
class Score:
    """One clip: what it should have said, what was heard, and the edits between them."""

    language: Language
    said: Transcript
    heard: Transcript
    counts: EditCounts

    @property
    def accuracy(self) -> float:
        """1 − error rate of the symbols, at least 0."""
        return self.counts.accuracy

    @classmethod
    def of(cls, language: Language, said: Transcript, heard: Transcript) -> Score:
        """Compare.

        Raises:
            NothingScoredError: there was nothing to say.
        """
        return cls(language, said, heard, edit_counts(said.symbols, heard.symbols))


def score_pronunciation(spoken: Sequence[Spoken], recogniser: Recogniser) -> dict[str, Score]:
    """Score per sentence id. A sentence with a fault counts as everything left unsaid.

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
    heard: dict[str, Transcript] = {}
    for language in dict.fromkeys(s.sentence.language for s in judged):
        group = [s for s in judged if s.sentence.language == language]
        transcripts = recogniser.transcribe([s.take.speech for s in group], language)
        heard |= {s.sentence.sentence_id: t for s, t in zip(group, transcripts, strict=True)}
    return {
        s.sentence.sentence_id: Score.of(
            s.sentence.language,
            recogniser.reference(s.sentence.text, s.sentence.language),
            heard.get(s.sentence.sentence_id, Transcript(())),
        )
        for s in spoken
    }


def score_recordings(
    recordings: Iterable[Recording],
    recogniser: Recogniser,
    heard_as: Callable[[Recording], Speech] = Recording.load,
) -> dict[str, Score]:
    """The same measure on recorded speech, per utterance id: the recogniser's ceiling.

    Args:
        recordings: transcribed, in a language of ours.
        heard_as: what the recogniser is given of one; as it was recorded, if nothing else is said.

    Raises:
        DataError: a recording that cannot be read.
    """
    found: dict[str, Score] = {}
    by_language: dict[Language, list[Recording]] = {}
    for recording in recordings:
        by_language.setdefault(cast("Language", recording.utterance.language), []).append(recording)
    for language, own in by_language.items():
        for start in range(0, len(own), _RECORDINGS_PER_TURN):
            turn = own[start : start + _RECORDINGS_PER_TURN]
            transcripts = recogniser.transcribe([heard_as(one) for one in turn], language)
            for one, heard in zip(turn, transcripts, strict=True):
                said = recogniser.reference(one.utterance.text, language)
                found[one.utterance.utterance_id] = Score.of(language, said, heard)
    return found


def score_sources(sources: Sequence[Source], recogniser: Recogniser) -> dict[str, Score]:
    """The same measure on the sources of conversions, per sentence id: what can be kept at most."""
    nothing = 0.0
    return score_pronunciation(
        [Spoken(one.sentence, one.voice, Take(one.speech, nothing, nothing), None) for one in sources],
        recogniser,
    )


def mean_accuracy(scores: Mapping[str, Score]) -> float | None:
    """Mean over clips, as the KPI is one; None without any."""
    return float(np.mean([score.accuracy for score in scores.values()])) if scores else None


def error_rates(scores: Mapping[str, Score]) -> dict[str, float]:
    """What is told beside the KPI: all edits over all reference units, by kind and language.

    Returns:
        ``error_<language>`` of the symbols; ``tone_error``; ``word_error_<language>`` where there are words.
    """
    rates: dict[str, float] = {}
    for language in LANGUAGES:
        own = [score for score in scores.values() if score.language == language]
        rates |= _rate(f"error_{language}", ((s.said.symbols, s.heard.symbols) for s in own))
        rates |= _rate(f"word_error_{language}", ((s.said.words, s.heard.words) for s in own))
    return rates | _rate("tone_error", ((s.said.tones, s.heard.tones) for s in scores.values()))


def _rate(name: str, pairs: Iterable[tuple[Sequence[str], Sequence[str]]]) -> dict[str, float]:
    counts = [edit_counts(said, heard) for said, heard in pairs if said]
    return {name: sum(c.edits for c in counts) / sum(c.length for c in counts)} if counts else {}


def language_means(per_sentence: Mapping[str, float], languages: Mapping[str, str]) -> dict[str, float]:
    """Mean score of each language; ``languages`` maps sentence id to language."""
    groups: dict[str, list[float]] = {}
    for name, value in per_sentence.items():
        groups.setdefault(languages[name], []).append(value)
    return {language: float(np.mean(values)) for language, values in groups.items()}
