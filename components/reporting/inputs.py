"""Everything the three reports are rendered from. They read nothing else: no clock, no network, no folder."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from components.core.drift import ModelDrift
from components.core.metrics import Decision, Evidence
from components.core.params import Params
from components.core.ports import DataVersion, MetricPoint, RunSummary
from components.core.spending import Spent

#: Raised when the layout or the wording of a report changes; printed with every report.
GENERATOR_VERSION = "1.5"
#: What stands in the file properties of a report that no run stands behind.
NO_RUN_TIME = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)
KST = datetime.timezone(datetime.timedelta(hours=9), "KST")


def kst_text(moment: str) -> str:
    """``2026-03-09T03:40:12+00:00`` → ``2026-03-09 12:40 KST``; what is no moment stays as it is."""
    try:
        found = datetime.datetime.fromisoformat(moment)
    except ValueError:
        return moment
    aware = found if found.tzinfo else found.replace(tzinfo=datetime.UTC)
    return aware.astimezone(KST).strftime("%Y-%m-%d %H:%M KST")


class StageRecord(Protocol):
    """What a report reads of a stage record."""

    @property
    def stage(self) -> str:
        """Stage name."""

    @property
    def model(self) -> str | None:
        """Model, None for a stage over all models."""

    @property
    def state(self) -> str:
        """done, skipped or refused."""

    @property
    def started(self) -> str:
        """ISO 8601."""

    @property
    def seconds(self) -> float:
        """Wall time."""

    @property
    def device(self) -> str:
        """Where it ran."""

    @property
    def data_md5(self) -> str:
        """Data version."""

    @property
    def git_sha(self) -> str:
        """Commit."""

    @property
    def summary(self) -> Mapping[str, Any]:
        """Small facts."""


@dataclass(frozen=True)
class Sentence:
    """One of the 120 sentences as it was spoken.

    ``values`` holds what was scored (similarity, latency_ms, ...); what is absent was not measured.
    ``said`` and ``heard`` are the sounds that should be heard and that the recogniser heard; "" where nobody
    listened. ``audio`` and ``reference`` are None where no sample was kept.
    ``source`` is what was converted and ``source_voice`` who says it: a voice converter's only. Behind its
    sentences stand rows of recordings.
    ``videos`` are what a lip-sync model was given, what it rendered, and that with a wrong sound: ``real``,
    ``made``, ``wrong``.
    """

    sentence_id: str
    language: str
    speaker: str
    text: str
    values: Mapping[str, float]
    audio: Path | None
    reference: Path | None
    fault: str
    said: str
    heard: str
    source: Path | None = None
    source_voice: str = ""
    videos: Mapping[str, Path] = field(default_factory=dict)


@dataclass(frozen=True)
class ModelReport:
    """One model; every part is None or empty where that stage has not run.

    ``champion`` is what was found about the version that the candidate was judged against.
    """

    name: str
    evidence: Evidence | None
    decision: Decision | None
    curves: Mapping[str, tuple[MetricPoint, ...]]
    sentences: tuple[Sentence, ...]
    training: Mapping[str, Any]
    promotion: Mapping[str, Any]
    champion: Evidence | None = None


@dataclass(frozen=True)
class RejectedRow:
    """A row that ingest did not take, as ``rejected.csv`` lists it."""

    corpus: str
    row: str
    utterance_id: str
    audio: str
    reason: str
    expected: str
    found: str


@dataclass(frozen=True)
class RejectedRows:
    """Counts as (corpus, reason, rows), the first rows, and how many there are in all."""

    counts: tuple[tuple[str, str, int], ...] = ()
    first: tuple[RejectedRow, ...] = ()
    total: int = 0


@dataclass(frozen=True)
class DataReport:
    """What went in."""

    version: DataVersion | None
    address: str
    ingest: Mapping[str, Any]
    validation: Mapping[str, Any]
    data_docs: str
    """Address of Data Docs relative to the review page; empty where there are none."""
    rejected: RejectedRows = RejectedRows()


@dataclass(frozen=True)
class Snapshot:
    """What an earlier report printed, so that the next one can say what changed."""

    stamp: str
    definitions: Mapping[str, Any]
    """``models.<name>.<kind>.<leaf>`` → plain value."""
    data_md5: str
    git_sha: str
    figures: Mapping[str, float] = field(default_factory=dict)
    """``<model>.<kpi>`` → measured value; empty in snapshots of earlier generators."""
    verdicts: Mapping[str, str] = field(default_factory=dict)
    """Model → verdict."""


@dataclass(frozen=True)
class Failure:
    """An attempt at a stage that failed, from the workspace's journal."""

    stage: str
    model: str | None
    started: str
    message: str


@dataclass(frozen=True)
class ReportInputs:
    """A whole reporting period.

    Attributes:
        params: the effective parameters (params.yaml with the profile).
        base: params.yaml as it stands, the a100 profile; what the definitions are printed from.
        stamp: time of the latest run behind the report, None where there is none. Never the clock's.
        previous: the snapshot before ``stamp``, None for a first report.
        spending: what the stages of the latest retraining took, in their order.
        drift: each model's data against its champion's; empty where nobody looked.
    """

    params: Params
    base: Params
    models: tuple[ModelReport, ...]
    runs: tuple[RunSummary, ...]
    data: DataReport
    records: tuple[StageRecord, ...]
    git_sha: str
    lock_sha: str
    stamp: datetime.datetime | None
    previous: Snapshot | None
    failures: tuple[Failure, ...] = ()
    spending: tuple[Spent, ...] = ()
    drift: tuple[ModelDrift, ...] = ()

    @property
    def file_time(self) -> datetime.datetime:
        """What file properties carry (UTC)."""
        return (self.stamp or NO_RUN_TIME).astimezone(datetime.UTC)

    @property
    def profile(self) -> str:
        """The profile whose runs these are."""
        return self.params.platform.profile_name

    def model(self, name: str) -> ModelReport:
        """A model's report; an empty one where the model has not run."""
        empty = ModelReport(name, None, None, {}, (), {}, {})
        return next((m for m in self.models if m.name == name), empty)


def latest_time(texts: list[str]) -> datetime.datetime | None:
    """The latest of some ISO 8601 times; without offset it is UTC; no time is left out."""
    times = []
    for text in texts:
        try:
            time = datetime.datetime.fromisoformat(text)
        except ValueError:
            continue
        times.append(time if time.tzinfo else time.replace(tzinfo=datetime.UTC))
    return max(times, default=None)


_REALITY_KO = "예상 값은 실적이 아니다."
_REALITY_EN = "expected figures are no results."
_LAPTOP_KO = (
    "이 결과는 합성 음성 위주의 내장 말뭉치와 노트북(CPU)에서 파이프라인과 학습이 동작함을 보인다. "
    "한국어 화자에 대한 품질이나 A100에서의 지연을 보이지 않으며, "
)
_LAPTOP_EN = (
    "This shows that pipeline and learning work, on mostly synthetic speech and a laptop device (CPU). "
    "It shows neither quality on Korean speakers nor latency on an A100; "
)
_CLUSTER_KO = "이 보고서의 자체측정 값은 기재된 장치·데이터·평가기에서만 유효하며, "
_CLUSTER_EN = "Measured figures hold for the device, data and evaluators named; "


def reality_line(params: Params) -> tuple[str, str]:
    """What the figures show and what they do not, in Korean and English."""
    if params.evaluation.scope == "a100":
        return _CLUSTER_KO + _REALITY_KO, _CLUSTER_EN + _REALITY_EN
    return _LAPTOP_KO + _REALITY_KO, _LAPTOP_EN + _REALITY_EN
