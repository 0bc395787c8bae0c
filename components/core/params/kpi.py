"""``kpi`` and ``evaluation``: the targets, which no overlay may change, and how evidence is gathered."""

from __future__ import annotations

import re
from typing import Literal, Self

from pydantic import Field, model_validator

from components.core.metrics import EvaluatorClass, KpiName
from components.core.params.base import Bilingual, Section
from components.core.utterance import Language


class PronunciationTarget(Section):
    """1 − error rate on the 120 sentences."""

    target: float = Field(gt=0, le=1)
    per_language_min: float = Field(gt=0, le=1)
    n_min: int = Field(gt=0)
    margin: float = Field(ge=0, description="non-inferiority margin against the champion")
    unit: str


class SimilarityTarget(Section):
    """Cosine to the speaker's centroid."""

    target: float = Field(gt=0, le=1)
    n_min: int = Field(gt=0)
    margin: float = Field(ge=0)
    references_min: int = Field(gt=0, description="recordings behind a centroid")
    unit: str


class LatencyTarget(Section):
    """p95 over the sentences whose audio is at most ``utterance_seconds`` long."""

    target_ms: float = Field(gt=0)
    n_min: int = Field(gt=0)
    margin_ms: float = Field(ge=0)
    utterance_seconds: float = Field(gt=0)
    long_utterance_seconds: float = Field(gt=0)
    repeats_min: int = Field(gt=0)


class LipSyncTarget(Section):
    """LSE-C relative to the real clips' under the same SyncNet."""

    target_share_of_real: float = Field(gt=0)
    margin_share: float = Field(ge=0)
    n_min: int = Field(gt=0)


class ExpectedValue(Section):
    """A figure of the research log that nobody measured."""

    name: KpiName
    value: float
    before: float | None = Field(description="the figure it improves on, in the same unit; null where none")
    unit: str
    note: Bilingual


class GatedKpis(Section):
    """Which KPIs gate which model."""

    rvc: tuple[KpiName, ...] = Field(strict=False)
    vallex: tuple[KpiName, ...] = Field(strict=False)
    fastpitch: tuple[KpiName, ...] = Field(strict=False)
    wav2lip: tuple[KpiName, ...] = Field(strict=False)

    def of(self, model: str) -> tuple[KpiName, ...]:
        """The KPIs that gate ``model``."""
        names: tuple[KpiName, ...] = getattr(self, model)
        return names


class KpiParams(Section):
    """The IRIS targets."""

    source: Bilingual = Field(description="where the targets come from, as reports print it")
    confidence: float = Field(ge=0.95, le=0.95, description="of all bounds of a decision together (ADR 29)")
    power: float = Field(
        gt=0.5, lt=1, description="chance of a decision that a needed sample size is told for"
    )
    pronunciation_accuracy: PronunciationTarget
    speaker_similarity: SimilarityTarget
    latency: LatencyTarget
    lip_sync: LipSyncTarget
    languages: tuple[Language, ...] = Field(strict=False)
    sentences_per_language: int = Field(gt=0)
    max_evidence_age_days: int = Field(gt=0)
    gated: GatedKpis
    expected: tuple[ExpectedValue, ...] = Field(strict=False)

    def target(self, name: str) -> float | None:
        """The target of a KPI in its own unit; None where it is only reported (lip sync is relative)."""
        return {
            "pronunciation_accuracy": self.pronunciation_accuracy.target,
            "speaker_similarity": self.speaker_similarity.target,
            "latency_p95_ms": self.latency.target_ms,
        }.get(name)

    def margin(self, name: str, ceiling: float | None = None) -> float | None:
        """How much worse than another figure still counts as no worse, in the KPI's own unit.

        Args:
            name: of the KPI; None is returned where params.yaml sets no margin.
            ceiling: what real clips score, for lip sync only.
        """
        lips = None if ceiling is None else self.lip_sync.margin_share * ceiling
        return {
            "pronunciation_accuracy": self.pronunciation_accuracy.margin,
            "speaker_similarity": self.speaker_similarity.margin,
            "latency_p95_ms": self.latency.margin_ms,
            "lse_c": lips,
        }.get(name)


class EvaluatorParams(Section):
    """An evaluator by name; its weights' hash is found at run time and stands in every record.

    Where ``weights_sha256`` is given, the gate counts figures by these very weights only.
    """

    id: str = Field(min_length=1, description="'none' where there is no such evaluator yet")
    version: str
    kind: EvaluatorClass
    weights_sha256: str = Field(pattern=r"^([0-9a-f]{64})?$", description="empty: any, as recorded")


class ConversionParams(Section):
    """What is found out about a voice converter beside the KPIs."""

    recordings_per_target: int = Field(
        gt=0, description="recordings into each target: between people, and into the own voice"
    )
    streamed_sentences_per_language: int = Field(gt=0, description="sentences converted live, chunk by chunk")


class PromptedParams(Section):
    """How a model that speaks in the voice of a prompt is examined."""

    batch: int = Field(gt=0, description="sentences that are spoken at once for judging; never for latency")
    prompt_s: float = Field(gt=0, description="a prompt is the recording whose length comes nearest")
    omitted_symbols: int = Field(gt=0, description="in a row, unheard: the sentence skipped or stopped early")


class LipSyncParams(Section):
    """How a model that moves lips is judged."""

    clips: int = Field(gt=0, description="held-out clips, as many of each language as there are")
    max_seconds: float = Field(gt=0, description="of a clip; what comes later is left out")
    reference_frames: int = Field(
        gt=0, description="a frame looks like the one so far away: there is no mouth to copy"
    )
    shown: int = Field(ge=0, description="clips whose videos are kept to look at, the worst first")
    judge: EvaluatorParams


class EvaluationParams(Section):
    """How evidence is gathered."""

    scope: Literal["a100", "laptop"]
    required_device: str = Field(description="regular expression over the device name")
    sentences: str
    timed_sentences: int = Field(gt=0, description="short ones at most; the gate asks for kpi.latency.n_min")
    latency_repeats: int = Field(gt=0)
    latency_warmup: int = Field(ge=1)
    reference_utterances: int = Field(gt=0)
    impostor_pairs: int = Field(gt=0)
    conversion: ConversionParams
    prompted: PromptedParams
    lip_sync: LipSyncParams
    speaker_verifier: EvaluatorParams
    recogniser: EvaluatorParams

    @model_validator(mode="after")
    def _device_is_a_pattern(self) -> Self:
        try:
            re.compile(self.required_device)
        except re.error as error:
            message = f"required_device is no regular expression: {error}"
            raise ValueError(message) from error
        return self
