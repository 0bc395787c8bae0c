"""Evidence as evaluation would write it, with figures chosen by the test; and the rules it is judged by."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np

from components import catalogue
from components.core.metrics import Evaluator, Evidence, KpiName, Metric
from components.core.params import Params
from components.core.paths import project_root

NOW = datetime.datetime(2026, 11, 23, 12, 0, tzinfo=datetime.timezone(datetime.timedelta(hours=9)))
DEVICE = "cpu: test machine × 2"
LANGUAGES = ("ko", "en", "ja", "zh")
SENTENCES = tuple(f"{language}_{number:02d}" for language in LANGUAGES for number in range(1, 31))
#: The weights that params.yaml names (evaluation.speaker_verifier).
GE2E = "39373b86598fa3da9fcddee6142382efe09777e8d37dc9c0561f41f0070f134e"
VERIFIER = Evaluator(id="resemblyzer-ge2e", version="0.1.4", weights_sha256=GE2E, kind="reference")
RECOGNISER = Evaluator(id="openai/whisper-large-v3", version="1", weights_sha256="b" * 64, kind="reference")
CLOCK = Evaluator(id="time.perf_counter", version="1", weights_sha256="", kind="reference")
SYNCNET = Evaluator(id="syncnet", version="1", weights_sha256="c" * 64, kind="reference")


def laptop_params() -> Params:
    """params.yaml in scope laptop, with the recogniser and the repeats of the full protocol."""
    params = catalogue.load(project_root(), None)
    scope = {"scope": "laptop", "required_device": "cpu.*"}
    return params.model_copy(update={"evaluation": params.evaluation.model_copy(update=scope)})


def metric(name: KpiName, value: float, **changes: Any) -> Metric:
    """A sound measured metric; every sentence scores ``value`` unless ``changes`` say otherwise."""
    kinds: dict[str, tuple[Evaluator, str, float | None, float | None]] = {
        "pronunciation_accuracy": (RECOGNISER, "1", 0.97, None),
        "speaker_similarity": (VERIFIER, "1", 0.95, 0.55),
        "latency_p95_ms": (CLOCK, "ms", None, None),
        "lse_c": (SYNCNET, "1", 8.0, None),
    }
    evaluator, unit, ceiling, floor = kinds[name]
    values: dict[str, Any] = {
        "name": name,
        "value": value,
        "unit": unit,
        "n": len(SENTENCES),
        "low": value,
        "high": value,
        "evidence": "measured",
        "evaluator": evaluator,
        "device": DEVICE,
        "dtype": "float32",
        "batch": 1,
        "data_md5": "d" * 32,
        "git_sha": "0" * 40,
        "params_sha": "1" * 64,
        "run_id": "run",
        "ceiling": ceiling,
        "floor": floor,
        "per_language": dict.fromkeys(LANGUAGES, value),
        "per_sentence": dict.fromkeys(SENTENCES, value),
    }
    return Metric(**{**values, **changes})


def evidence(
    pronunciation: float = 0.95,
    similarity: float = 0.90,
    latency: float = 300.0,
    run_id: str = "run",
    **changes: Any,
) -> Evidence:
    """Evidence for FastPitch whose three gated KPIs have these figures."""
    metrics = (
        metric("pronunciation_accuracy", pronunciation, run_id=run_id),
        metric("speaker_similarity", similarity, run_id=run_id),
        metric("latency_p95_ms", latency, run_id=run_id),
    )
    values: dict[str, Any] = {
        "model": "fastpitch",
        "run_id": run_id,
        "checkpoint_sha256": "e" * 64,
        "sentences_sha256": "f" * 64,
        "data_md5": "d" * 32,
        "created": (NOW - datetime.timedelta(hours=1)).isoformat(),
        "metrics": metrics,
        "not_measured": (),
    }
    return Evidence(**{**values, **changes})


def altered(found: Evidence, name: str, **changes: Any) -> Evidence:
    """``found`` with one metric changed."""
    metrics = tuple(
        Metric(**{**dict(each), **changes}) if each.name == name else each for each in found.metrics
    )
    return found.model_copy(update={"metrics": metrics})


def spread(centre: float, width: float, seed: int = 1) -> dict[str, float]:
    """Per-sentence scores scattered evenly over ``centre`` ± ``width``."""
    scatter = np.random.default_rng(seed).permutation(np.linspace(-width, width, len(SENTENCES)))
    return {name: float(centre + step) for name, step in zip(SENTENCES, scatter, strict=True)}


def summed(scores: dict[str, float], tail: bool = False) -> dict[str, Any]:
    """The changes of a metric whose sentences score so: mean (``tail``: p95) and languages agree."""
    values = np.asarray([scores[name] for name in sorted(scores)])
    value = float(np.quantile(values, 0.95)) if tail else float(values.mean())
    languages = {one: [v for k, v in scores.items() if k.startswith(one)] for one in LANGUAGES}
    return {
        "value": value,
        "low": value,
        "high": value,
        "per_sentence": scores,
        "per_language": {one: float(np.mean(found)) for one, found in languages.items() if found},
    }
