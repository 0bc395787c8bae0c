"""evaluate: the delivered model speaks the 120 sentences → evidence, a table, samples to listen to."""

from __future__ import annotations

import datetime
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from components import inference
from components.core.metrics import Evidence, Metric, NotMeasured
from components.core.ports import MetricPoint
from components.core.storage import write_json
from components.data.corpus import corpora
from components.evaluation.candidate import Findings, Listening, examine
from components.evaluation.embedding_store import EmbeddingStore
from components.evaluation.pronunciation import error_rates, mean_accuracy
from components.evaluation.recognisers import recogniser_for
from components.evaluation.recordings import Panel, Recording, held_out, panel, transcribed
from components.evaluation.records import Circumstances, gpu_memory_records
from components.evaluation.sentences import load_sentences, sentences_sha256
from components.evaluation.speaker_similarity import Gallery, build_gallery
from components.evaluation.speaking import Spoken
from components.evaluation.tables import write_samples, write_sentence_table
from components.evaluation.verifier import MIN_CLIP_S, SpeakerVerifier
from components.inference import MediaLabel
from components.nn.contracts import Synthesiser
from components.stages import services
from components.stages.contender import Contender, trained
from components.stages.contract import Outcome, StageContext
from components.stages.shipped import auxiliaries, auxiliary_weights, shipped
from components.training.device import best_device, device_label
from components.training.memory import PeakMemory, peak, watch

_EMBEDDINGS = "speaker-embeddings"  # below the workspace, never among a stage's outputs


def run(context: StageContext) -> Outcome:
    """Evaluate what this run trained.

    Raises:
        IrisError: see `evaluate`.
    """
    contender = trained(context)
    return evaluate(context, contender, context.workspace.evaluation / contender.model)


def fingerprint(context: StageContext) -> Mapping[str, str]:
    """Another recogniser or vocoder is another evaluation."""
    return auxiliary_weights(context.project)


def evaluate(context: StageContext, contender: Contender, folder: Path) -> Outcome:
    """Speak, judge, write the evidence into ``folder``, and log it to the contender's run.

    Raises:
        NothingScoredError: a metric has nothing to score; nothing is written then.
        DataError: a recording or the sentence file cannot be used.
        CorruptFileError: the delivered model is not the one that was trained.
    """
    device = best_device()
    serving = auxiliaries(context.project, context.params)
    synthesiser = inference.load(contender.model, context.section, contender.folder, serving, device)
    sentences = load_sentences(context.params.evaluation.sentences, context.params.kpi)
    verifier = SpeakerVerifier(context.params.evaluation.speaker_verifier)
    panels = _panels(context)
    targets = [panels[speaker] for speaker in synthesiser.speakers if speaker in panels]
    gallery = _gallery(context, synthesiser.speakers, panels, verifier)
    now = _circumstances(context, contender, synthesiser, device)
    watch(device)
    findings = examine(
        synthesiser,
        sentences,
        gallery,
        verifier,
        _listening(context, synthesiser.speakers),
        context.params,
        now,
        context.progress,
    )
    memory = peak(device)
    evidence = _evidence(contender, findings, memory, now, sentences_sha256(sentences))
    outputs = _write(folder, evidence, findings, targets, synthesiser.consents)
    _log(context, evidence, outputs)
    return Outcome(outputs, _summary(evidence, findings, gallery, memory))


def _listening(context: StageContext, speakers: Sequence[str]) -> Listening:
    params = context.params
    recogniser, reason = recogniser_for(params.evaluation.recogniser, shipped(context.project))
    return Listening(
        recogniser, reason, transcribed(corpora(context.workspace.data, params.data.corpora), speakers)
    )


def _panels(context: StageContext) -> dict[str, Panel]:
    """Every speaker's held-out recordings, parted into references and probes."""
    params = context.params
    recordings = held_out(corpora(context.workspace.data, params.data.corpora), MIN_CLIP_S)
    speakers = sorted({r.utterance.speaker_id for r in recordings})
    references = params.evaluation.reference_utterances
    return {speaker: panel(speaker, recordings, references, params.seed) for speaker in speakers}


def _gallery(
    context: StageContext, speakers: Sequence[str], panels: Mapping[str, Panel], verifier: SpeakerVerifier
) -> Gallery:
    params = context.params
    return build_gallery(
        [panels.get(speaker, Panel(speaker, (), ())) for speaker in speakers],
        [one for speaker, one in panels.items() if speaker not in speakers],
        EmbeddingStore(context.workspace.root / _EMBEDDINGS, verifier),
        params.kpi.speaker_similarity.references_min,
        params.evaluation.impostor_pairs,
        params.seed,
    )


def _circumstances(
    context: StageContext, contender: Contender, synthesiser: Synthesiser, device: torch.device
) -> Circumstances:
    return Circumstances(
        device=device_label(device),
        dtype=synthesiser.dtype,
        data_md5=context.data_md5,
        git_sha=context.git_sha,
        params_sha=context.params_sha,
        run_id=contender.run_id,
        seed=context.params.seed,
    )


def _evidence(
    contender: Contender, findings: Findings, memory: PeakMemory, now: Circumstances, sentences: str
) -> Evidence:
    metrics, missing = list(findings.metrics), list(findings.not_measured)
    if memory.allocated_gb is None or memory.reserved_gb is None:
        reason = f"no GPU: evaluated on {now.device}"
        missing += [
            NotMeasured(name="gpu_memory_allocated_gb", reason=reason),
            NotMeasured(name="gpu_memory_reserved_gb", reason=reason),
        ]
    else:
        spoken = [one.sentence_id for one in findings.judged]
        metrics += gpu_memory_records(memory.allocated_gb, memory.reserved_gb, spoken, now)
    return Evidence(
        model=contender.model,
        run_id=now.run_id,
        checkpoint_sha256=contender.weights_sha256,
        sentences_sha256=sentences,
        data_md5=now.data_md5,
        created=datetime.datetime.now(datetime.UTC).astimezone().isoformat(timespec="seconds"),
        metrics=tuple(metrics),
        not_measured=tuple(missing),
    )


