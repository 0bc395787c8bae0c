"""``review``: the scheduled review and listening tests."""

from __future__ import annotations

from typing import Any, Self

from pydantic import Field, model_validator

from components.core.params.base import Section


class KsParams(Section):
    """When two samples of a number count as different: both must hold (docs/adr/0031)."""

    distance: float = Field(gt=0, lt=1, description="Kolmogorov-Smirnov D; smaller ones matter to nobody")
    significance: float = Field(gt=0, lt=1, description="p below it; larger ones may be chance")


class DriftParams(Section):
    """How the current data are compared with the data of a champion."""

    rows: int = Field(gt=0, description="recordings whose durations are compared")
    recordings: int = Field(gt=0, description="recordings that are listened to, for f0 and SNR")
    recordings_min: int = Field(gt=1, description="of either side; fewer are not judged")
    listen_s: float = Field(gt=0, description="of a recording, from its middle")
    ks: KsParams
    psi: float = Field(gt=0, description="population stability index of the languages' shares")
    restore_max_gib: float = Field(
        ge=0, description="an earlier version without a profile is restored for it up to this size"
    )


class NotifierParams(Section):
    """An Airflow notifier that is told of alerts."""

    notifier: str = Field(pattern=r"^[\w.]+\.\w+$", description="dotted path of a BaseNotifier")
    arguments: dict[str, Any] = Field(description="its arguments; {{ alerts }} stands for the text")


class CatchParams(Section):
    """Trials that show whether somebody listens."""

    trials: int = Field(gt=0, description="of each kind of test")
    mos_max: int = Field(ge=1, le=5, description="a spoilt clip rated higher is a failure")
    failures_max: int = Field(ge=0, description="more failures exclude a rater")


class ListeningParams(Section):
    """A blind listening test."""

    sentences_per_language: int = Field(gt=0)
    abx_per_language: int = Field(ge=0, description="ABX trials of each pair of systems")
    anchors_per_language: int = Field(gt=0, description="recordings (high) and spoilt clips (low), each")
    low_anchor_q_db: float = Field(description="modulated noise of the low anchor, Q in dB (ITU-T P.810)")
    catch_q_db: float = Field(description="the same of a catch trial")
    level_dbfs: float = Field(lt=0, description="RMS that every clip is brought to")
    catch: CatchParams
    raters_min: int = Field(gt=1, description="fewer leave the figures out of the evidence")
    answered_min: float = Field(gt=0, le=1, description="share of trials; a rater with fewer is left out")

    @model_validator(mode="after")
    def _a_catch_is_worse_than_an_anchor(self) -> Self:
        if self.catch_q_db >= self.low_anchor_q_db:
            message = f"catch_q_db {self.catch_q_db} must lie below low_anchor_q_db {self.low_anchor_q_db}"
            raise ValueError(message)
        return self


class ReviewParams(Section):
    """What is looked at beside a retraining."""

    drift: DriftParams
    listening: ListeningParams
