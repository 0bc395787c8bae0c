"""The terminal's tables, from runs as a tracker returns them."""

from __future__ import annotations

import datetime
import io
from typing import cast

from fixture_evidence import laptop_params
from rich.console import Console
from rich.table import Table

from components.core.ports import RunSummary, Tracker
from components.stages.kpi_review import runs_table

KPI = laptop_params().kpi


def run(run_id: str, model: str = "fastpitch", **changes: dict[str, str] | dict[str, float]) -> RunSummary:
    values = {"params": {"batch_size": "16"}, "metrics": {}, "tags": {}} | changes
    return RunSummary(
        run_id=run_id,
        name="train",
        status="FINISHED",
        started="2026-11-23T12:00:00+09:00",
        ended="2026-11-23T12:10:00+09:00",
        params=cast("dict[str, str]", values["params"]),
        metrics=cast("dict[str, float]", values["metrics"]),
        tags={"model": model, **cast("dict[str, str]", values["tags"])},
    )


class Memory:
    """A tracker that only remembers."""

    def __init__(self, *runs: RunSummary) -> None:
        self._runs = list(runs)

    def runs(self, model: str | None, limit: int) -> list[RunSummary]:
        return [run for run in self._runs if model in (None, run.tags["model"])][:limit]


def tracker(*runs: RunSummary) -> Tracker:
    return cast("Tracker", Memory(*runs))


def text(view: Table) -> str:
    paper = io.StringIO()
    Console(width=200, file=paper).print(view)
    return paper.getvalue()


def line(view: Table, beginning: str) -> str:
    return next(row for row in text(view).splitlines() if beginning in row)


def test_marks_are_the_gates_word_not_a_comparison() -> None:
    judged = run(
        "aaaaaaaa1",
        metrics={"speaker_similarity": 0.91, "latency_p95_ms": 612.0, "pronunciation_accuracy": 0.95},
        tags={
            "verdict": "FAIL",
            "kpi.speaker_similarity.verdict": "PASS",
            "kpi.latency_p95_ms.verdict": "FAIL",
            "kpi.pronunciation_accuracy.verdict": "INCONCLUSIVE",
        },
    )
    unjudged = run("bbbbbbbb1", metrics={"speaker_similarity": 0.99})
    view = runs_table(tracker(judged, unjudged), KPI, "fastpitch", 10)
    assert [mark in line(view, "aaaaaaaa") for mark in ("0.91 ✔", "612 ✘", "0.95 ?", "FAIL ✘")] == [True] * 4
    assert "0.99 ?" in line(view, "bbbbbbbb")
    assert "✔" not in line(view, "bbbbbbbb")
    assert "≥ 0.85" in text(view)
    assert "≤ 500" in text(view)


def test_all_models_show_all_gated_kpis_and_the_limit_holds() -> None:
    view = runs_table(tracker(run("aaaaaaaa"), run("bbbbbbbb", "wav2lip"), run("cccccccc")), KPI, None, 2)
    assert "lse c" in text(view)
    assert "cccccccc" not in text(view)
    assert "lse c" not in text(runs_table(tracker(run("aaaaaaaa")), KPI, "fastpitch", 2))


def test_since_leaves_earlier_runs_out() -> None:
    old = run("aaaaaaaa")
    shown = text(runs_table(tracker(old), KPI, None, 5, datetime.date(2026, 11, 23)))
    assert "aaaaaaaa" in shown
    assert "aaaaaaaa" not in text(runs_table(tracker(old), KPI, None, 5, datetime.date(2026, 11, 24)))


def test_markup_in_names_stays_text() -> None:
    hostile = run("aaaa1", "[red]fastpitch[/nonsense]", params={"[bold]x[/]": "1"})
    assert "[red]fastpitch[/nonsense]" in text(runs_table(tracker(hostile), KPI, None, 5))
