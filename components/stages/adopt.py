"""Stage adopt: where no champion stands yet, the weights of ``pretrained/`` are the first to be judged.

They become a version like any other, are evaluated on this machine and pass the same gate or do not.
Retraining then begins from the champion, if that made one, else from the same files.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from components.core.errors import NothingScoredError
from components.core.storage import sha256_path
from components.promotion.succession import champion_alias
from components.stages import services
from components.stages.contender import Contender
from components.stages.contract import Outcome, StageContext
from components.stages.evaluate import evaluate
from components.stages.gate import judge
from components.stages.promote import SERVING, promote_judged
from components.stages.shipped import auxiliary_weights, shipped


def fingerprint(context: StageContext) -> Mapping[str, str]:
    """The committed weights are an input, and the networks that evaluate them."""
    folder = _shipped(context)
    own = {"pretrained": sha256_path(folder) if folder.is_dir() else ""}
    return {**own, **auxiliary_weights(context.project)}


def run(context: StageContext) -> Outcome:
    """Register, evaluate, gate and, on a PASS, promote the shipped weights; or say why there is no need.

    Weights whose voices nobody recorded in these corpora have nothing to be held against. That stops no
    training: they are left, with the reason.

    Raises:
        IrisError: see `components.stages.evaluate`, `components.stages.gate`, `components.stages.promote`.
    """
    reason = _needless(context)
    if reason:
        context.progress.say(f"nothing to adopt: {reason}")
        return Outcome({}, {"adopted": False, "reason": reason})
    contender = _contender(context)
    folder = context.workspace.evaluation / f"{contender.model}-pretrained"
    try:
        found = evaluate(context, contender, folder)
    except NothingScoredError as error:
        context.progress.say(f"cannot be judged on these data, not adopted: {error}")
        context.progress.say(f"채택하지 않음: {error.hint_ko}")
        return Outcome({}, {"adopted": False, "reason": str(error), "reason_ko": error.hint_ko})
    decision = context.workspace.decisions / f"{contender.model}-pretrained.json"
    judged = judge(context, contender, found.outputs["evidence"], decision)
    summary: dict[str, Any] = {"run_id": contender.run_id, **judged.summary, "adopted": False}
    outputs = {**found.outputs, **judged.outputs}
    if judged.summary["verdict"] == "PASS":
        path = decision.with_suffix(".promotion.json")
        version = str(judged.summary["version"])
        promoted = promote_judged(context, found.outputs["evidence"], decision, version, path)
        summary["adopted"] = promoted.summary["state"] in SERVING
        outputs |= promoted.outputs
    return Outcome(outputs, summary)


def _needless(context: StageContext) -> str | None:
    if not getattr(context.section.training, "warm_start", False):
        return f"models.{context.model}.training.warm_start is false in profile {context.profile}"
    if not (_shipped(context) / "model.safetensors").is_file():
        return f"no weights are shipped in pretrained/{context.model}"
    alias = champion_alias(context.params.evaluation.scope)
    champion = services.registry(context).by_alias(str(context.model), alias)
    return f"version {champion.version} is {alias}" if champion else None


def _contender(context: StageContext) -> Contender:
    """A run of its own answers for weights that no run of this store has trained."""
    folder, model = _shipped(context), str(context.model)
    weights = sha256_path(folder / "model.safetensors")
    tags = {
        "model": model,
        "stage": context.stage,
        "profile": context.profile,
        "data_md5": context.data_md5,
        "git_sha": context.git_sha,
        "params_sha": context.params_sha,
        "warm_start": "none: these are the shipped weights",
    }
    run = services.tracker(context).start_run(f"{model} pretrained {weights[:6]}", tags)
    run.log_file(folder / "README.md", "pretrained")
    run.finish("FINISHED")
    return Contender(model, run.run_id, folder, weights)


def _shipped(context: StageContext) -> Path:
    return shipped(context.project) / str(context.model)
