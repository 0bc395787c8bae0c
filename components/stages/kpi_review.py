"""The terminal's views of `kpi_standing` and `kpi_compare`, and of the list of runs; and the same as JSON.

The marks are the gate's word (the tags ``kpi.<name>.verdict``), never a comparison made here: a figure above
its target from too few sentences or another device is no ✔.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import asdict
from itertools import chain
from typing import Any

from rich.table import Table
from rich.text import Text

from components.core.metrics import HIGHER_IS_BETTER
from components.core.params.base import Bilingual
from components.core.params.kpi import KpiParams
from components.core.ports import RunSummary, Tracker
from components.reporting.figures import number_text
from components.reporting.names import kpi_title
from components.stages.kpi_compare import Comparison, Difference
from components.stages.kpi_standing import Figure, Standing, begun_since

_MARKS = {"PASS": ("✔", "green"), "FAIL": ("✘", "red"), "INCONCLUSIVE": ("?", "yellow")}
_UNJUDGED = ("?", "dim")
_ABSENT = "–"
_ROLES = {"champion": "챔피언 champion", "candidate": "후보 candidate"}
_LEGEND = "✔ 통과 passed · ✘ 미달 failed · ? 판정 불가·없음 undecided or not judged (the gate's word)"


def standing_table(
    found: Mapping[str, tuple[Standing, ...]], scope: str, stamp: str, source: Bilingual
) -> Table:
    """A row for each KPI of each champion and candidate.

    Args:
        found: model → its standings.
        scope: whose champions these are.
        stamp: shown in the title, "" for none.
        source: of the targets.
    """
    title = f"챔피언과 최신 후보 Champions and latest candidates, scope {scope}{stamp}"
    view = Table(title=title, caption=_caption(source))
    for heading in ("model", "version · run", "KPI"):
        view.add_column(heading, overflow="fold")
    for heading in ("target", "value", "95 % interval", "n"):
        view.add_column(heading, justify="right", no_wrap=True)
    view.add_column("evidence · device", overflow="fold")
    view.add_column("verdict", no_wrap=True)
    for model, standings in found.items():
        if not standings:
            view.add_row(Text(model), Text("nothing judged so far"), *[Text(_ABSENT)] * 6, Text(""))
        for one in standings:
            _add_standing(view, one)
        view.add_section()
    return view


def standing_json(found: Mapping[str, tuple[Standing, ...]], scope: str) -> dict[str, Any]:
    """The same, every record whole but for its sentences."""
    return {
        "scope": scope,
        "models": {
            model: {one.role: _standing_json(one) for one in standings} for model, standings in found.items()
        },
    }


def comparison_table(found: Comparison) -> Table:
    """Figures of both sides with the interval of the difference; parameters that differ below."""
    view = Table(
        title=f"{found.first.name} → {found.second.name}",
        caption="difference = second − first; interval: paired bootstrap over the sentences in common",
    )
    view.add_column("figure", overflow="fold")
    for heading in (found.first.name, found.second.name, "difference", "95 % interval", "n"):
        view.add_column(Text(heading), justify="right", overflow="fold")
    view.add_column("", overflow="fold")
    for one in found.figures:
        view.add_row(
            Text(_titled(one.name)), _number(one.before), _number(one.after), _changed(one),
            Text(_interval(one.low, one.high)), Text(str(one.n) if one.n else ""), Text(one.note),
        )  # fmt: skip
    view.add_section()
    for name, before, after in found.params:
        view.add_row(Text(f"param {name}"), Text(before or _ABSENT), Text(after or _ABSENT), *[Text("")] * 4)
    return view


def comparison_json(found: Comparison) -> dict[str, Any]:
    """The same as plain values."""
    return {
        "first": {"name": found.first.name, "run_id": found.first.run.run_id if found.first.run else None},
        "second": {
            "name": found.second.name,
            "run_id": found.second.run.run_id if found.second.run else None,
        },
        "figures": [{**asdict(one), "difference": one.value, "better": one.better} for one in found.figures],
        "params": {name: [before, after] for name, before, after in found.params},
    }


def runs_table(
    tracker: Tracker, kpi: KpiParams, model: str | None, limit: int, since: datetime.date | None = None
) -> Table:
    """The latest runs, newest first, with every gated KPI against its target.

    Args:
        tracker: the memory of runs.
        kpi: the targets.
        model: only this model's runs; None for all.
        limit: how many runs.
        since: only runs that began on that day or later.
    """
    names = _columns(kpi, model)
    view = Table(title="실행과 목표 Runs against the IRIS targets", caption=_caption(kpi.source))
    for heading in ("run", "model", "started", "status"):
        view.add_column(heading, overflow="fold")
    for name in names:
        view.add_column(Text(f"{name.replace('_', ' ')} {_bar(name, kpi)}"), justify="right", overflow="fold")
    view.add_column("verdict")
    for run in (one for one in tracker.runs(model, limit) if begun_since(one, since)):
        view.add_row(
            Text(run.run_id[:8]),
            Text(run.tags.get("model", _ABSENT)),
            Text(run.started[:16].replace("T", " ")),
            Text(run.status),
            *[_run_figure(run, name) for name in names],
            _marked(run.tags.get("verdict", _ABSENT), run.tags.get("verdict")),
        )
    return view


def _caption(source: Bilingual) -> Text:
    return Text(f"{_LEGEND}\n목표의 출처: {source.ko}\ntargets: {source.en}", style="dim italic")


def _add_standing(view: Table, one: Standing) -> None:
    who = Text(f"{one.model}\n{_ROLES[one.role]}")
    which = Text(f"v{one.version.version} · {one.version.run_id[:8]}\n")
    which.append(_marked(one.verdict or "not judged", one.verdict or None))
    for figure in one.figures:
        view.add_row(who, which, Text(_titled(figure.name)), *_cells(figure))
        who, which = Text(""), Text("")
    if not one.figures:
        view.add_row(who, which, Text("no evidence"), *[Text(_ABSENT)] * 6)


def _cells(figure: Figure) -> list[Text]:
    bar = _ABSENT
    if figure.target is not None:
        bar = f"{'≥' if HIGHER_IS_BETTER[figure.name] else '≤'} {figure.target:.4g}"
    metric = figure.metric
    judged = _marked(figure.verdict, figure.verdict) if figure.verdict else Text("")
    if metric is None:
        return [Text(bar), *[Text(_ABSENT)] * 3, Text(f"not measured: {figure.reason}", style="dim"), judged]
    unit = "" if metric.unit == "1" else f" {metric.unit}"
    low, high = number_text(metric.low, metric.unit), number_text(metric.high, metric.unit)
    return [
        Text(bar), Text(f"{number_text(metric.value, metric.unit)}{unit}"), Text(f"{low} – {high}"),
        Text(str(metric.n)), Text(f"{metric.evidence} · {metric.device}"), judged,
    ]  # fmt: skip


def _standing_json(one: Standing) -> dict[str, Any]:
    evidence = one.evidence
    return {
        "version": one.version.version,
        "run_id": one.version.run_id,
        "verdict": one.verdict or None,
        "created": evidence.created if evidence else None,
        "data_md5": evidence.data_md5 if evidence else None,
        "sentences_sha256": evidence.sentences_sha256 if evidence else None,
        "kpis": {
            figure.name: {
                "target": figure.target,
                "verdict": figure.verdict or None,
                "metric": figure.metric.model_dump(exclude={"per_sentence"}) if figure.metric else None,
                "reason": figure.reason or None,
            }
            for figure in one.figures
        },
    }


def _columns(kpi: KpiParams, model: str | None) -> list[str]:
    gated = kpi.gated.of(model) if model else chain(*kpi.gated.model_dump().values())
    return list(dict.fromkeys(gated))


def _bar(name: str, kpi: KpiParams) -> str:
    target = kpi.target(name)
    if target is None:
        return "see the gate"
    return f"{'≥' if HIGHER_IS_BETTER[name] else '≤'} {target:g}"


def _titled(name: str) -> str:
    title = kpi_title(name)
    return name if title.ko == name else f"{title.ko} {name}"


def _run_figure(run: RunSummary, name: str) -> Text:
    value = run.metrics.get(name)
    return _marked(_ABSENT if value is None else f"{value:.4g}", run.tags.get(f"kpi.{name}.verdict"))


def _marked(text: str, verdict: str | None) -> Text:
    mark, style = _MARKS.get(verdict or "", _UNJUDGED)
    return Text(f"{text} {mark}", style=style)


def _number(value: float | None) -> Text:
    return Text(_ABSENT if value is None else f"{value:.6g}")


def _interval(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"{low:+.4g} – {high:+.4g}"


def _changed(one: Difference) -> Text:
    """The difference; coloured where its whole interval lies on one side."""
    if one.value is None:
        return Text("")
    style = "" if one.better is None else "green" if one.better else "red"
    return Text(f"{one.value:+.4g}", style=style)
