"""A model that speaks by prompts, from the prompts to the findings: the KPIs, and what is its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from components.core.metrics import Evaluator, KpiName, Metric, NotMeasured
from components.core.params import Params
from components.core.statistics import bootstrap_mean
from components.evaluation import latency
from components.evaluation.candidate import Examiner, Findings, Listening, judge
from components.evaluation.latency import CLOCK, SentenceLatency
from components.evaluation.omissions import omissions
from components.evaluation.prompting import PromptedVoices, Told
from components.evaluation.prompts import Part
from components.evaluation.records import Circumstances, mean_record
from components.evaluation.tables import Judged, Prompted
from components.evaluation.verifier import SpeakerVerifier
from components.nn.prompting import PromptedSpeaker

Found = Metric | NotMeasured
_DECODER = Evaluator(
    id="endings of decoding", version="models.<model>.inference.loop", weights_sha256="", kind="reference"
)
_GROUPS: tuple[tuple[KpiName, KpiName, Callable[[Part], bool], str], ...] = (
    ("similarity_seen", "pronunciation_seen", lambda p: p.prompt.seen, "no voice that was learned from"),
    ("similarity_unseen", "pronunciation_unseen", lambda p: not p.prompt.seen,
     "no voice of the role unseen with enough recordings"),
    ("similarity_same_language", "pronunciation_same_language", lambda p: not p.crosses,
     "no prompt in a sentence's language"),
    ("similarity_cross_language", "pronunciation_cross_language", lambda p: p.crosses,
     "no voice with a prompt in another language"),
)  # fmt: skip


@dataclass(frozen=True)
class _Case:
    """What the figures of one examination share."""

    parts: Mapping[str, Part]
    languages: Mapping[str, str]
    told: Told
    seeds: Mapping[str, int]
    listening: Listening
    params: Params
    now: Circumstances

    def mean(
        self,
        name: KpiName,
        values: Mapping[str, float],
        by: Evaluator,
        reason: str,
        unit: str = "1",
        ceiling: float | None = None,
    ) -> Found:
        """A record of values by sentence id."""
        return mean_record(name, unit, values, self.languages, by, reason, self.now, ceiling)


def examine_prompted(
    model: PromptedSpeaker,
    parts: Sequence[Part],
    by: Examiner,
) -> Findings:
    """Everything that can be found out about it, GPU memory apart.

    Sentences are spoken once, in batches; what is judged is that audio. Latency is of as many short sentences
    as the gate asks for, spoken again one at a time.

    Raises:
        NothingScoredError: as `components.evaluation.candidate.examine`.
        DataError: a prompt that cannot be read or used.
    """
    params = by.params
    candidate = PromptedVoices(model, parts, params.seed)
    turns = [(one.sentence, one.prompt.speaker) for one in parts]
    latency.warm_up(candidate, turns, params.evaluation.latency_warmup)
    told = candidate.speak(params.evaluation.prompted.batch, params.data.validation, by.progress)
    times = latency.measure_anew(
        candidate,
        told.spoken,
        params.evaluation.latency_repeats,
        params.kpi.latency.utterance_seconds,
        params.evaluation.timed_sentences,
        by.progress,
    )
    found = judge(told.spoken, times, by)
    by_id = {one.sentence.sentence_id: one for one in parts}
    languages = {name: one.sentence.language for name, one in by_id.items()}
    case = _Case(by_id, languages, told, candidate.seeds, by.listening, params, by.now)
    more = [
        *_of_groups(case, found.judged, by.verifier),
        *_of_endings(case),
        *_of_omissions(case, found),
        *_of_speed(case, times),
    ]
    return replace(
        found,
        metrics=(*found.metrics, *(one for one in more if isinstance(one, Metric))),
        not_measured=(*found.not_measured, *(one for one in more if isinstance(one, NotMeasured))),
        judged=tuple(replace(one, prompted=_prompted(case, one)) for one in found.judged),
        long_p95_ms=None,  # nobody timed the longer ones
    )


def _prompted(case: _Case, one: Judged) -> Prompted:
    prompt, utterance = case.parts[one.sentence_id].prompt, case.told.utterances.get(one.sentence_id)
    endings = utterance.endings if utterance else ()
    return Prompted(prompt.recording, prompt.seen, endings, case.seeds[one.sentence_id])


def _of_groups(case: _Case, judged: Sequence[Judged], verifier: SpeakerVerifier) -> list[Found]:
    """Both KPIs, parted by whether the voice was learned and whether the language changes."""
    found = []
    for similarity, pronunciation, belongs, reason in _GROUPS:
        own = [one for one in judged if belongs(case.parts[one.sentence_id])]
        likeness = {one.sentence_id: one.similarity for one in own}
        found.append(case.mean(similarity, likeness, verifier.identity, reason))
        listener = case.listening.recogniser
        if listener is None:
            found.append(NotMeasured(name=pronunciation, reason=case.listening.reason))
            continue
        said = {one.sentence_id: one.pronunciation.accuracy for one in own if one.pronunciation}
        found.append(case.mean(pronunciation, said, listener.identity, reason))
    return found


def _of_endings(case: _Case) -> list[Found]:
    """Sentences that repeat themselves, and sentences that did not end by themselves."""
    endings = {name: one.endings for name, one in case.told.utterances.items()}
    rates: tuple[tuple[KpiName, str], ...] = (("loop_rate", "loop"), ("cut_rate", "length"))
    return [
        case.mean(
            rate,
            {name: float(ending in own) for name, own in endings.items()},
            _DECODER,
            "no sentence could be spoken",
        )
        for rate, ending in rates
    ]


def _of_omissions(case: _Case, found: Findings) -> list[Found]:
    """Sentences with a stretch that the recogniser does not hear; the ceiling: as often in recordings."""
    listener = case.listening.recogniser
    if listener is None:
        names: tuple[KpiName, ...] = ("skip_rate", "early_stop_rate")
        return [NotMeasured(name=name, reason=case.listening.reason) for name in names]
    shortest = case.params.evaluation.prompted.omitted_symbols
    scores = {one.sentence_id: one.pronunciation for one in found.judged if one.pronunciation}
    made, recorded = omissions(scores, shortest), omissions(found.recorded, shortest).values()
    skipped = {name: float(one.skipped) for name, one in made.items()}
    stopped = {name: float(one.stopped_early) for name, one in made.items()}
    count, nothing = max(1, len(recorded)), "no sentence was heard"
    ceilings = [sum(one.skipped for one in recorded) / count, sum(o.stopped_early for o in recorded) / count]
    known: Sequence[float | None] = ceilings if recorded else (None, None)
    return [
        case.mean("skip_rate", skipped, listener.identity, nothing, ceiling=known[0]),
        case.mean("early_stop_rate", stopped, listener.identity, nothing, ceiling=known[1]),
    ]


def _of_speed(case: _Case, times: Mapping[str, SentenceLatency]) -> list[Found]:
    """Codes of the first codebook in a second of everything: alone, and in a batch."""
    frames = {name: one.frames for name, one in case.told.utterances.items()}
    alone = {name: 1000.0 * frames[name] / one.total_ms for name, one in times.items()}
    found = [case.mean("tokens_per_s", alone, CLOCK, "no sentence was timed", "1/s")]
    speeds = dict(case.told.tokens_per_s)
    record = case.now.record(
        "tokens_per_s_batched",
        "1/s",
        bootstrap_mean(list(speeds.values()), case.now.seed),
        speeds,
        {},
        CLOCK,
    )
    return [*found, record.model_copy(update={"batch": case.params.evaluation.prompted.batch})]
