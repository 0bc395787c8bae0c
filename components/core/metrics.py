"""Evidence: a metric is a record with its circumstances, never a bare number."""

from __future__ import annotations

import math
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

KpiName = Literal[
    "pronunciation_accuracy",
    "speaker_similarity",
    "latency_p50_ms",
    "latency_p95_ms",
    "latency_ttfa_ms",
    "rtf",
    "gpu_memory_allocated_gb",
    "gpu_memory_reserved_gb",
    "lse_d",
    "lse_c",
    "similarity_to_human",
    "similarity_to_generated",
    "similarity_human_to_human",
    "source_similarity_before",
    "source_similarity_after",
    "source_error_rate",
    "converted_error_rate",
    "control_error_rate",
    "f0_correlation",
    "stream_latency_p95_ms",
    "stream_delay_p95_ms",
    "mos_naturalness",
    "similarity_seen",
    "similarity_unseen",
    "similarity_same_language",
    "similarity_cross_language",
    "pronunciation_seen",
    "pronunciation_unseen",
    "pronunciation_same_language",
    "pronunciation_cross_language",
    "loop_rate",
    "cut_rate",
    "skip_rate",
    "early_stop_rate",
    "tokens_per_s",
    "tokens_per_s_batched",
    "lse_c_share_of_real",
    "lse_c_shuffled",
    "lip_offset_within_1",
    "mouth_ssim",
    "mouth_l1",
    "latency_per_second_ms",
    "frames_per_second",
]
EvidenceKind = Literal["measured", "simulated", "expected", "certified"]
EvaluatorClass = Literal["reference", "proxy"]
Verdict = Literal["PASS", "FAIL", "INCONCLUSIVE"]

#: Which way is better; reports and the gate read it here.
HIGHER_IS_BETTER: dict[str, bool] = {
    "pronunciation_accuracy": True,
    "speaker_similarity": True,
    "latency_p50_ms": False,
    "latency_p95_ms": False,
    "latency_ttfa_ms": False,
    "rtf": False,
    "gpu_memory_allocated_gb": False,
    "gpu_memory_reserved_gb": False,
    "lse_d": False,
    "lse_c": True,
    "similarity_to_human": True,
    "similarity_to_generated": True,
    "similarity_human_to_human": True,
    "source_similarity_before": False,
    "source_similarity_after": False,
    "source_error_rate": False,
    "converted_error_rate": False,
    "control_error_rate": False,
    "f0_correlation": True,
    "stream_latency_p95_ms": False,
    "stream_delay_p95_ms": False,
    "mos_naturalness": True,
    "similarity_seen": True,
    "similarity_unseen": True,
    "similarity_same_language": True,
    "similarity_cross_language": True,
    "pronunciation_seen": True,
    "pronunciation_unseen": True,
    "pronunciation_same_language": True,
    "pronunciation_cross_language": True,
    "loop_rate": False,
    "cut_rate": False,
    "skip_rate": False,
    "early_stop_rate": False,
    "tokens_per_s": True,
    "tokens_per_s_batched": True,
    "lse_c_share_of_real": True,
    "lse_c_shuffled": False,
    "lip_offset_within_1": True,
    "mouth_ssim": True,
    "mouth_l1": False,
    "latency_per_second_ms": False,
    "frames_per_second": True,
}


class Evaluator(BaseModel):
    """Who judged: without it 0.85 means nothing."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    id: str
    version: str
    weights_sha256: str = Field(description="empty only for an evaluator without weights (a clock)")
    kind: EvaluatorClass


class Metric(BaseModel):
    """One figure with its circumstances.

    ``low``/``high`` are the 95 % interval (bootstrap over sentences). ``ceiling`` is the same measure on real
    recordings of the same speaker, ``floor`` the one between different speakers; None where neither exists.
    ``per_sentence`` maps sentence id to value: the gate pairs candidate and champion on it.
    """

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    name: KpiName
    value: float = Field(allow_inf_nan=False)
    unit: str
    n: int = Field(gt=0)
    low: float = Field(allow_inf_nan=False)
    high: float = Field(allow_inf_nan=False)
    evidence: EvidenceKind
    evaluator: Evaluator
    device: str = Field(min_length=1, description="'NVIDIA A100-SXM4-80GB', 'cpu: <name>', never just 'gpu'")
    dtype: str
    batch: int = Field(gt=0)
    data_md5: str
    git_sha: str
    params_sha: str
    run_id: str = Field(description="MLflow run that produced it")
    ceiling: float | None
    floor: float | None
    per_language: dict[str, float]
    per_sentence: dict[str, float]

    @model_validator(mode="after")
    def _interval_holds_the_value(self) -> Self:
        slack = 1e-9 + 1e-6 * abs(self.value)
        if not self.low - slack <= self.value <= self.high + slack or math.isnan(self.value):
            message = f"{self.name}: value {self.value} outside its interval [{self.low}, {self.high}]"
            raise ValueError(message)
        return self


class NotMeasured(BaseModel):
    """A KPI that was not scored, and why. It stands in the evidence so that nobody takes absence for zero."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    name: KpiName
    reason: str = Field(min_length=1)


class Evidence(BaseModel):
    """Everything evaluation found about one candidate."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    model: str
    run_id: str
    checkpoint_sha256: str
    sentences_sha256: str = Field(description="of the sentence set that was spoken")
    data_md5: str
    created: str = Field(description="ISO 8601 with offset")
    metrics: tuple[Metric, ...]
    not_measured: tuple[NotMeasured, ...]

    def metric(self, name: str) -> Metric | None:
        """The metric of that name, or None when it was not measured."""
        return next((m for m in self.metrics if m.name == name), None)

    def reason_missing(self, name: str) -> str:
        """Why a metric is absent."""
        return next((m.reason for m in self.not_measured if m.name == name), "no record in the evidence")


class Reason(BaseModel):
    """One sentence of a verdict, with the figures it rests on."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    kpi: str
    verdict: Verdict
    text: str
    value: float | None
    low: float | None
    high: float | None
    target: float | None
    margin: float | None = Field(description="distance to the target in the KPI's unit; positive is good")
    sentences_needed: int | None = Field(
        default=None, description="about so many would decide an INCONCLUSIVE that only a bound makes one"
    )


class Decision(BaseModel):
    """What the gate says of a candidate: the verdict and every reason, also the ones that passed."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    model: str
    scope: str
    verdict: Verdict
    reasons: tuple[Reason, ...]
    run_id: str
    evidence_sha256: str
    champion_version: str | None
