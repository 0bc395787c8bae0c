"""What of a version would leave the house, and whether it works there: asked before an alias moves."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

from components import catalogue
from components.core.exported import PARTS, REFERENCES, Description, Tolerance
from components.core.metrics import Decision, Evidence, Reason
from components.core.params import Params
from components.core.ports import ModelVersion
from components.core.provenance import cpu_label
from components.core.storage import sha256_path
from components.delivery.bundle import Contents
from components.delivery.clean_room import CleanCheck, Judge, check_contents, check_folder
from components.delivery.references import chosen
from components.evaluation.recognisers import recogniser_for
from components.evaluation.repetition import SaidTwice, scored_twice
from components.evaluation.verifier import SpeakerVerifier
from components.inference.exported import read_speech
from components.promotion.reasons import without_figures, worst
from components.stages import services
from components.stages.contract import StageContext
from components.stages.gate import read_evidence
from components.stages.shipped import shipped

if TYPE_CHECKING:
    from components.core.utterance import Language

SAMPLES = "samples"
EVIDENCE = "evidence.json"
_WEIGHTS = "model.safetensors"
_DEVICE = "cpu"
"""Promotions hold no GPU; spectra are compared without their phases, which devices round differently."""


def judged(context: StageContext, version: ModelVersion, decision: Decision, evaluation: Path) -> Decision:
    """The decision, with what a delivery says: the exported model in a clean process.

    A decision that is no PASS stays what it was, and costs nothing.

    Args:
        evaluation: folder of the evidence that was judged, with its samples.

    Raises:
        CorruptFileError: the registered weights are damaged.
        RetryableError: the exported model did not answer in time; nothing is decided.
        TrackingUnavailableError: the registry does not answer.
    """
    if decision.verdict != "PASS":
        return decision
    weights = services.registry(context).weights(version)
    reason = _works_elsewhere(context, version, weights, evaluation)
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
    evaluation: Path,
    profile: str,
    files: Mapping[str, str],
) -> Contents:
    """What is exported of a version.

    Args:
        params: with the profile that it was judged under.
        weights: its delivered folder.
        evaluation: folder of its evidence and samples; may be absent.
        files: card, requirements and evidence.
    """
    section, delivery = params.models[version.model], params.platform.delivery
    served = section.served_by()
    heard = chosen(evaluation / SAMPLES, delivery.sentences_per_language, section.kind)
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
        evaluated_on=_device_of(evaluation),
        references=tuple(one.reference for one in heard),
        tolerance=Tolerance(
            min_agreement_db=delivery.min_agreement_db,
            max_duration_difference_s=delivery.max_duration_difference_s,
            max_frame_difference=delivery.max_frame_difference,
        ),
    )
    networks = {name: shipped(project) / name for name in served}
    return Contents(description, weights, networks, heard, files)


def profile_params(project: Path, profile: str) -> Params:
    """All of params.yaml as a profile has it: a stage is granted less than an export holds."""
    overlay = project / "profiles" / f"{profile}.yaml"
    return catalogue.load(project, profile if overlay.is_file() else None)


def checked(project: Path, params: Params, folder: Path, what: Description) -> CleanCheck:
    """An exported folder in a clean process.

    A model that draws its codes one by one says other ones on another device. Where the evaluation ran on
    another, what differs is judged as the evaluation judges (`platform.delivery.max_score_difference`).

    Raises:
        RetryableError: no answer in time.
    """
    elsewhere = what.evaluated_on not in {"", cpu_label()}
    judge: Judge | None = None
    if what.kind == "prompted_speech" and elsewhere:
        judge = partial(_as_good, project, params, folder / PARTS / REFERENCES, what)
    return check_folder(folder, _DEVICE, params.platform.delivery.timeout_s, judge)


def _as_good(
    project: Path, params: Params, references: Path, what: Description, said: Path
) -> tuple[bool, str]:
    """Whether what a clean process said is as good as what was evaluated, and the figures."""
    twice = [
        SaidTwice(
            one.text,
            cast("Language", one.language),
            read_speech(references / one.sample),
            read_speech(said / f"{one.sentence_id}.wav"),
            read_speech(references / one.prompt),
        )
        for one in what.references
    ]
    recogniser, _ = recogniser_for(params.evaluation.recogniser, shipped(project))
    scores = scored_twice(twice, recogniser, SpeakerVerifier(params.evaluation.speaker_verifier))
    limit = params.platform.delivery.max_score_difference
    told = ", ".join(one.words() for one in scores)
    words = f"evaluated on {what.evaluated_on}, judged here: {told}, at most {limit:g} apart"
    return all(abs(one.difference) <= limit for one in scores), words


def _works_elsewhere(context: StageContext, version: ModelVersion, weights: Path, evaluation: Path) -> Reason:
    """The exported model makes samples of the evaluation again, isolated; nothing of it is kept."""
    params = profile_params(context.project, context.profile)
    what = contents(context.project, params, version, weights, evaluation, context.profile, {})
    if not what.heard:
        where = f"no samples of its evaluation in {evaluation / SAMPLES} to compare with"
        return without_figures("delivery", "FAIL", where)
    heard, exported = _evaluated_weights(evaluation), what.description.weights_sha256
    if heard and heard != exported:
        told = f"the registry has weights {exported[:12]}, weights {heard[:12]} were evaluated"
        return without_figures("delivery", "FAIL", told)
    found = check_contents(what, lambda folder: checked(context.project, params, folder, what.description))
    return without_figures("delivery", "PASS" if found.holds else "FAIL", found.line())


def _device_of(evaluation: Path) -> str:
    evidence = _evidence(evaluation)
    return evidence.metrics[0].device if evidence and evidence.metrics else ""


def _evaluated_weights(evaluation: Path) -> str:
    evidence = _evidence(evaluation)
    return evidence.checkpoint_sha256 if evidence else ""


def _evidence(evaluation: Path) -> Evidence | None:
    path = evaluation / EVIDENCE
    return read_evidence(path) if path.is_file() else None
