"""What of a version would leave the house, and whether it works there: asked before an alias moves."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from components import catalogue
from components.core.exported import Description, Tolerance
from components.core.metrics import Decision, Reason
from components.core.params import Params
from components.core.ports import ModelVersion
from components.core.storage import sha256_path
from components.delivery.bundle import Contents
from components.delivery.clean_room import check_contents
from components.delivery.references import chosen
from components.promotion.reasons import without_figures, worst
from components.stages import services
from components.stages.contract import StageContext
from components.stages.shipped import shipped

SAMPLES = "samples"
_WEIGHTS = "model.safetensors"
_SAYS_AGAIN = frozenset({"text_to_speech", "voice_conversion"})
"""A prompt and its seed are no part of the samples, nor are a face and its sound."""
_DEVICE = "cpu"
"""Promotions hold no GPU; spectra are compared without their phases, which devices round differently."""


def judged(context: StageContext, version: ModelVersion, decision: Decision, evaluation: Path) -> Decision:
    """The decision, with what a delivery says: the exported model in a clean process.

    A decision that is no PASS stays what it was, and costs nothing.

    Args:
        evaluation: folder of the evidence that was judged, its samples among it.

    Raises:
        CorruptFileError: the registered weights are damaged.
        RetryableError: the exported model did not answer in time; nothing is decided.
        TrackingUnavailableError: the registry does not answer.
    """
    if decision.verdict != "PASS":
        return decision
    weights = services.registry(context).weights(version)
    reason = _works_elsewhere(context, version, weights, evaluation / SAMPLES)
    context.progress.say(reason.text)
    return decision.model_copy(
        update={
            "reasons": (*decision.reasons, reason),
            "verdict": worst([decision.verdict, reason.verdict]),
        }
    )


def contents(
    project: Path,
    params: Params,
    version: ModelVersion,
    weights: Path,
    samples: Path,
    profile: str,
    files: Mapping[str, str],
) -> Contents:
    """What is exported of a version.

    Args:
        params: with the profile that it was judged under.
        weights: its delivered folder.
        samples: of its evaluation; may be absent.
        files: card, requirements and evidence.
    """
    section, delivery = params.models[version.model], params.platform.delivery
    served = section.served_by()
    heard = chosen(samples, delivery.sentences_per_language) if section.kind in _SAYS_AGAIN else ()
    description = Description(
        model=version.model,
        version=version.version,
        kind=section.kind,
        profile=profile,
        scope=params.evaluation.scope,
        run_id=version.run_id,
        weights_sha256=sha256_path(weights / _WEIGHTS),
        section=section.model_dump(mode="json"),
        auxiliaries={name: params.auxiliaries[name].model_dump(mode="json") for name in served},
        video=params.data.video.model_dump(mode="json") if section.kind == "lip_sync" else None,
        seed=params.seed,
        references=tuple(one.reference for one in heard),
        tolerance=Tolerance(
            min_agreement_db=delivery.min_agreement_db,
            max_duration_difference_s=delivery.max_duration_difference_s,
        ),
    )
    networks = {name: shipped(project) / name for name in served}
    return Contents(description, weights, networks, heard, files)


def profile_params(project: Path, profile: str) -> Params:
    """All of params.yaml as a profile has it: a stage is granted less than an export holds."""
    overlay = project / "profiles" / f"{profile}.yaml"
    return catalogue.load(project, profile if overlay.is_file() else None)


def _works_elsewhere(context: StageContext, version: ModelVersion, weights: Path, samples: Path) -> Reason:
    """The exported model says sentences of the evaluation again, isolated; nothing of it is kept."""
    params = profile_params(context.project, context.profile)
    what = contents(context.project, params, version, weights, samples, context.profile, {})
    if not what.heard and what.description.kind in _SAYS_AGAIN:
        return without_figures(
            "delivery", "FAIL", f"no samples of its evaluation in {samples} to compare with"
        )
    found = check_contents(what, _DEVICE, params.platform.delivery.timeout_s)
    return without_figures("delivery", "PASS" if found.holds else "FAIL", found.line())
