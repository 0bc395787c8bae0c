"""Each model's champion and latest candidate, KPI by KPI, as evidence and gate left them in the registry.

A verdict shown here is the gate's, read from the version's tags; nothing is judged again.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from components import catalogue
from components.core.errors import BadInputError, ConfigError
from components.core.metrics import Evidence, Metric
from components.core.params import Params
from components.core.ports import ModelRegistry, ModelVersion, RunSummary, Tracker
from components.promotion.succession import champion_alias, previous_alias
from components.reporting.inputs import KST
from components.reporting.kpi_table import target_of
from components.reporting.names import kpi_titles

CHAMPION, CANDIDATE = "champion", "candidate"
#: Tag of a run that the gate writes: the version made of it.
VERSION_TAG = "gate.version"
_ALIASES = {"champion": champion_alias, "previous": previous_alias}
#: A longer row of digits is the beginning of a run id.
_VERSION_DIGITS = 6
#: How far back a run or the latest candidate is looked for.
SEARCHED_RUNS = 1000


@dataclass(frozen=True)
class Figure:
    """One KPI of one version. ``metric`` is None where it was not measured, ``reason`` then says why.

    ``verdict`` is the gate's, "" where the KPI gates nothing or the version was never judged.
    """

    name: str
    metric: Metric | None
    reason: str
    target: float | None
    verdict: str


@dataclass(frozen=True)
class Standing:
    """A version and its figures. ``role`` is champion or candidate."""

    model: str
    role: str
    version: ModelVersion
    evidence: Evidence | None
    verdict: str
    figures: tuple[Figure, ...]


def standings(
    params: Params,
    tracker: Tracker,
    registry: ModelRegistry,
    models: Sequence[str],
    since: datetime.date | None,
) -> dict[str, tuple[Standing, ...]]:
    """Model → its champion, then its latest candidate where that is another version; what is not there is
    left out.

    Args:
        params: targets, gated KPIs and the scope whose champion is asked for.
        tracker: names the latest candidate, by the gate's tag in its run.
        registry: versions, their tags and evidence.
        models: whose.
        since: only candidates of runs that began on that day (Asia/Seoul) or later; a champion always stands.

    Raises:
        TrackingUnavailableError: the store does not answer.
        CorruptFileError: evidence that is not what its version's tag names.
    """
    return {model: tuple(_of(params, tracker, registry, model, since)) for model in models}


def begun_since(run: RunSummary, since: datetime.date | None) -> bool:
    """Whether a run began on that day (Asia/Seoul) or later; None lets all pass."""
    if since is None:
        return True
    started = datetime.datetime.fromisoformat(run.started)
    return (started if started.tzinfo else started.replace(tzinfo=datetime.UTC)).astimezone(
        KST
    ).date() >= since


def day(text: str | None) -> datetime.date | None:
    """``2026-11-01`` → that day.

    Raises:
        ConfigError: it is no day.
    """
    if text is None:
        return None
    try:
        return datetime.date.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(
            who="--since", expected="a day, YYYY-MM-DD", found=repr(text[:40]), action="as in 2026-11-01"
        ) from error


def models_asked(model: str | None) -> tuple[str, ...]:
    """The one model, or all that can be trained.

    Raises:
        ConfigError: there is no such model.
    """
    known = catalogue.model_names()
    if model is not None and model not in known:
        raise ConfigError(
            who=f"model {model!r}",
            expected=f"one of {', '.join(known)}",
            found="no such model",
            action="see params.yaml, models",
        )
    return (model,) if model else tuple(catalogue.trainable())


def version_named(
    params: Params, registry: ModelRegistry, name: str, model: str | None
) -> ModelVersion | None:
    """``fastpitch:3``, ``fastpitch:champion`` or ``fastpitch:previous``; with ``model`` also ``3`` or
    ``champion``. None where the name means no version (a run id, say).

    Raises:
        ConfigError: no version has that alias.
        BadInputError: there is no version of that number.
    """
    owner, _, version = name.rpartition(":")
    owner = owner or model or ""
    number = version.removeprefix("v")
    if owner and number.isdigit() and len(number) <= _VERSION_DIGITS:
        return registry.by_version(owner, number)
    if not owner or version not in _ALIASES:
        return None
    alias = _ALIASES[version](params.evaluation.scope)
    found = registry.by_alias(owner, alias)
    if found is None:
        raise ConfigError(
            who=f"{owner}:{version}",
            expected=f"a version with the alias {alias}",
            found="none",
            action="see `python -m components kpi` for the versions there are",
        )
    return found


def standing(params: Params, registry: ModelRegistry, version: ModelVersion, role: str) -> Standing:
    """What is known of one version."""
    evidence = registry.evidence_of(version)
    return Standing(
        model=version.model,
        role=role,
        version=version,
        evidence=evidence,
        verdict=version.tags.get("verdict", ""),
        figures=tuple(_figures(params, version.model, evidence, version.tags)),
    )


def _of(
    params: Params, tracker: Tracker, registry: ModelRegistry, model: str, since: datetime.date | None
) -> Iterable[Standing]:
    champion = registry.by_alias(model, champion_alias(params.evaluation.scope))
    if champion is not None:
        yield standing(params, registry, champion, CHAMPION)
    candidate = _latest(tracker, registry, model, since)
    if candidate is not None and (champion is None or candidate.version != champion.version):
        yield standing(params, registry, candidate, CANDIDATE)


def _latest(
    tracker: Tracker, registry: ModelRegistry, model: str, since: datetime.date | None
) -> ModelVersion | None:
    for run in tracker.runs(model, SEARCHED_RUNS):
        number = run.tags.get(VERSION_TAG)
        if not number or not begun_since(run, since):
            continue
        try:
            return registry.by_version(model, number)
        except BadInputError:  # somebody deleted it since: the one before is the latest
            continue
    return None


def _figures(
    params: Params, model: str, evidence: Evidence | None, tags: Mapping[str, str]
) -> Iterable[Figure]:
    """The gated KPIs, measured or not, then whatever else was measured, in the order of the reports."""
    gated = params.kpi.gated.of(model)
    for title in sorted(kpi_titles(), key=lambda one: one.name not in gated):
        metric = evidence.metric(title.name) if evidence else None
        if metric is None and title.name not in gated:
            continue
        target = target_of(params.kpi, title, metric) if title.name in gated else None
        yield Figure(
            name=title.name,
            metric=metric,
            reason="" if metric else evidence.reason_missing(title.name) if evidence else "no evidence",
            target=target.value if target else None,
            verdict=tags.get(f"kpi.{title.name}.verdict", "") if title.name in gated else "",
        )
