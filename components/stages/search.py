"""The tool search: which versions met all targets, and on which device.

Every version's own evidence is judged again by today's targets, without a champion: a version that a better
one kept from being champion has met them all the same. Nothing is read from tags, which anybody can set.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.table import Table
from rich.text import Text

from components.core.errors import BadInputError, ConfigError
from components.core.metrics import Decision, Evidence
from components.core.params import Params
from components.core.params.kpi import EvaluationParams
from components.core.ports import ModelRegistry, ModelVersion
from components.promotion.gate import decide
from components.promotion.succession import champion_alias, previous_alias

_MARKS = {"PASS": ("✔", "green"), "FAIL": ("✘", "red"), "INCONCLUSIVE": ("?", "yellow")}
_NOTHING = "–"
_DAY = 10


@dataclass(frozen=True)
class Query:
    """What is asked for.

    Attributes:
        models: whose versions.
        device: regular expression that the device of the latency must match.
        since: evidence from this day on; None for all.
    """

    models: Sequence[str]
    device: str
    since: datetime.date | None


@dataclass(frozen=True)
class Found:
    """A version and what its evidence says.

    ``kpis`` maps each gated KPI to value, low, high, n, unit, device and its own verdict; ``verdict`` is over
    all of them, ``reasons`` are those that are no PASS. ``gate`` is what the gate said at the time.
    """

    model: str
    version: str
    verdict: str
    gate: str
    alias: str
    created: str
    run_id: str
    data_md5: str
    git_sha: str
    kpis: Mapping[str, Mapping[str, Any]]
    reasons: Sequence[str]


def query(params: Params, model: str | None, device: str | None, since: str | None) -> Query:
    """The request, checked.

    Raises:
        ConfigError: no such model, no regular expression, or no day.
    """
    if model is not None and model not in params.models:
        raise _bad("--model", f"one of {', '.join(params.models)}", model)
    try:
        day = datetime.date.fromisoformat(since) if since else None
    except ValueError as error:
        raise _bad("--since", "a day as 2026-11-28", since) from error
    try:
        wanted = device or params.evaluation.required_device
        # The section's own validator reads the expression.
        EvaluationParams.model_validate({**params.evaluation.model_dump(), "required_device": wanted})
    except ValueError as error:
        raise _bad("--device", "a regular expression", device) from error
    return Query((model,) if model else tuple(params.models), wanted, day)


def search(params: Params, registry: ModelRegistry, asked: Query) -> list[Found]:
    """Every version with evidence of that time, the newest first; those that met the targets say PASS.

    Raises:
        TrackingUnavailableError: the registry does not answer.
    """
    found = [one for model in asked.models for one in _of_model(params, registry, model, asked)]
    return sorted(found, key=lambda one: (one.created, one.model, int(one.version)), reverse=True)


def _of_model(params: Params, registry: ModelRegistry, model: str, asked: Query) -> Iterator[Found]:
    scope = params.evaluation.scope
    aliases = {}
    for alias in (previous_alias(scope), champion_alias(scope)):
        version = registry.by_alias(model, alias)
        if version:
            aliases[version.version] = alias
    for version in registry.versions(model):
        alias = aliases.get(version.version, "")
        try:
            evidence = registry.evidence_of(version)
        except BadInputError as error:
            yield _unread(version, alias, str(error))
            continue
        if evidence is None or (asked.since and _day(evidence) < asked.since):
            continue
        yield _judged(params, version, alias, evidence, asked.device)


def _judged(params: Params, version: ModelVersion, alias: str, evidence: Evidence, device: str) -> Found:
    """As of the day of the evidence, which is the only thing that makes an old figure stale."""
    decision = decide(
        model=version.model,
        evidence=evidence,
        kpi=params.kpi,
        evaluation=params.evaluation.model_copy(update={"required_device": device}),
        champion=None,
        champion_version=None,
        now=datetime.datetime.fromisoformat(evidence.created),
        seed=params.seed,
    )
    gated = params.kpi.gated.of(version.model)
    first = evidence.metrics[0] if evidence.metrics else None
    return Found(
        model=version.model,
        version=version.version,
        verdict=decision.verdict,
        gate=version.tags.get("verdict", ""),
        alias=alias,
        created=evidence.created,
        run_id=evidence.run_id,
        data_md5=evidence.data_md5,
        git_sha=first.git_sha if first else "",
        kpis={name: _kpi(name, evidence, decision) for name in gated},
        reasons=[reason.text for reason in decision.reasons if reason.verdict != "PASS"],
    )


def _kpi(name: str, evidence: Evidence, decision: Decision) -> dict[str, Any]:
    metric = evidence.metric(name)
    verdicts = {reason.verdict for reason in decision.reasons if reason.kpi == name}
    word = next((one for one in ("FAIL", "INCONCLUSIVE", "PASS") if one in verdicts), "INCONCLUSIVE")
    if metric is None:
        return {"value": None, "verdict": word}
    kept = {"value", "low", "high", "n", "unit", "device", "evidence"}
    return {**metric.model_dump(include=kept), "verdict": word}


def _unread(version: ModelVersion, alias: str, why: str) -> Found:
    return Found(
        model=version.model,
        version=version.version,
        verdict="INCONCLUSIVE",
        gate=version.tags.get("verdict", ""),
        alias=alias,
        created="",
        run_id=version.run_id,
        data_md5=version.tags.get("data_md5", ""),
        git_sha=version.tags.get("git_sha", ""),
        kpis={},
        reasons=[why],
    )


def as_json(found: Sequence[Found], shown: Sequence[Found], asked: Query, scope: str) -> dict[str, Any]:
    """The answer as plain values: how many of all met the targets, and the versions that are shown."""
    return {
        "scope": scope,
        "device": asked.device,
        "since": asked.since.isoformat() if asked.since else None,
        "met": sum(one.verdict == "PASS" for one in found),
        "of": len(found),
        "versions": [asdict(one) for one in shown],
    }


def headline(found: Sequence[Found], asked: Query, scope: str) -> str:
    """``2 of 5 versions met all targets on A100.*80GB (scope a100)``."""
    met = sum(one.verdict == "PASS" for one in found)
    return f"{met} of {len(found)} versions met all targets on {asked.device} (scope {scope})"


def table(found: Sequence[Found], title: str) -> Table:
    """A row for each version with its gated KPIs, each marked by the gate's rules."""
    view = Table(
        title=title, caption="✔ met · ✘ missed · ? undecided: not measured here, or too few sentences"
    )
    names = list(dict.fromkeys(name for one in found for name in one.kpis))
    for heading in ("version", "met", "alias", "measured"):
        view.add_column(heading, overflow="fold")
    for name in names:
        view.add_column(Text(name.replace("_", " ")), justify="right", overflow="fold")
    for heading in ("device", "data", "commit", "run"):
        view.add_column(heading, overflow="fold")
    for one in found:
        devices = dict.fromkeys(str(kpi["device"]) for kpi in one.kpis.values() if kpi.get("device"))
        view.add_row(
            Text(f"{one.model} v{one.version}"),
            _marked(one.verdict, one.verdict),
            Text(one.alias or _NOTHING),
            Text(one.created[:_DAY] or _NOTHING),
            *(_cell(one.kpis.get(name)) for name in names),
            Text(", ".join(devices) or _NOTHING),
            Text(one.data_md5[:8]),
            Text(one.git_sha[:8]),
            Text(one.run_id[:8]),
        )
    return view


def _cell(kpi: Mapping[str, Any] | None) -> Text:
    if kpi is None:
        return Text("")
    return _marked(_NOTHING if kpi["value"] is None else f"{kpi['value']:.4g}", str(kpi["verdict"]))


def _marked(text: str, verdict: str) -> Text:
    mark, style = _MARKS[verdict]
    return Text(f"{text} {mark}", style=style)


def _day(evidence: Evidence) -> datetime.date:
    return datetime.datetime.fromisoformat(evidence.created).date()


def _bad(who: str, expected: str, found: str | None) -> ConfigError:
    return ConfigError(who=who, expected=expected, found=str(found), action="correct the command line")
