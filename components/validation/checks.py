"""The expectations, as a table: what is expected of which column, how bad it is, and how a person reads it.

Critical is what would teach a model something false or must not be used at all; a warning is a recording that
is worse than it should be. Limits come from ``data.validation``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from components.core.params.data import ValidationParams

Severity = Literal["critical", "warning"]
Suite = Literal["audio", "text", "integrity"]


@dataclass(frozen=True)
class Check:
    """One expectation over one column.

    Attributes:
        column: of the corpus frame.
        kind: between (closed; None is open), among (``values``), unique, or absent: the column holds a
            sentence about each row that is wrong.
        transcribed_only: recordings without text are not asked.
        meaning: what it guards against, shown in the Data Docs.
    """

    suite: Suite
    column: str
    severity: Severity
    kind: Literal["between", "among", "unique", "absent"]
    meaning: str
    low: float | None = None
    high: float | None = None
    values: tuple[int, ...] = ()
    transcribed_only: bool = False

    @property
    def name(self) -> str:
        """Unique among the checks."""
        return f"{self.suite}.{self.column}.{self.severity}"

    def complaint(self, cells: Mapping[Any, Any]) -> str:
        """``duration_s 0.21 below 0.5``: what is wrong with a row of the frame."""
        value = cells[self.column]
        if self.kind == "absent":
            return str(value)
        if self.kind == "unique":
            return f"{self.column} stands more than once"
        if self.kind == "among":
            return f"{self.column} {value} not among {', '.join(map(str, self.values))}"
        if self.low is not None and value < self.low:
            return f"{self.column} {_figure(value, self.low)} below {self.low:g}"
        return f"{self.column} {_figure(value, self.high)} above {self.high:g}"


def _figure(value: float, limit: float | None) -> str:
    """Four digits, all of them where four would read like the limit."""
    short = f"{value:.4g}"
    return short if float(short) != limit else repr(float(value))


def checks(limits: ValidationParams) -> tuple[Check, ...]:
    """Every check, with these limits."""
    return (*_audio(limits), *_text(limits), *_integrity())


def _audio(limits: ValidationParams) -> tuple[Check, ...]:
    return (
        Check("audio", "audio_problem", "critical", "absent", "the file decodes to finite mono samples"),
        Check(
            "audio",
            "duration_s",
            "critical",
            "between",
            "neither a click nor a whole session",
            low=limits.duration_min_s,
            high=limits.duration_max_s,
        ),
        Check(
            "audio",
            "sample_rate",
            "critical",
            "among",
            "a rate the analyses are made for",
            values=limits.allowed_sample_rates_hz,
        ),
        Check(
            "audio",
            "peak_dbfs",
            "critical",
            "between",
            "there is sound at all: f0 of silence is silently wrong",
            low=limits.silence_dbfs,
        ),
        Check(
            "audio",
            "clipping_share",
            "warning",
            "between",
            "recorded too loud: share of samples at full scale",
            high=limits.clipping_max_share,
        ),
        Check(
            "audio",
            "silence_share",
            "warning",
            "between",
            "mostly pause: share of 20 ms frames below data.validation.silence_dbfs",
            high=limits.silence_max_share,
        ),
    )


def _text(limits: ValidationParams) -> tuple[Check, ...]:
    pace = limits.characters_per_second
    return (
        Check("text", "text_problem", "critical", "absent", "only recordings of people may lack a text"),
        Check(
            "text",
            "characters_per_second",
            "critical",
            "between",
            "the text is as long as the audio can hold; else it belongs to another recording",
            low=pace.min,
            high=pace.max,
            transcribed_only=True,
        ),
        Check(
            "text",
            "script_share",
            "critical",
            "between",
            "the text is written in the language of its row: share of letters",
            low=limits.script_min_share,
            transcribed_only=True,
        ),
    )


def _integrity() -> tuple[Check, ...]:
    return (
        Check("integrity", "utterance_id", "critical", "unique", "one id, one recording, over all corpora"),
        Check(
            "integrity", "manifest_problem", "critical", "absent", "the file is the one the manifest names"
        ),
        Check("integrity", "repeated_audio", "critical", "absent", "no recording twice, nor with two texts"),
        Check("integrity", "split_leak", "critical", "absent", "no sentence is both learned and tested"),
        Check("integrity", "role_leak", "critical", "absent", "no voice is both learned and judge or unseen"),
        Check("integrity", "consent_problem", "critical", "absent", "a consent that covers training, today"),
    )
