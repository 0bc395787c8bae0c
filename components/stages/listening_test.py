"""``listening-test``: a blind test of versions out, ratings in, the mean opinion into the evidence."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from components.core.errors import BadInputError, ConfigError, DataError
from components.core.metrics import Evaluator, Evidence, Metric
from components.core.params import Params
from components.core.paths import Workspace
from components.core.ports import MetricPoint, ModelRegistry, ModelVersion, Tracker
from components.core.storage import atomic_folder, recover_folder, write_json, write_text
from components.evaluation.listening_plan import System, Take, plan
from components.evaluation.listening_scores import LOW_ANCHOR, REFERENCE, Findings, MosFigure, findings
from components.reporting.listening_ratings import read_key, read_ratings, write_key
from components.reporting.listening_results import MOS, RESULTS_TAG, results_tag
from components.reporting.listening_sheet import clips, listening_page, parts, write_form
from components.reporting.reading import read_sentences
from components.stages.kpi_standing import standings, version_named

LISTENERS = "listeners"
_SAMPLES = "evaluation/samples"
_PAGE, _FORM, _KEY = "listening-test.html", "listening-form.xlsx", "key.json"


@dataclass(frozen=True)
class ListeningWish:
    """What is to be compared.

    Attributes:
        versions: ``fastpitch:3``, ``fastpitch:champion``.
        models: champion and latest candidate of each.
        samples: (name, folder with index.csv), for systems that are no versions.
        seed: of the design; None: params.yaml's.
    """

    versions: Sequence[str]
    models: Sequence[str]
    samples: Sequence[tuple[str, Path]]
    seed: int | None


def make(
    params: Params, tracker: Tracker, registry: ModelRegistry, wish: ListeningWish, out: Path
) -> tuple[str, ...]:
    """Write ``out/listeners`` (page, form, clips) and ``out/operator`` (the key).

    Args:
        params: how many trials of which kind.
        tracker: holds the samples that a version was evaluated on.
        registry: versions.
        wish: the systems.
        out: a new or empty folder.

    Returns:
        Lines for the terminal.

    Raises:
        ConfigError: ``out`` holds something, or a version that is none.
        DataError: systems that cannot be compared; see `components.evaluation.listening_plan.plan`.
        TrackingUnavailableError: the store does not answer.
    """
    if out.exists() and any(out.iterdir()):
        raise ConfigError(
            who=str(out),
            expected="a new or empty folder",
            found="files in it",
            action="name another with --out",
        )
    asked = params.review.listening
    with ExitStack() as stack:
        room = Path(stack.enter_context(TemporaryDirectory(prefix="iris-listening-")))
        found = list(_systems(params, tracker, registry, wish, room))
        seed = params.seed if wish.seed is None else wish.seed
        test = plan([system for system, _ in found], asked, seed)
        sounds = clips(test, asked)
        recover_folder(out)
        with atomic_folder(out) as folder:
            (folder / "operator").mkdir()
            write_key(folder / "operator" / _KEY, test, {system.name: facts for system, facts in found})
            (folder / "listeners" / "clips").mkdir(parents=True)
            write_text(folder / "listeners" / _PAGE, listening_page(test, sounds))
            write_form(test, folder / "listeners" / _FORM)
            for name, sound in parts(sounds).items():
                (folder / "listeners" / "clips" / name).write_bytes(sound)
    return (
        f"test {test.test_id}: {', '.join(test.systems)}; {len(test.mos)} MOS and {len(test.abx)} ABX trials",
        f"for listeners (청취자에게): {out / 'listeners' / _PAGE}, or {_FORM} with clips/",
        f"for you alone (담당자만): {out / 'operator' / _KEY}",
    )


def read(
    params: Params, tracker: Tracker, registry: ModelRegistry, ratings: Sequence[Path], key: Path, keep: bool
) -> Findings:
    """Judge the raters, score the systems, write ``results.json`` beside the key, and attach the evidence.

    Args:
        params: what excludes a rater, and how many have to stay.
        tracker: gets figures and tags in each version's run.
        registry: gets the mean opinion in each version's evidence.
        ratings: files of the raters.
        key: of the test.
        keep: attach to the evidence; where too few raters are left nothing is attached, whatever this says.

    Raises:
        DataError: ratings that are none, or of another test; or nobody is left.
        CorruptFileError: the key is none.
    """
    test, systems = read_key(key)
    found = findings(test, read_ratings(ratings, test.test_id), params.review.listening)
    if not found.raters:
        raise DataError(
            who=f"listening test {test.test_id}",
            expected="a rater who passed the catch trials",
            found=f"{len(found.left_out)} raters, all left out",
            action="ask more people to listen",
            details=[f"{one.rater}: {one.en} / {one.ko}" for one in found.left_out],
        )
    attached = []
    if keep and len(found.raters) >= params.review.listening.raters_min:
        for name, facts in systems.items():
            figure = found.figure(name)
            if facts.get("version") and figure is not None:
                attached.append(_attach(params, tracker, registry, facts, figure, found))
    write_json(key.parent / "results.json", {**asdict(found), "evidence": attached})
    return found


def keep_for_report(workspace: Workspace, found: Findings) -> None:
    """Leave a copy by which the next report notices that listeners were asked; nothing else reads it."""
    write_json(workspace.listening / f"{found.test_id}.json", asdict(found))


def lines(found: Findings) -> Iterable[str]:
    """The findings for a terminal; anchors are named in Korean and English."""
    names = {REFERENCE: "reference recordings 기준 녹음", LOW_ANCHOR: "low anchor 잡음 앵커"}
    yield f"test {found.test_id}: {len(found.raters)} raters counted, {len(found.left_out)} left out"
    for one in found.left_out:
        yield f"  left out {one.rater}: {one.en} / {one.ko}"
    for figure in found.mos:
        name = names.get(figure.name, figure.name)
        yield (
            f"  MOS {figure.mean:.2f} [{figure.low:.2f}, {figure.high:.2f}]  {name}  "
            f"({len(figure.per_sentence)} sentences, {figure.ratings} ratings)"
        )
    for abx in found.abx:
        yield (
            f"  ABX {abx.first} / {abx.second}: {abx.correct} of {abx.n} right = {abx.share:.2f} "
            f"[{abx.low:.2f}, {abx.high:.2f}], p = {abx.p_value:.3g} against guessing"
        )
    for ko, en in found.doubts:
        yield f"  ! {en} / {ko}"


def _systems(
    params: Params, tracker: Tracker, registry: ModelRegistry, wish: ListeningWish, room: Path
) -> Iterable[tuple[System, dict[str, str]]]:
    for version in _versions(params, tracker, registry, wish):
        name = f"{version.model}:{version.version}"
        folder = room / name.replace(":", "-")
        folder.mkdir()
        samples = tracker.fetch(version.run_id, _SAMPLES, folder)
        facts = {"model": version.model, "version": version.version, "run_id": version.run_id}
        yield System(name, _takes(samples)), facts
    for name, samples in wish.samples:
        yield System(name, _takes(samples)), {}


def _versions(
    params: Params, tracker: Tracker, registry: ModelRegistry, wish: ListeningWish
) -> list[ModelVersion]:
    found = {}
    for name in wish.versions:
        version = version_named(params, registry, name, None)
        if version is None:
            raise BadInputError(
                who=f"--versions {name}",
                expected="a version as fastpitch:3 or fastpitch:champion",
                found=name,
                action="see `python -m components kpi` for the versions there are",
            )
        found[version.model, version.version] = version
    for model, stands in standings(params, tracker, registry, wish.models, None).items():
        if not stands:
            raise BadInputError(
                who=f"--model {model}",
                expected="a champion or a judged candidate",
                found="neither",
                action="retrain first",
            )
        found |= {(one.model, one.version.version): one.version for one in stands}
    return list(found.values())


def _takes(samples: Path) -> dict[str, Take]:
    """What can be heard and has no fault."""
    return {
        one.sentence_id: Take(one.sentence_id, one.language, one.audio, one.reference)
        for one in read_sentences(samples)
        if one.audio is not None and not one.fault
    }


def _attach(
    params: Params,
    tracker: Tracker,
    registry: ModelRegistry,
    facts: Mapping[str, str],
    figure: MosFigure,
    found: Findings,
) -> str:
    version = registry.by_version(facts["model"], facts["version"])
    evidence = registry.evidence_of(version)
    if evidence is None:
        raise DataError(
            who=f"{version.model} v{version.version}",
            expected="evidence that the mean opinion can be added to",
            found="none",
            action="run the gate on it first",
        )
    metric = _metric(figure, found, evidence, params)
    others = tuple(one for one in evidence.metrics if one.name != MOS)
    missing = tuple(one for one in evidence.not_measured if one.name != MOS)
    registry.attach_evidence(
        version, evidence.model_copy(update={"metrics": (*others, metric), "not_measured": missing})
    )
    now = datetime.datetime.now(datetime.UTC)
    second = int(now.timestamp())
    points = [
        MetricPoint(f"{MOS}{suffix}", value, second, second * 1000)
        for suffix, value in (("", metric.value), ("_low", metric.low), ("_high", metric.high))
    ]
    heard = results_tag(found.test_id, len(found.raters), len(found.left_out), found.abx, figure.name)
    tags = {**_tags(metric, found), RESULTS_TAG: heard}
    tracker.annotate(version.run_id, points, tags)
    return f"{version.model} v{version.version}"


def _metric(figure: MosFigure, found: Findings, evidence: Evidence, params: Params) -> Metric:
    """Measured by people; ceiling and floor are what the same people said of recordings and low anchor."""
    high, low = found.figure(REFERENCE), found.figure(LOW_ANCHOR)
    sample = evidence.metrics[0] if evidence.metrics else None
    return Metric(
        name=MOS,
        value=figure.mean,
        unit="점",
        n=len(figure.per_sentence),
        low=figure.low,
        high=figure.high,
        evidence="measured",
        evaluator=Evaluator(
            id=LISTENERS, version=f"test {found.test_id}", weights_sha256="", kind="reference"
        ),
        device=f"{LISTENERS}: {len(found.raters)} people, {figure.ratings} ratings",
        dtype="FLAC 16 bit",
        batch=1,
        data_md5=evidence.data_md5,
        git_sha=sample.git_sha if sample else "",
        params_sha=sample.params_sha if sample else "",
        run_id=evidence.run_id,
        ceiling=high.mean if high else None,
        floor=low.mean if low else None,
        per_language=dict(figure.per_language),
        per_sentence=dict(figure.per_sentence),
    )


def _tags(metric: Metric, found: Findings) -> dict[str, str]:
    tags: dict[str, Any] = {
        f"evaluation.{MOS}.n": metric.n,
        f"evaluation.{MOS}.evidence": f"measured on {metric.device}",
        f"evaluation.{MOS}.evaluator": f"{metric.evaluator.id} {metric.evaluator.version}",
        "listening.raters": len(found.raters),
        "listening.left_out": len(found.left_out),
    }
    for abx in found.abx:
        tags[f"listening.abx.{abx.first.replace(':', '-')}.{abx.second.replace(':', '-')}"] = (
            f"{abx.correct}/{abx.n}, p {abx.p_value:.3g}"
        )
    return {name: str(value) for name, value in tags.items()}