def _write(
    folder: Path,
    evidence: Evidence,
    findings: Findings,
    targets: Sequence[Panel],
    consents: Mapping[str, str],
) -> dict[str, Path]:
    outputs = {
        "evidence": folder / "evidence.json",
        "sentences": folder / "sentences.csv",
        "samples": folder / "samples",
    }

    def label(spoken: Spoken) -> MediaLabel:
        return MediaLabel(
            model=evidence.model,
            model_version=evidence.run_id,
            weights_sha256=evidence.checkpoint_sha256,
            speaker=spoken.speaker,
            consent=consents[spoken.speaker],
            language=spoken.sentence.language,
        )

    write_samples(outputs["samples"], findings.judged, _beside(targets), label)
    write_sentence_table(outputs["sentences"], findings.judged)
    write_json(outputs["evidence"], evidence.model_dump(mode="json"))
    return outputs


def _beside(targets: Sequence[Panel]) -> dict[tuple[str, str], Recording]:
    """One real recording to hear beside each speaker's samples of a language."""
    chosen: dict[tuple[str, str], Recording] = {}
    for one in targets:
        for recording in (*one.references, *one.probes):
            chosen.setdefault((one.speaker, recording.utterance.language), recording)
    return chosen


def _log(context: StageContext, evidence: Evidence, outputs: Mapping[str, Path]) -> None:
    """Metrics, tags and files into the training run; scores only, never an embedding."""
    # A tracker keeps one point per key and step: a second evaluation of the same weights needs its own step.
    step = int(datetime.datetime.fromisoformat(evidence.created).timestamp())
    run = services.tracker(context).open_run(evidence.run_id)
    run.log_points(
        [
            MetricPoint(f"{metric.name}{suffix}", value, step, step * 1000)
            for metric in evidence.metrics
            for suffix, value in _figures(metric).items()
        ]
    )
    run.set_tags(_tags(evidence))
    run.log_file(outputs["evidence"], "evaluation")
    run.log_file(outputs["sentences"], "evaluation")
    run.log_folder(outputs["samples"], "evaluation/samples")
    run.finish("FINISHED")


def _figures(metric: Metric) -> dict[str, float]:
    """Suffix → figure: the value under the KPI's own name, its interval and what it is held against."""
    figures = {"": metric.value, "_low": metric.low, "_high": metric.high}
    figures |= {"_ceiling": metric.ceiling} if metric.ceiling is not None else {}
    figures |= {"_floor": metric.floor} if metric.floor is not None else {}
    return figures | {f"_{language}": value for language, value in metric.per_language.items()}


def _tags(evidence: Evidence) -> dict[str, str]:
    tags = {
        "evaluation.created": evidence.created,
        "evaluation.sentences_sha256": evidence.sentences_sha256,
        "evaluation.checkpoint_sha256": evidence.checkpoint_sha256,
    }
    for metric in evidence.metrics:
        judge = metric.evaluator
        tags[f"evaluation.{metric.name}.n"] = str(metric.n)
        tags[f"evaluation.{metric.name}.evidence"] = f"{metric.evidence} on {metric.device}, {metric.dtype}"
        tags[f"evaluation.{metric.name}.evaluator"] = f"{judge.id} {judge.version} ({judge.kind})"
        tags[f"evaluation.{metric.name}.weights_sha256"] = judge.weights_sha256
    for missing in evidence.not_measured:
        tags[f"evaluation.{missing.name}.not_measured"] = missing.reason
    return tags


def _summary(evidence: Evidence, findings: Findings, gallery: Gallery, memory: PeakMemory) -> dict[str, Any]:
    """KPI values, and what one must know to read them."""
    return {
        **{metric.name: metric.value for metric in evidence.metrics},
        "not_measured": {missing.name: missing.reason for missing in evidence.not_measured},
        "device": evidence.metrics[0].device,
        "dtype": evidence.metrics[0].dtype,
        "torch_threads": torch.get_num_threads(),
        "load_average_5min": round(os.getloadavg()[1], 2),
        "peak_rss_gb": round(memory.rss_gb, 3),
        "latency_p95_ms_long": findings.long_p95_ms,
        "faults": dict(findings.faults),
        "short_clips": list(findings.short),
        "references": dict(gallery.references),
        "ceiling_recordings": len(gallery.ceiling),
        "impostor_pairs": len(gallery.floor),
        "similarity_ceiling_p5": _quantile(gallery.ceiling, 0.05),
        "similarity_floor_p95": _quantile(gallery.floor, 0.95),
        **_pronunciation_summary(findings),
    }


def _pronunciation_summary(findings: Findings) -> dict[str, Any]:
    """What is heard beside the KPI, and how well the recogniser hears recorded speech."""
    scores = {one.sentence_id: one.pronunciation for one in findings.judged if one.pronunciation}
    recorded = findings.recorded
    return {
        "pronunciation_errors": error_rates(scores),
        "pronunciation_ceiling": mean_accuracy(recorded),
        "pronunciation_ceiling_errors": error_rates(recorded),
        "pronunciation_ceiling_recordings": len(recorded),
    }


def _quantile(values: Sequence[float], quantile: float) -> float | None:
    return float(np.quantile(values, quantile)) if values else None
