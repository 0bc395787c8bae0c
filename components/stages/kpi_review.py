"""The terminal's view of the runs: each against the targets, or two of them side by side.

The marks are the gate's word (the run's ``kpi.<name>.verdict`` tags), never a comparison made here: a figure
above its target from too few sentences or another device is no ✔.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import TypeVar

from rich.table import Table
from rich.text import Text

from components.core.errors import ConfigError
from components.core.metrics import HIGHER_IS_BETTER
from components.core.params.kpi import KpiParams
from components.core.ports import RunSummary, Tracker

T = TypeVar("T")
_MARKS = {"PASS": ("✔", "green"), "FAIL": ("✘", "red"), "INCONCLUSIVE": ("?", "yellow")}
_UNJUDGED = ("?", "dim")
_ABSENT = "–"
#: How far back `comparison` looks for a run id.
_SEARCHED_RUNS = 1000


def table(tracker: Tracker, kpi: KpiParams, model: str | None, limit: int) -> Table:
    """The latest runs, newest first, with every gated KPI against its target.

    Args:
        tracker: the memory of runs.
        kpi: the targets.
        model: only this model's runs; None for all.
        limit: how many runs.
    """
    names = _columns(kpi, model)
    view = Table(
        title="Runs against the IRIS targets",
        caption="✔ passed · ✘ failed · ? undecided or not judged (the gate's word)",
    )
    for heading in ("run", "model", "started", "status"):
        view.add_column(heading, overflow="fold")
    for name in names:
        view.add_column(Text(f"{name.replace('_', ' ')} {_bar(name, kpi)}"), justify="right", overflow="fold")
    view.add_column("verdict")
    for run in tracker.runs(model, limit):
        cells = [_figure(run, name) for name in names]
        view.add_row(
            Text(run.run_id[:8]),
            Text(run.tags.get("model", _ABSENT)),
            Text(run.started[:16].replace("T", " ")),
            Text(run.status),
            *cells,
            _marked(run.tags.get("verdict", _ABSENT), run.tags.get("verdict")),
        )
    return view


def comparison(tracker: Tracker, first: str, second: str) -> Table:
    """What differs between two runs: parameters and metrics, nothing that is the same.

    Args:
        tracker: the memory of runs.
        first: a run id or the beginning of one.
        second: another.

    Raises:
        ConfigError: no run, or more than one, begins so.
    """
    runs = tracker.runs(None, _SEARCHED_RUNS)
    left, right = _found(runs, first), _found(runs, second)
    view = Table(title="Only what differs")
    for heading in ("", "name", left.run_id[:8], right.run_id[:8], "change"):
        view.add_column(heading, overflow="fold")
    for name, ours, theirs in _differing(left.params, right.params):
        view.add_row("param", Text(name), Text(ours or _ABSENT), Text(theirs or _ABSENT), "")
    for metric, before, after in _differing(left.metrics, right.metrics):
        view.add_row("metric", Text(metric), _number(before), _number(after), _change(metric, before, after))
    return view


def _columns(kpi: KpiParams, model: str | None) -> list[str]:
    gated = kpi.gated.of(model) if model else chain(*kpi.gated.model_dump().values())
    return list(dict.fromkeys(gated))


def _bar(name: str, kpi: KpiParams) -> str:
    target = kpi.target(name)
    if target is None:
        return "see the gate"
    return f"{'≥' if HIGHER_IS_BETTER[name] else '≤'} {target:g}"


def _figure(run: RunSummary, name: str) -> Text:
    value = run.metrics.get(name)
    return _marked(_ABSENT if value is None else f"{value:.4g}", run.tags.get(f"kpi.{name}.verdict"))


def _marked(text: str, verdict: str | None) -> Text:
    mark, style = _MARKS.get(verdict or "", _UNJUDGED)
    return Text(f"{text} {mark}", style=style)


def _found(runs: Sequence[RunSummary], beginning: str) -> RunSummary:
    fitting = [run for run in runs if beginning and run.run_id.startswith(beginning)]
    if len(fitting) != 1:
        raise ConfigError(
            who=f"run {beginning!r}",
            expected="the beginning of exactly one run id",
            found=f"{len(fitting)} runs" if fitting else "no such run",
            action="take the id from `python -m components kpi`",
        )
    return fitting[0]


def _differing(left: Mapping[str, T], right: Mapping[str, T]) -> list[tuple[str, T | None, T | None]]:
    names = sorted(left.keys() | right.keys())
    return [(n, left.get(n), right.get(n)) for n in names if left.get(n) != right.get(n)]


def _number(value: float | None) -> Text:
    return Text(_ABSENT if value is None else f"{value:.6g}")


def _change(name: str, before: float | None, after: float | None) -> Text:
    """The difference; coloured where the KPI has a better side."""
    if before is None or after is None:
        return Text("")
    better = HIGHER_IS_BETTER.get(name)
    if better is None:
        return Text(f"{after - before:+.4g}")
    return Text(f"{after - before:+.4g}", style="green" if (after > before) == better else "red")
