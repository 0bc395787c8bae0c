"""How long each part of the pipeline takes, against the latency target: a table, and the same as JSON."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from rich.table import Table

PARTS: dict[str, str] = {
    "speech": "text → speech",
    "voice": "speech → another voice",
    "captions": "captions: cut, and drawn if asked for",
    "lips": "face found, lips moved, put back",
    "video": "picture read, H.264 and AAC written",
}
_MS = 1000.0


@dataclass(frozen=True)
class PartTime:
    """Quantiles over the runs (linear interpolation)."""

    part: str
    model: str
    version: str
    p50_ms: float
    p95_ms: float


@dataclass(frozen=True)
class PipelineTimes:
    """Measured on this machine.

    Attributes:
        n: runs.
        warm_up: runs before them that do not count.
        audio_s: length of the speech.
        loaded_s: loading the models, once.
        load_average: processes that wanted the CPU, mean over a minute, at the end.
        target_ms: ``kpi.latency.target_ms``, for at most ``target_audio_s`` of speech.
    """

    parts: tuple[PartTime, ...]
    total: PartTime
    n: int
    warm_up: int
    audio_s: float
    loaded_s: float
    device: str
    git_sha: str
    command: str
    load_average: float
    target_ms: float
    target_audio_s: float
    evidence: str = "measured"

    @property
    def verdict(self) -> str:
        """What the total says about the target."""
        if self.audio_s > self.target_audio_s:
            return f"no verdict: the target is for at most {self.target_audio_s:g} s of speech"
        within = self.total.p95_ms <= self.target_ms
        return f"{'within' if within else 'above'} the target of {self.target_ms:g} ms on this device"

    def to_json(self) -> dict[str, Any]:
        """Everything, milliseconds to a tenth."""
        return {**asdict(self), "verdict": self.verdict}

    def table(self) -> Table:
        """For a person."""
        view = Table(
            title=f"{self.audio_s:.2f} s of speech, n = {self.n}, measured on {self.device}",
            caption=f"p95 {self.total.p95_ms:.0f} ms: {self.verdict}. Models loaded once in "
            f"{self.loaded_s:.1f} s, {self.warm_up} runs to warm up; load average {self.load_average:.1f}.",
        )
        view.add_column("part")
        view.add_column("model")
        for name in ("p50 ms", "p95 ms"):
            view.add_column(name, justify="right")
        for one in self.parts:
            who = f"{one.model} ({one.version})" if one.model else ""
            view.add_row(PARTS[one.part], who, f"{one.p50_ms:.0f}", f"{one.p95_ms:.0f}")
        view.add_section()
        view.add_row("text → video", "", f"{self.total.p50_ms:.0f}", f"{self.total.p95_ms:.0f}")
        return view


def part_times(
    runs: Sequence[Mapping[str, float]], made_by: Mapping[str, tuple[str, str]]
) -> tuple[tuple[PartTime, ...], PartTime]:
    """Each part that took time, in the order of `PARTS`, and all together.

    Args:
        runs: part → seconds, one mapping a run, at least one.
        made_by: part → model and version.
    """
    present = [part for part in PARTS if any(part in run for run in runs)]
    parts = tuple(_time(part, [run.get(part, 0.0) for run in runs], made_by) for part in present)
    return parts, _time("total", [sum(run.values()) for run in runs], {})


def load_average() -> float:
    """Over the last minute; 0 where the system does not say."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0


def _time(part: str, seconds: Sequence[float], made_by: Mapping[str, tuple[str, str]]) -> PartTime:
    p50, p95 = (round(_MS * float(np.quantile(seconds, share)), 1) for share in (0.5, 0.95))
    model, version = made_by.get(part, ("", ""))
    return PartTime(part, model, version, p50, p95)
