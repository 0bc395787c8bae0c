"""The features stage of a model whose features need another network: RVC, with encoders of no training."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from tone_corpus import ToneCorpus, tone

from components import catalogue
from components.core.errors import DataError
from components.core.paths import Workspace, project_root
from components.core.progress import Progress
from components.core.stage_graph import stage
from components.models.rvc.params import Section
from components.models.rvc.store import SliceStore
from components.stages import features
from components.stages.contract import Record, StageContext


def context_in(root: Path) -> StageContext:
    """Three recordings that were validated."""
    workspace = Workspace.embedded(root / "workspace")
    corpus = ToneCorpus(workspace.data / "espeak")
    for number in range(3):
        corpus.add(f"a{number}", tone(1.0 + 0.1 * number, 130.0 + 9 * number, 16000), 16000, ())
    corpus.write()
    result = workspace.validation / "result.json"
    result.parent.mkdir(parents=True)
    result.write_text(json.dumps({"blocked": False, "data_md5": "d"}), encoding="utf-8")
    validated = Record(
        stage="validate", model=None, key="", state="done", profile="ci", git_sha="", data_md5="d",
        params_sha="", started="", seconds=0.0, device="cpu", inputs={},
        outputs={"result": {"path": "validation/result.json", "sha256": "0"}}, summary={},
    )  # fmt: skip
    return StageContext(
        stage="features",
        model="rvc",
        profile="ci",
        params=catalogue.load(project_root(), "ci").restricted_to(stage("features").sections, "rvc"),
        workspace=workspace,
        project=root / "project",
        git_sha="g",
        params_sha="p",
        data_md5="d",
        progress=Progress("t", io.StringIO()),
        upstream={"validate": validated},
    )


def with_layer(context: StageContext, layer: int, checkpoint: str = "untrained") -> StageContext:
    section = context.section
    assert isinstance(section, Section)
    told = {"layer": layer, "checkpoint": checkpoint}
    asked = section.architecture.content_encoder.model_copy(update=told)
    architecture = section.architecture.model_copy(update={"content_encoder": asked})
    other = section.model_copy(update={"architecture": architecture})
    params = context.params.restricted_to(stage("features").sections, "rvc")
    object.__setattr__(params, "models", {"rvc": other})
    return replace(context, params=params)


def test_another_encoder_makes_the_features_anew(tmp_path: Path) -> None:
    context = context_in(tmp_path)
    first = features.run(context)
    assert (first.summary["accepted"], first.summary["reused"]) == (3, 0)
    sha256 = SliceStore(first.outputs["store"]).summary["encoder"]["sha256"]
    assert features.run(context).summary["reused"] == 3
    other = features.run(with_layer(context, 1))
    assert other.summary["reused"] == 0
    assert SliceStore(other.outputs["store"]).summary["encoder"]["sha256"] != sha256


def test_the_shipped_encoder_is_part_of_the_key(tmp_path: Path) -> None:
    context = context_in(tmp_path)
    assert features.fingerprint(context) == {"content": ""}
    shipped = context.project / "pretrained" / "content"
    shipped.mkdir(parents=True)
    (shipped / "model.safetensors").write_bytes(b"one")
    one = features.fingerprint(context)
    (shipped / "model.safetensors").write_bytes(b"two")
    assert len({"", one["content"], features.fingerprint(context)["content"]}) == 3


def test_a_missing_encoder_is_named(tmp_path: Path) -> None:
    context = with_layer(context_in(tmp_path), 2, "pretrained/content")
    with pytest.raises(DataError, match="content"):
        features.run(context)
    assert not (context.workspace.features / "rvc").exists()
