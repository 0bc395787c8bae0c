"""One candidate from the sentences to the findings: speak, time, compare, record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from components.core.metrics import KpiName, Metric, NotMeasured
from components.core.params import Params
from components.core.progress import Progress
from components.evaluation import latency, records
from components.evaluation.latency import SentenceLatency
from components.evaluation.pronunciation import Recogniser, Score, score_pronunciation, score_recordings
from components.evaluation.recordings import Recording
from components.evaluation.records import Circumstances
from components.evaluation.sentences import Sentence
from components.evaluation.speaker_similarity import Gallery, SimilarityScores, score_similarity
from components.evaluation.speaking import Candidate, Spoken, assign_speakers, speak
from components.evaluation.tables import Besides, Judged
from components.evaluation.verifier import Floats, SpeakerVerifier

_LATENCY_KPIS: tuple[KpiName, ...] = ("latency_p50_ms", "latency_p95_ms", "latency_ttfa_ms", "rtf")


@dataclass(frozen=True)
class Listening:
    """Who judges pronunciation, and on what the judge is judged.

    Attributes:
        recogniser: None where there is none; ``reason`` says why.
        recordings: held-out recorded speech of the voices that the candidate speaks.
    """

    recogniser: Recogniser | None
    reason: str
    recordings: Sequence[Recording]


@dataclass(frozen=True)
class Examiner:
    """Who judges, by which rules, and what every record of it shares.

    Attributes:
        gallery: what the verifier knows of the speakers.
        verifier: tells voices apart.
        listening: who judges pronunciation.
        params: targets and numbers.
        now: what stands in every record.
        progress: where it tells how far it is.
    """

    gallery: Gallery
    verifier: SpeakerVerifier
    listening: Listening
    params: Params
    now: Circumstances
    progress: Progress


@dataclass(frozen=True)
class Findings:
    """Records for the evidence, rows for the tables, and counts that no KPI holds.

    Attributes:
        faults: sentence id → why it cannot be judged; each scored worst where a score is a mean over all.
        short: sentences under the verifier's window, scored padded.
        besides: conversions of recordings, to hear; a voice converter's only.
        voices: sentence id → what the verifier made of it, a unit vector; never written anywhere.
        recorded: the recogniser's scores on held-out recordings, by utterance id; empty without one.
        long_p95_ms: p95 latency over the sentences of at most ``kpi.latency.long_utterance_seconds``, those
            beyond ``utterance_seconds`` with a single take; None where none is that short.
    """

    metrics: tuple[Metric, ...]
    not_measured: tuple[NotMeasured, ...]
    judged: tuple[Judged, ...]
    faults: Mapping[str, str]
    short: tuple[str, ...]
    recorded: Mapping[str, Score]
    long_p95_ms: float | None
    voices: Mapping[str, Floats] = field(repr=False)
    besides: tuple[Besides, ...] = ()


def examine(
    candidate: Candidate,
    sentences: Sequence[Sentence],
    by: Examiner,
) -> Findings:
    """The KPIs of a candidate that speaks sentences, GPU memory apart.

    Raises:
        NothingScoredError: no sentence could be judged, or none is short enough for the latency KPI.
    """
    turns = list(assign_speakers(sentences, candidate.speakers))
    latency.warm_up(candidate, turns, by.params.evaluation.latency_warmup)
    speaking = speak(candidate, turns, by.params.data.validation)
    spoken = list(by.progress.track(speaking, len(turns), "sentences"))
    times = latency.measure(
        candidate,
        spoken,
        by.params.evaluation.latency_repeats,
        by.params.kpi.latency.utterance_seconds,
        by.params.evaluation.timed_sentences,
        by.progress,
    )
    return judge(spoken, times, by)


def judge(
    spoken: Sequence[Spoken],
    times: Mapping[str, SentenceLatency],
    by: Examiner,
) -> Findings:
    """The KPIs of sentences that were spoken and timed.

    Raises:
        NothingScoredError: as `examine`.
    """
    params, now, listening = by.params, by.now, by.listening
    scores = score_similarity(spoken, by.gallery, by.verifier)
    languages = {s.sentence.sentence_id: s.sentence.language for s in spoken}
    metrics = [
        records.similarity_record(
            scores, by.gallery, languages, by.verifier.identity, params.kpi.speaker_similarity.unit, now
        )
    ]
    heard, recorded = _heard(spoken, listening, by.progress)
    not_measured: list[NotMeasured] = []
    for found in (_latency(times, params, now), _pronunciation(heard, recorded, listening, params, now)):
        metrics += [one for one in found if isinstance(one, Metric)]
        not_measured += [one for one in found if isinstance(one, NotMeasured)]
    faults = _faults(spoken, scores)
    return Findings(
        metrics=tuple(metrics),
        not_measured=tuple(not_measured),
        judged=tuple(_judged(spoken, faults, scores, times, heard)),
        faults=faults,
        short=scores.short,
        recorded=recorded,
        long_p95_ms=_long_p95_ms(times, params.kpi.latency.long_utterance_seconds),
        voices=scores.vectors,
    )


def _latency(
    times: Mapping[str, SentenceLatency], params: Params, now: Circumstances
) -> Sequence[Metric | NotMeasured]:
    repeats, needed = params.evaluation.latency_repeats, params.kpi.latency.repeats_min
    if repeats < needed:
        reason = f"evaluation.latency_repeats is {repeats}, kpi.latency.repeats_min asks for {needed}"
        return [NotMeasured(name=name, reason=reason) for name in _LATENCY_KPIS]
    return records.latency_records(latency.within(times, params.kpi.latency.utterance_seconds), now)


def _heard(
    spoken: Sequence[Spoken], listening: Listening, progress: Progress
) -> tuple[Mapping[str, Score], Mapping[str, Score]]:
    """Scores of the sentences and of the recordings; both empty without a recogniser."""
    if listening.recogniser is None:
        return {}, {}
    progress.say(f"{listening.recogniser.identity.id} listens to the sentences and to recordings")
    scores = score_pronunciation(spoken, listening.recogniser)
    return scores, score_recordings(listening.recordings, listening.recogniser)


def _pronunciation(
    scores: Mapping[str, Score],
    recorded: Mapping[str, Score],
    listening: Listening,
    params: Params,
    now: Circumstances,
) -> Sequence[Metric | NotMeasured]:
    if listening.recogniser is None:
        return [NotMeasured(name="pronunciation_accuracy", reason=listening.reason)]
    unit = params.kpi.pronunciation_accuracy.unit
    return [records.pronunciation_record(scores, recorded, listening.recogniser.identity, unit, now)]


def _faults(spoken: Sequence[Spoken], scores: SimilarityScores) -> dict[str, str]:
    faults = {s.sentence.sentence_id: s.fault for s in spoken if s.fault is not None}
    return faults | dict.fromkeys(scores.voiceless, "the speaker verifier hears no voice")


def _judged(
    spoken: Sequence[Spoken],
    faults: Mapping[str, str],
    scores: SimilarityScores,
    times: Mapping[str, SentenceLatency],
    heard: Mapping[str, Score],
) -> list[Judged]:
    return [
        Judged(
            spoken=s,
            fault=faults.get(s.sentence.sentence_id),
            similarity=scores.per_sentence[s.sentence.sentence_id],
            latency=times.get(s.sentence.sentence_id),
            pronunciation=heard.get(s.sentence.sentence_id),
        )
        for s in spoken
    ]


def _long_p95_ms(times: Mapping[str, SentenceLatency], longest_s: float) -> float | None:
    values = [one.total_ms for one in times.values() if one.audio_s <= longest_s]
    return float(np.quantile(values, 0.95)) if values else None
