"""A voice converter from its sources to the findings: the KPIs as of any candidate, and what is its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from components.core.metrics import Evaluator, KpiName, Metric, NotMeasured
from components.core.params import Params
from components.core.statistics import bootstrap_quantile
from components.core.utterance import Role
from components.evaluation import conversion_scores as scores
from components.evaluation.candidate import Examiner, Findings, Listening, examine
from components.evaluation.converting import Conversions, into, listener_waits_ms, live_times
from components.evaluation.latency import CLOCK
from components.evaluation.pronunciation import Score, score_sources
from components.evaluation.recordings import Recording
from components.evaluation.records import Circumstances, mean_record
from components.evaluation.sources import Source, Sources
from components.evaluation.tables import Besides, Compared, Judged
from components.evaluation.verifier import SpeakerVerifier
from components.features.pitch import PitchAnalysis
from components.nn.contracts import Speech
from components.nn.conversion import VoiceConverter

_TAIL = 0.95
_MISSING = "no sentence that can be compared"
Found = Metric | NotMeasured


@dataclass(frozen=True)
class Targets:
    """Whom the candidate converts into.

    Attributes:
        roles: speaker → ``human`` or ``model``; of the candidate's speakers.
        recordings: their held-out recordings, long enough for the verifier.
    """

    roles: Mapping[str, Role]
    recordings: Sequence[Recording]

    def of_role(self, role: Role) -> list[str]:
        """Speakers of a role, in the candidate's order."""
        return [speaker for speaker, own in self.roles.items() if own == role]


def examine_conversion(
    converter: VoiceConverter,
    sources: Sources,
    targets: Targets,
    by: Examiner,
) -> Findings:
    """Everything that can be found out about a voice converter, GPU memory apart.

    Raises:
        NothingScoredError: as `components.evaluation.candidate.examine`.
        DataError: a recording that cannot be read.
    """
    gallery, verifier, params = by.gallery, by.verifier, by.params
    own = list(sources.by_id.values())
    candidate = Conversions(converter, own)
    found = examine(candidate, sources.sentences, by)
    by.progress.say("sources, melody, people to people and live conversion")
    told = _Told(params, by.now, {one.sentence.sentence_id: one.sentence.language for one in own})
    pairs = _between_people(converter, targets, params)
    people = scores.similarities(
        {one.name: (one.target, one.made) for one in pairs}, gallery, verifier, params.data.validation
    )
    rows = _compared(found, own, by)
    metrics = [
        *_of_groups(told, found.judged, targets, verifier),
        _of_people(told, pairs, people, targets, verifier),
        *_of_sources(told, rows, verifier),
        *_of_recogniser(told, converter, rows, found.judged, by.listening),
        *_live(told, converter, found.judged, sources),
    ]
    return replace(
        found,
        metrics=(*found.metrics, *(one for one in metrics if isinstance(one, Metric))),
        not_measured=(*found.not_measured, *(one for one in metrics if isinstance(one, NotMeasured))),
        judged=tuple(replace(one, compared=rows[one.sentence_id]) for one in found.judged),
        besides=tuple(
            Besides(one.name, one.recording, one.target, one.made, people[one.name]) for one in pairs
        ),
    )


def _compared(found: Findings, sources: Sequence[Source], by: Examiner) -> dict[str, Compared]:
    """Every conversion beside its source, by sentence id."""
    made = {one.sentence_id: one.spoken.take.speech for one in found.judged}
    before, after = scores.source_similarities(
        sources, found.voices, by.verifier, by.params.kpi.speaker_similarity.references_min
    )
    listener = by.listening.recogniser
    said = _errors(score_sources(sources, listener)) if listener else {}
    rows = {}
    for one in sources:
        name = one.sentence.sentence_id
        melody = scores.f0_correlation(one.speech, made[name], _pitch(by.params))
        rows[name] = Compared(one, before.get(name), after.get(name), said.get(name), melody)
    return rows


@dataclass(frozen=True)
class _Pair:
    """A recording of one person, converted into another."""

    name: str
    recording: Recording
    target: str
    made: Speech


@dataclass(frozen=True)
class _Told:
    """Turns scores into records."""

    params: Params
    now: Circumstances
    languages: Mapping[str, str]

    def mean(
        self,
        name: KpiName,
        values: Mapping[str, float],
        judge: Evaluator,
        reason: str,
        languages: Mapping[str, str] | None = None,
        ceiling: float | None = None,
    ) -> Found:
        """The mean with its interval, or the reason why there is none."""
        groups = self.languages if languages is None else languages
        return mean_record(name, "1", values, groups, judge, reason, self.now, ceiling)


def _of_groups(
    told: _Told,
    judged: Sequence[Judged],
    targets: Targets,
    verifier: SpeakerVerifier,
) -> list[Found]:
    """The similarity KPI, parted by who the target is."""
    groups: tuple[tuple[KpiName, Role], ...] = (
        ("similarity_to_human", "human"),
        ("similarity_to_generated", "model"),
    )
    found = []
    for name, role in groups:
        own = targets.of_role(role)
        values = {one.sentence_id: one.similarity for one in judged if one.spoken.speaker in own}
        found.append(told.mean(name, values, verifier.identity, f"no target with the role {role}"))
    return found


