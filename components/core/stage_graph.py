"""The only list of stages: DAG, CLI, pipeline, skip keys and pod resources are all read from it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from components.core.errors import ConfigError


@dataclass(frozen=True)
class Stage:
    """One command with files in and files out.

    Attributes:
        name: module name under ``components.stages``.
        needs: stages whose outputs go in (of the same model, where both are per model).
        per_model: runs once for each selected model.
        gpu: asks for an A100 on the cluster.
        sections: sections of params.yaml it may read; they make its skip key.
        rooms: packages (or single files) whose source makes its skip key; a test holds this against the
            real imports.
        pool: Airflow pool, "" for the default.
        only_on_pass: skipped unless the gate's verdict is PASS.
        reads_data: reads the recordings; its pod gets the run's data version on its node.
        spreads: uses all GPUs and nodes of its model's ``resources``; another GPU stage uses one.
        declared: only of models that ask for it, see `ModelSection.further_stages`.
    """

    name: str
    needs: tuple[str, ...]
    per_model: bool
    gpu: bool
    sections: tuple[str, ...]
    rooms: tuple[str, ...]
    pool: str = ""
    only_on_pass: bool = False
    reads_data: bool = False
    spreads: bool = False
    declared: bool = False
    summary: str = ""

    def belongs_to(self, further: Collection[str]) -> bool:
        """Whether a model that asks for the stages ``further`` has this one."""
        return not self.declared or self.name in further


_EVALUATING = (
    "core",
    "espeak",
    "text",
    "data",
    "features",
    "nn",
    "auxiliaries",
    "models",
    "inference",
    "training",
    "evaluation",
    "stages/evidence_told.py",
    "stages/lip_evidence.py",
)

STAGES: tuple[Stage, ...] = (
    Stage(
        "ingest",
        (),
        per_model=False,
        gpu=False,
        sections=("seed", "data", "platform"),
        rooms=("core", "espeak", "text", "data"),
        summary="corpora in their own formats → audio and manifest",
    ),
    Stage(
        "version",
        ("ingest",),
        per_model=False,
        gpu=False,
        sections=("data",),
        rooms=("core",),
        pool="dvc",
        summary="data/ → data.dvc, pushed to the remote",
    ),
    Stage(
        "validate",
        ("version",),
        per_model=False,
        gpu=False,
        sections=("data", "platform"),
        rooms=("core", "espeak", "text", "data", "validation"),
        reads_data=True,
        summary="expectations over manifest and audio; critical ones block",
    ),
    Stage(
        "features",
        ("validate",),
        per_model=True,
        gpu=False,
        sections=("seed", "audio", "data", "platform", "models", "auxiliaries.features"),
        rooms=("core", "espeak", "text", "data", "features", "nn", "auxiliaries", "models"),
        reads_data=True,
        summary="audio → memory-mapped mel, f0, energy, durations",
    ),
    Stage(
        "adopt",
        ("validate",),
        per_model=True,
        gpu=True,
        sections=("seed", "audio", "data", "platform", "models", "auxiliaries", "kpi", "evaluation"),
        rooms=(
            *_EVALUATING,
            "promotion",
            "delivery",
            "stages/evaluate.py",
            "stages/gate.py",
            "stages/promote.py",
            "stages/deliverable.py",
            "stages/safeguards.py",
        ),
        pool="a100",
        reads_data=True,
        summary="no champion yet: pretrained/ → evidence, gate, the first champion if it passes",
    ),
    Stage(
        "expert",
        ("features",),
        per_model=True,
        gpu=True,
        sections=("seed", "audio", "data", "platform", "models", "auxiliaries.expert"),
        rooms=("core", "espeak", "text", "data", "features", "nn", "auxiliaries", "models", "training"),
        pool="a100",
        declared=True,
        summary="the network that a model learns from: trained or as shipped, judged on held-out data",
    ),
    Stage(
        "train",
        ("features", "adopt", "expert"),
        per_model=True,
        gpu=True,
        sections=("seed", "audio", "data", "platform", "models"),
        rooms=("core", "espeak", "text", "data", "features", "nn", "auxiliaries", "models", "training"),
        pool="a100",
        spreads=True,
        summary="features → checkpoint",
    ),
    Stage(
        "evaluate",
        ("train",),
        per_model=True,
        gpu=True,
        sections=("seed", "audio", "data", "platform", "models", "auxiliaries", "kpi", "evaluation"),
        rooms=_EVALUATING,
        pool="a100",
        reads_data=True,
        summary="held-out recordings and the 120 sentences → evidence",
    ),
    Stage(
        "gate",
        ("evaluate",),
        per_model=True,
        gpu=False,
        sections=("seed", "kpi", "evaluation", "platform"),
        rooms=("core", "data", "promotion"),
        summary="evidence, targets, champion → PASS, FAIL or INCONCLUSIVE",
    ),
    Stage(
        "promote",
        ("gate",),
        per_model=True,
        gpu=False,
        sections=("seed", "data", "kpi", "evaluation", "platform"),
        rooms=(
            "core",
            "text",
            "espeak",
            "data",
            "features",
            "nn",
            "auxiliaries",
            "models",
            "inference",
            "evaluation",
            "promotion",
            "delivery",
            "stages/deliverable.py",
            "stages/safeguards.py",
        ),
        only_on_pass=True,
        summary="PASS → alias champion, ledger row",
    ),
    Stage(
        "report",
        ("promote",),
        per_model=False,
        gpu=False,
        sections=("version", "seed", "audio", "data", "platform", "models", "kpi", "evaluation", "report"),
        rooms=("core", "reporting"),
        summary="runs → parameter sheet, IRIS note, review page",
    ),
)

#: Run by ``dags/kpi_report.py`` or by hand, never as part of a retraining.
REVIEWS: tuple[Stage, ...] = (
    Stage(
        "drift",
        ("validate",),
        per_model=False,
        gpu=False,
        sections=("seed", "audio", "data", "evaluation", "review", "platform"),
        rooms=("core", "espeak", "text", "data", "features", "evaluation", "promotion"),
        reads_data=True,
        summary="the current data against those of each champion",
    ),
)

#: Stages that are no part of a retraining; other DAGs run them, with the same records and launchers.
APART: tuple[Stage, ...] = (
    Stage(
        "pipeline",
        (),
        per_model=False,
        gpu=False,
        sections=(
            "seed", "data", "platform", "models", "auxiliaries", "kpi", "evaluation", "captions", "pipeline",
        ),
        rooms=(
            *_EVALUATING, "captions", "promotion", "stages/pipeline_modules.py", "stages/pipeline_times.py",
            "stages/pipeline_work.py",
            "stages/synthesise.py", "stages/convert.py", "stages/lipsync.py", "stages/captions.py",
        ),
        summary="text → speech → voice → lips → captioned video, by the promoted models",
    ),
    Stage(
        "gpu_experiment",
        (),
        per_model=True,
        gpu=True,
        sections=("seed", "models", "experiment", "platform"),
        rooms=(
            "core", "espeak", "text", "data", "features", "nn", "auxiliaries", "models", "training",
            "simulation", "stages/simulate.py",
        ),
        pool="a100",
        summary="grid of precision, memory and batch: predicted, beside it measured where a GPU is",
    ),
)  # fmt: skip

_BY_NAME = {stage.name: stage for stage in (*STAGES, *REVIEWS, *APART)}


def stage(name: str) -> Stage:
    """The stage of that name.

    Raises:
        ConfigError: there is none.
    """
    if name not in _BY_NAME:
        raise ConfigError(
            who=f"stage {name!r}",
            expected=f"one of {', '.join(_BY_NAME)}",
            found="no such stage",
            action="see `python -m components --help`",
        )
    return _BY_NAME[name]
