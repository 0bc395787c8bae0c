"""The only list of stages: DAG, CLI, pipeline, skip keys and pod resources are all read from it."""

from __future__ import annotations

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
        spreads: uses all GPUs and nodes of its model's ``resources``; another GPU stage uses one.
    """

    name: str
    needs: tuple[str, ...]
    per_model: bool
    gpu: bool
    sections: tuple[str, ...]
    rooms: tuple[str, ...]
    pool: str = ""
    only_on_pass: bool = False
    spreads: bool = False
    summary: str = ""


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
        summary="expectations over manifest and audio; critical ones block",
    ),
    Stage(
        "features",
        ("validate",),
        per_model=True,
        gpu=False,
        sections=("seed", "audio", "data", "platform", "models"),
        rooms=("core", "espeak", "text", "data", "features", "nn", "auxiliaries", "models"),
        summary="audio → memory-mapped mel, f0, energy, durations",
    ),
    Stage(
        "adopt",
        ("validate",),
        per_model=True,
        gpu=True,
        sections=("seed", "audio", "data", "platform", "models", "kpi", "evaluation"),
        rooms=(*_EVALUATING, "promotion", "stages/evaluate.py", "stages/gate.py", "stages/promote.py"),
        pool="a100",
        summary="no champion yet: pretrained/ → evidence, gate, the first champion if it passes",
    ),
    Stage(
        "train",
        ("features", "adopt"),
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
        sections=("seed", "audio", "data", "platform", "models", "kpi", "evaluation"),
        rooms=_EVALUATING,
        pool="a100",
        summary="held-out recordings and the 120 sentences → evidence",
    ),
    Stage(
        "gate",
        ("evaluate",),
        per_model=True,
        gpu=False,
        sections=("seed", "kpi", "evaluation", "platform"),
        rooms=("core", "promotion"),
        summary="evidence, targets, champion → PASS, FAIL or INCONCLUSIVE",
    ),
    Stage(
        "promote",
        ("gate",),
        per_model=True,
        gpu=False,
        sections=("seed", "kpi", "evaluation", "platform"),
        rooms=("core", "promotion"),
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

_BY_NAME = {stage.name: stage for stage in STAGES}


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
