"""How long a person waits: text in hand → last sample ready, batch 1, warm.

The estimator: a sentence's latency is the median of its repeats; p50 and p95 are quantiles (linear
interpolation) over the sentences whose audio is at most ``kpi.latency.utterance_seconds`` long; intervals
come from a bootstrap over sentences.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice, zip_longest
from statistics import median

from components.core.errors import IrisError, NothingScoredError
from components.core.metrics import Evaluator
from components.core.progress import Progress
from components.evaluation.sentences import Sentence
from components.evaluation.speaking import Candidate, Spoken, Take, take

CLOCK = Evaluator(id="time.perf_counter", version="device synchronised", weights_sha256="", kind="reference")


@dataclass(frozen=True)
class SentenceLatency:
    """Medians over ``repeats`` takes of one sentence."""

    language: str
    audio_s: float
    repeats: int
    total_ms: float
    first_ms: float
    real_time_factor: float


def warm_up(candidate: Candidate, turns: Sequence[tuple[Sentence, str]], runs: int) -> None:
    """Speak ``runs`` sentences of each language unheard: front-ends and kernels load on first use."""
    for language in dict.fromkeys(sentence.language for sentence, _ in turns):
        of_language = ((s, speaker) for s, speaker in turns if s.language == language)
        for sentence, speaker in islice(of_language, runs):
            with suppress(IrisError):  # it becomes a fault when it is spoken for the record
                take(candidate, sentence, speaker)


def measure(
    candidate: Candidate,
    spoken: Sequence[Spoken],
    repeats: int,
    longest_s: float,
    at_most: int,
    progress: Progress,
) -> dict[str, SentenceLatency]:
    """Latency per sentence id, of sentences without a fault.

    Of those of at most ``longest_s`` the first ``at_most``, languages in turn, are repeated until each has
    ``repeats`` takes (the one already spoken is the first), and the rest are left out; a whole round over all
    of them comes before the next, so a disturbance of the machine meets many sentences once instead of one
    sentence often. Longer sentences keep their one take.
    """
    short = _short(spoken, longest_s, at_most)
    long = [s for s in spoken if s.fault is None and s.take.speech.duration_s > longest_s]
    takes: dict[str, list[Take]] = {s.sentence.sentence_id: [s.take] for s in (*short, *long)}
    _repeat(candidate, short, repeats - 1, takes, progress)
    return {s.sentence.sentence_id: _summary(s, takes[s.sentence.sentence_id]) for s in (*short, *long)}


def measure_anew(
    candidate: Candidate,
    spoken: Sequence[Spoken],
    repeats: int,
    longest_s: float,
    at_most: int,
    progress: Progress,
) -> dict[str, SentenceLatency]:
    """As `measure`, for a candidate whose sentences were spoken in batches: those takes tell no latency.

    None of them counts, and longer sentences have none.
    """
    short = _short(spoken, longest_s, at_most)
    takes: dict[str, list[Take]] = {s.sentence.sentence_id: [] for s in short}
    _repeat(candidate, short, repeats, takes, progress)
    return {s.sentence.sentence_id: _summary(s, takes[s.sentence.sentence_id]) for s in short}


def _short(spoken: Sequence[Spoken], longest_s: float, at_most: int) -> list[Spoken]:
    """The first ``at_most`` sound sentences of at most ``longest_s``, languages in turn."""
    by_language: dict[str, list[Spoken]] = {}
    for one in spoken:
        if one.fault is None and one.take.speech.duration_s <= longest_s:
            by_language.setdefault(one.sentence.language, []).append(one)
    turns = (one for group in zip_longest(*by_language.values()) for one in group if one is not None)
    return list(islice(turns, at_most))


def _repeat(
    candidate: Candidate,
    spoken: Sequence[Spoken],
    repeats: int,
    takes: Mapping[str, list[Take]],
    progress: Progress,
) -> None:
    rounds = [*spoken] * repeats
    for one in progress.track(rounds, len(rounds), "timed"):
        takes[one.sentence.sentence_id].append(take(candidate, one.sentence, one.speaker))


def within(latencies: Mapping[str, SentenceLatency], longest_s: float) -> dict[str, SentenceLatency]:
    """The sentences of at most ``longest_s`` of audio.

    Raises:
        NothingScoredError: there is none.
    """
    kept = {name: latency for name, latency in latencies.items() if latency.audio_s <= longest_s}
    if not kept:
        raise NothingScoredError(
            who="latency",
            expected=f"sentences of at most {longest_s:g} s of audio",
            found=f"none among {len(latencies)}",
            action="look at the durations in the per-sentence table: the candidate drawls or fails",
        )
    return kept


def _summary(spoken: Spoken, takes: Sequence[Take]) -> SentenceLatency:
    total_s = median(one.total_s for one in takes)
    audio_s = spoken.take.speech.duration_s
    return SentenceLatency(
        language=spoken.sentence.language,
        audio_s=audio_s,
        repeats=len(takes),
        total_ms=1000 * total_s,
        first_ms=1000 * median(one.first_s for one in takes),
        real_time_factor=total_s / audio_s,
    )