def _between_people(converter: VoiceConverter, targets: Targets, params: Params) -> list[_Pair]:
    at_most = params.evaluation.conversion.recordings_per_target
    people = targets.of_role("human")
    return [
        _Pair(
            f"{recording.utterance.utterance_id}>{target}",
            recording,
            target,
            into(converter, recording.load(), target),
        )
        for recording, target in scores.between_people(people, targets.recordings, at_most, params.seed)
    ]


def _of_people(
    told: _Told,
    pairs: Sequence[_Pair],
    people: Mapping[str, float],
    targets: Targets,
    verifier: SpeakerVerifier,
) -> Found:
    languages = {one.name: one.recording.utterance.language for one in pairs}
    count = len(targets.of_role("human"))
    reason = f"it takes two recorded people with held-out recordings among the targets; there are {count}"
    return told.mean("similarity_human_to_human", people, verifier.identity, reason, languages)


def _of_sources(told: _Told, rows: Mapping[str, Compared], verifier: SpeakerVerifier) -> list[Found]:
    """Who spoke has to get lost, the melody has not."""
    before = {name: row.before for name, row in rows.items() if row.before is not None}
    after = {name: row.after for name, row in rows.items() if row.after is not None}
    melody = {name: row.melody for name, row in rows.items() if row.melody is not None}
    return [
        told.mean("source_similarity_before", before, verifier.identity, _MISSING),
        told.mean("source_similarity_after", after, verifier.identity, _MISSING),
        told.mean("f0_correlation", melody, scores.f0_judge(_pitch(told.params)), _MISSING),
    ]


def _of_recogniser(
    told: _Told,
    converter: VoiceConverter,
    rows: Mapping[str, Compared],
    judged: Sequence[Judged],
    listening: Listening,
) -> list[Found]:
    """Content before and after, and the recogniser's own failure on resynthesised speech beside."""
    judge = listening.recogniser
    if judge is None:
        names: tuple[KpiName, ...] = ("source_error_rate", "converted_error_rate", "control_error_rate")
        return [NotMeasured(name=name, reason=listening.reason) for name in names]
    said = {name: row.error for name, row in rows.items() if row.error is not None}
    after = _errors({one.sentence_id: one.pronunciation for one in judged if one.pronunciation})
    at_most = told.params.evaluation.conversion.recordings_per_target
    recorded, again = scores.control(
        converter, listening.recordings, at_most, told.params.seed, judge
    )  # fmt: skip
    languages = {name: score.language for name, score in again.items()}
    as_recorded = float(np.mean(list(_errors(recorded).values()))) if recorded else None
    reason = "no transcribed held-out recording of a target"
    return [
        told.mean("source_error_rate", said, judge.identity, _MISSING),
        told.mean("converted_error_rate", after, judge.identity, _MISSING),
        told.mean("control_error_rate", _errors(again), judge.identity, reason, languages, as_recorded),
    ]


def _errors(found: Mapping[str, Score]) -> dict[str, float]:
    """Error rate of each clip, at most 1: what the KPI's accuracy lacks."""
    return {name: 1.0 - score.accuracy for name, score in found.items()}


def _pitch(params: Params) -> PitchAnalysis:
    audio = params.audio
    return PitchAnalysis(audio.f0_method, audio.f0_floor_hz, audio.f0_ceil_hz)


def _live(told: _Told, converter: VoiceConverter, judged: Sequence[Judged], sources: Sources) -> list[Found]:
    names: tuple[KpiName, KpiName] = ("stream_latency_p95_ms", "stream_delay_p95_ms")
    times = live_times(converter, _streamed(told, judged, sources))
    if not times:
        reason = "no source is as long as a chunk and what is heard beyond it"
        return [NotMeasured(name=name, reason=reason) for name in names]
    found: list[Found] = []
    for name, offset in zip(names, (0.0, listener_waits_ms(converter)), strict=True):
        values = {chunk: offset + took for chunk, took in times.items()}
        estimate = bootstrap_quantile(list(values.values()), _TAIL, told.now.seed)
        found.append(told.now.record(name, "ms", estimate, values, {}, CLOCK))
    return found


def _streamed(told: _Told, judged: Sequence[Judged], sources: Sources) -> list[tuple[Source, str]]:
    """The first sentences of each language that could be converted, with their targets."""
    at_most, turns = told.params.evaluation.conversion.streamed_sentences_per_language, []
    for language in dict.fromkeys(told.languages.values()):
        own = [one for one in judged if told.languages[one.sentence_id] == language and one.fault is None]
        turns += [(sources.by_id[one.sentence_id], one.spoken.speaker) for one in own[:at_most]]
    return turns
