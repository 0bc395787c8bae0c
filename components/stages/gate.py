"""Stage gate: registers the candidate, judges its evidence, and writes the verdict where people look.

Every evaluated candidate becomes a version without alias, so that it can be looked at and rolled out later.
A verdict of FAIL or INCONCLUSIVE is a result, not an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from components.core.errors import CorruptFileError
from components.core.metrics import Decision, Evidence
from components.core.ports import ModelRegistry, ModelVersion
from components.core.storage import write_json
from components.promotion.gate import decide
from components.promotion.ledger import Ledger
from components.promotion.reasons import worst
from components.promotion.succession import Author, champion_alias, previous_alias
from components.stages import services
from components.stages.contender import Contender, trained
from components.stages.contract import Outcome, StageContext
from components.stages.records import intact_input


def run(context: StageContext) -> Outcome:
    """Judge what this run trained.

    Raises:
        IrisError: see `judge`.
    """
    contender = trained(context)
    path = context.workspace.decisions / f"{contender.model}.json"
    return judge(context, contender, intact_input(context, "evaluate", "evidence"), path)


def judge(context: StageContext, contender: Contender, found: Path, path: Path) -> Outcome:
    """Register the contender, judge the evidence ``found`` about it, write the decision to ``path``.

    Raises:
        CorruptFileError: the evidence file is no evidence.
        TrackingUnavailableError: the registry does not answer.
    """
    evidence = read_evidence(found)
    registry = services.registry(context)
    candidate = _registered(context, registry, contender, evidence)
    champion = _rival(registry, candidate, context.params.evaluation.scope)
    decision = decide(
        model=candidate.model,
        evidence=evidence,
        kpi=context.params.kpi,
        evaluation=context.params.evaluation,
        champion=registry.evidence_of(champion) if champion else None,
        champion_version=champion.version if champion else None,
        now=Author.here(context.git_sha).now,
        seed=context.params.seed,
    )
    write_json(path, decision.model_dump(mode="json"))
    tags = tags_of(decision, candidate.version)
    registry.set_version_tags(candidate.model, candidate.version, tags)
    _show_in_the_run(context, evidence.run_id, tags, path)
    context.progress.say(f"v{candidate.version}: {decision.verdict}")
    reasons = [reason.text for reason in decision.reasons]
    return Outcome(
        outputs={"decision": path},
        summary={
            "verdict": decision.verdict,
            "reasons": reasons,
            "sentences_needed": sentences_needed(decision),
            "version": candidate.version,
        },
    )


def fingerprint(context: StageContext) -> Mapping[str, str]:
    """The gate judges again when another champion stands against the candidate.

    Read from the ledger, so that an unchanged run is skipped without asking the tracking server. A candidate
    that has become champion itself still stands against the one it replaced.
    """
    history = Ledger(context.workspace.ledger).history(str(context.model), context.params.evaluation.scope)
    itself = history.champion_run_id == context.upstream["train"].summary["run_id"]
    return {"champion": (history.previous if itself else history.champion) or ""}


def read_evidence(path: Path) -> Evidence:
    """The evidence file of an evaluation.

    Raises:
        CorruptFileError: it does not hold whole evidence.
    """
    try:
        return Evidence.model_validate_json(path.read_bytes())
    except ValidationError as error:
        problem = error.errors()[0]
        raise CorruptFileError(
            who=str(path),
            expected="a whole evidence record",
            found=f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}",
            action="run evaluate again with --force",
        ) from error


def sentences_needed(decision: Decision) -> dict[str, int]:
    """KPI → about how many sentences would decide it, for those that too few left open."""
    needed: dict[str, int] = {}
    for one in decision.reasons:
        if one.sentences_needed is not None:
            needed[one.kpi] = max(needed.get(one.kpi, 0), one.sentences_needed)
    return needed


def tags_of(decision: Decision, version: str) -> dict[str, str]:
    """What MLflow's own tables show: the verdict, and each KPI's target and verdict."""
    tags = {
        "verdict": decision.verdict,
        "gate.scope": decision.scope,
        "gate.version": version,
        "gate.champion": decision.champion_version or "",
        "gate.evidence_sha256": decision.evidence_sha256,
    }
    for name in dict.fromkeys(reason.kpi for reason in decision.reasons if reason.target is not None):
        reasons = [reason for reason in decision.reasons if reason.kpi == name]
        target = next(reason.target for reason in reasons if reason.target is not None)
        tags[f"kpi.{name}.target"] = f"{target:g}"
    for name, sentences in sentences_needed(decision).items():
        tags[f"kpi.{name}.sentences_needed"] = str(sentences)
    for name in dict.fromkeys(reason.kpi for reason in decision.reasons):
        tags[f"kpi.{name}.verdict"] = worst(r.verdict for r in decision.reasons if r.kpi == name)
    return tags


def _registered(
    context: StageContext, registry: ModelRegistry, contender: Contender, evidence: Evidence
) -> ModelVersion:
    tags = {
        "data_md5": evidence.data_md5,
        "git_sha": context.git_sha,
        "params_sha": context.params_sha,
        "profile": context.profile,
        "checkpoint_sha256": evidence.checkpoint_sha256,
    }
    candidate = registry.register(evidence.model, evidence.run_id, contender.folder, tags)
    registry.attach_evidence(candidate, evidence)
    return candidate


def _rival(registry: ModelRegistry, candidate: ModelVersion, scope: str) -> ModelVersion | None:
    """The champion; of a candidate that is champion already, the one before it."""
    champion = registry.by_alias(candidate.model, champion_alias(scope))
    if champion is not None and champion.version == candidate.version:
        return registry.by_alias(candidate.model, previous_alias(scope))
    return champion


def _show_in_the_run(context: StageContext, run_id: str, tags: Mapping[str, str], decision: Path) -> None:
    run = services.tracker(context).open_run(run_id)
    run.set_tags(tags)
    run.log_file(decision, "gate")
    run.finish("FINISHED")
