"""What an evaluation tells besides its files: figures and tags in the run, and the stage's summary."""

from __future__ import annotations

import datetime
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from components.core.metrics import Evidence, Metric, NotMeasured
from components.core.ports import MetricPoint
from components.evaluation.candidate import Findings
from components.evaluation.pronunciation import error_rates, mean_accuracy
from components.evaluation.records import Circumstances, gpu_memory_records
from components.evaluation.speaker_similarity import Gallery
from components.stages import services
from components.stages.contender import Contender
from components.stages.contract import StageContext
from components.training.device import device_label
from components.training.memory import PeakMemory

#: MLflow takes no longer digest of a data set.
_DIGEST_LENGTH = 36


def log_evidence(context: StageContext, evidence: Evidence, outputs: Mapping[str, Path]) -> None:
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
    for name in ("sentences", "table"):
        run.log_file(outputs[name], "evaluation")
    spoken = evidence.sentences_sha256[:_DIGEST_LENGTH]
    run.log_dataset("sentences", context.params.evaluation.sentences, spoken, "evaluation")
    run.log_folder(outputs["samples"], "evaluation/samples")
    run.finish("FINISHED")


def facts_of(evidence: Evidence) -> dict[str, str]:
    """What a table of scores belongs to, and who judged."""
    judges = {
        f"evaluator.{metric.name}": f"{metric.evaluator.id} {metric.evaluator.version} "
        f"{metric.evaluator.weights_sha256}".strip()
        for metric in evidence.metrics
    }
    return {
        "model": evidence.model,
        "run_id": evidence.run_id,
        "checkpoint_sha256": evidence.checkpoint_sha256,
        "sentences_sha256": evidence.sentences_sha256,
        "data_md5": evidence.data_md5,
        "created": evidence.created,
        **judges,
    }


def circumstances(
    context: StageContext, contender: Contender, dtype: str, device: torch.device
) -> Circumstances:
    """What every record of this evaluation shares."""
    return Circumstances(
        device=device_label(device),
        dtype=dtype,
        data_md5=context.data_md5,
        git_sha=context.git_sha,
        params_sha=context.params_sha,
        run_id=contender.run_id,
        seed=context.params.seed,
    )


def whole_evidence(
    contender: Contender,
    now: Circumstances,
    metrics: Sequence[Metric],
    missing: Sequence[NotMeasured],
    memory: PeakMemory,
    scored: Sequence[str],
    set_sha256: str,
) -> Evidence:
    """The records, and the memory that they took.

    Args:
        scored: ids of what was spoken or rendered.
        set_sha256: of the set that they are of.
    """
    found, absent = list(metrics), list(missing)
    if memory.allocated_gb is None or memory.reserved_gb is None:
        reason = f"no GPU: evaluated on {now.device}"
        absent += [
            NotMeasured(name="gpu_memory_allocated_gb", reason=reason),
            NotMeasured(name="gpu_memory_reserved_gb", reason=reason),
        ]
    else:
        found += gpu_memory_records(memory.allocated_gb, memory.reserved_gb, scored, now)
    return Evidence(
        model=contender.model,
        run_id=now.run_id,
        checkpoint_sha256=contender.weights_sha256,
        sentences_sha256=set_sha256,
        data_md5=now.data_md5,
        created=datetime.datetime.now(datetime.UTC).astimezone().isoformat(timespec="seconds"),
        metrics=tuple(found),
        not_measured=tuple(absent),
    )


def circumstances_told(evidence: Evidence, memory: PeakMemory) -> dict[str, Any]:
    """KPI values, and where and how they were measured."""
    return {
        **{metric.name: metric.value for metric in evidence.metrics},
        "not_measured": {missing.name: missing.reason for missing in evidence.not_measured},
        "device": evidence.metrics[0].device,
        "dtype": evidence.metrics[0].dtype,
        "torch_threads": torch.get_num_threads(),
        "load_average_5min": round(os.getloadavg()[1], 2),
        "peak_rss_gb": round(memory.rss_gb, 3),
    }


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


def evaluation_summary(
    evidence: Evidence, findings: Findings, gallery: Gallery, memory: PeakMemory
) -> dict[str, Any]:
    """KPI values, and what one must know to read them."""
    return {
        **circumstances_told(evidence, memory),
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
