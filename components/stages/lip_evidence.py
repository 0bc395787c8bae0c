"""evaluate, for a model that moves lips: held-out clips rendered → evidence, a table, videos to look at."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import torch

from components import inference
from components.auxiliaries.syncnet.loading import JUDGE, LoadedSyncNet, hearing_of, load
from components.auxiliaries.syncnet.params import Section as JudgeSection
from components.core.metrics import Evaluator, Evidence
from components.core.params import narrowed
from components.core.storage import write_json
from components.data.corpus import corpora
from components.evaluation.lip_records import lip_records
from components.evaluation.lip_scores import ScoredClip, score_clips
from components.evaluation.lip_sync import require_independent
from components.evaluation.talking_clips import HeldOutClip, clips_sha256, held_out_clips
from components.evaluation.video_samples import write_clip_table, write_video_samples
from components.inference import MediaLabel
from components.nn.device import best_device
from components.nn.lip_sync import LipSynchroniser
from components.stages.contender import Contender
from components.stages.contract import Outcome, StageContext
from components.stages.evidence_told import (
    circumstances,
    circumstances_told,
    facts_of,
    log_evidence,
    whole_evidence,
)
from components.stages.serving import delivered_card
from components.stages.shipped import shipped
from components.training.memory import PeakMemory, peak, watch


def evaluate_lips(context: StageContext, contender: Contender, folder: Path) -> Outcome:
    """Render, judge, write the evidence into ``folder``, and log it to the contender's run.

    Raises:
        NothingScoredError: no held-out clip; nothing is written then.
        ConfigError: the judge is the network that was the loss.
        CorruptFileError: the delivered model is not the one that was trained.
    """
    device, params = best_device(), context.params
    section = narrowed(params.auxiliaries[JUDGE], JudgeSection)
    hearing = hearing_of(section.architecture, params.audio.log_floor)
    model = inference.load_lip_sync(contender.model, context.section, contender.folder, device)
    judge, reason = _judge(context, section, model, device)
    found = corpora(context.workspace.data, params.data.corpora)
    clips = held_out_clips(params, found, hearing, model.image_size)
    now = circumstances(context, contender, model.dtype, device)
    watch(device)
    scored = score_clips(model, clips, judge, params, context.progress)
    metrics, missing = lip_records(scored, _evaluator(context, judge), reason, params, now)
    memory = peak(device)
    names = [one.clip_id for one in clips]
    evidence = whole_evidence(contender, now, metrics, missing, memory, names, clips_sha256(clips))
    outputs = _write(context, folder, evidence, scored, model)
    log_evidence(context, evidence, outputs)
    return Outcome(outputs, _summary(evidence, scored, memory))


def _judge(
    context: StageContext, section: JudgeSection, model: LipSynchroniser, device: torch.device
) -> tuple[LoadedSyncNet | None, str]:
    """The judge in ``pretrained/``; None and why where there is none of these dimensions."""
    folder = shipped(context.project) / JUDGE
    sides = section.misfit(delivered_card(folder))
    if sides is not None:
        return None, f"no judge in pretrained/{JUDGE}: asked for {sides[0]}, there is {sides[1]}"
    judge = load(folder, JUDGE, device)
    require_independent(judge, model.expert_sha256)
    return judge, ""


def _evaluator(context: StageContext, judge: LoadedSyncNet | None) -> Evaluator | None:
    if judge is None:
        return None
    asked = context.params.evaluation.lip_sync.judge
    return Evaluator(id=asked.id, version=asked.version, weights_sha256=judge.sha256, kind=asked.kind)


def _write(
    context: StageContext,
    folder: Path,
    evidence: Evidence,
    scored: Sequence[ScoredClip],
    model: LipSynchroniser,
) -> dict[str, Path]:
    outputs = {
        "evidence": folder / "evidence.json",
        "sentences": folder / "sentences.csv",
        "table": folder / "sentences.parquet",
        "samples": folder / "samples",
    }

    def label(clip: HeldOutClip) -> MediaLabel:
        return MediaLabel(
            model=evidence.model,
            model_version=evidence.run_id,
            weights_sha256=evidence.checkpoint_sha256,
            speaker=clip.speaker,
            consent=clip.consent,
            language=clip.language,
        )

    asked, quality, rate = context.params.evaluation.lip_sync, _quality(context), model.sample_rate
    folder_of, apart = outputs["samples"], asked.reference_frames
    write_video_samples(folder_of, scored, asked.shown, label, model.fps, rate, quality, apart)
    write_clip_table(outputs["sentences"], outputs["table"], scored, model.fps, facts_of(evidence))
    write_json(outputs["evidence"], evidence.model_dump(mode="json"))
    return outputs


def _quality(context: StageContext) -> int:
    return cast("int", context.section.inference.model_dump()["quality"])


def _summary(evidence: Evidence, scored: Sequence[ScoredClip], memory: PeakMemory) -> dict[str, Any]:
    """KPI values, and what one must know to read them."""
    judged = [one.judgement for one in scored if one.judgement]
    return {
        **circumstances_told(evidence, memory),
        "clips": len(scored),
        "frames": sum(len(one.made) for one in scored),
        "offsets": {one.clip.clip_id: one.judgement.made.offset for one in scored if one.judgement},
        "real_offset_within_1": sum(abs(one.real.offset) <= 1 for one in judged) / len(judged)
        if judged
        else None,
    }
