"""Stages ingest and version, restore-data and make-data: real espeak, real DVC, one small workspace."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from source_folder import SourceFolder, tone

from components import catalogue
from components.core.errors import ConfigError, CorruptFileError, DataError
from components.core.params import Params
from components.core.paths import Workspace, project_root
from components.core.ports import RunSummary
from components.core.progress import Progress
from components.data.corpus import Corpus
from components.data.human import Skipped
from components.data.splits import sentence_leaks, speaker_leaks
from components.data.tree_md5 import tree_md5
from components.stages import ingest as ingest_stage
from components.stages import make_data, services
from components.stages import version as version_stage
from components.stages.contract import StageContext
from components.stages.restore_data import restore


@pytest.fixture(scope="module")
def params() -> Params:
    """The ci profile with one sentence a voice and language."""
    params = catalogue.load(project_root(), "ci")
    espeak = params.data.embedded.espeak
    few = espeak.sentences_per_voice_and_language.model_copy(update={"model": 2, "evaluator": 1, "unseen": 1})
    espeak = espeak.model_copy(update={"sentences_per_voice_and_language": few})
    embedded = params.data.embedded.model_copy(update={"espeak": espeak})
    data = params.data.model_copy(update={"embedded": embedded})
    platform = params.platform.model_copy(update={"workers": 1})
    return params.model_copy(update={"data": data, "platform": platform})


def context(params: Params, workspace: Workspace, extra: Mapping[str, str] | None = None) -> StageContext:
    return StageContext(
        stage="ingest",
        model=None,
        profile="ci",
        params=params,
        workspace=workspace,
        project=project_root(),
        git_sha="",
        params_sha="",
        data_md5="",
        progress=Progress("test", stream=io.StringIO()),
        upstream={},
        extra=extra or {},
    )


@pytest.fixture(scope="module")
def ingested(params: Params, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace after ingest and version; tests that write take a copy of it or clean up."""
    workspace = Workspace.embedded(tmp_path_factory.mktemp("ingested"))
    ingest_stage.run(context(params, workspace))
    version_stage.run(context(params, workspace))
    return workspace


def times(folder: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in [folder, *folder.rglob("*")]}


def test_the_generated_corpus_is_whole(ingested: Workspace, params: Params) -> None:
    corpus = Corpus(ingested.data / "espeak")
    assert {row.language for row in corpus.rows} == set(params.data.languages)
    assert {row.role for row in corpus.rows} == {"model", "evaluator", "unseen"}
    assert set(corpus.timings) == set(corpus.by_id)
    assert {row.consent for row in corpus.rows} <= set(corpus.consents)
    assert all(corpus.audio(row).is_file() for row in corpus.rows)
    assert sentence_leaks(corpus.rows) == speaker_leaks(corpus.rows) == ()


def test_a_second_run_changes_nothing_below_data(ingested: Workspace, params: Params) -> None:
    before = times(ingested.data)
    outcome = ingest_stage.run(context(params, ingested))
    assert times(ingested.data) == before
    assert outcome.summary["added"] == {"espeak": 0}
    assert outcome.summary["removed"] == {"espeak": {}}


def test_the_summary_counts_and_says_what_was_skipped(ingested: Workspace) -> None:
    summary = json.loads((ingested.root / "ingest" / "manifest_summary.json").read_text("utf-8"))
    counts = summary["sources"]["espeak"]
    assert counts["accepted"] + counts["rejected"] == counts["rows"] > 0
    assert summary["corpora"]["espeak"]["utterances"] == counts["accepted"]
    assert set(summary["corpora"]["espeak"]["minutes"]) == {"ko", "en", "ja", "zh"}
    assert "languages" in summary["skipped"]["human"]
    assert summary["generator"]["espeakng-loader"]


def test_recordings_from_outside_are_added_and_bad_ones_listed(params: Params, tmp_path: Path) -> None:
    source = SourceFolder(tmp_path / "new")
    source.add("own_1")
    source.add("own_2")
    (source.folder / "wavs" / "own_2.wav").write_bytes(b"")
    workspace = Workspace.embedded(tmp_path / "workspace")
    options = {"source": str(source.write()), "format": "generic", "corpus": "own"}
    outcome = ingest_stage.run(context(params, workspace, options))
    rejected = list(csv.DictReader(outcome.outputs["rejected"].open(encoding="utf-8")))
    assert [(row["corpus"], row["row"], row["reason"]) for row in rejected] == [("own", "3", "empty_file")]
    assert outcome.summary["corpora"]["own"]["utterances"] == 1
    assert not (workspace.data / "espeak").exists()


def test_a_changed_source_folder_makes_the_stage_run_again(params: Params, tmp_path: Path) -> None:
    source = SourceFolder(tmp_path / "new")
    source.add("own_1")
    options = {"source": str(source.write()), "format": "generic", "corpus": "own"}
    asked = context(params, Workspace.embedded(tmp_path), options)
    before = ingest_stage.fingerprint(asked)
    assert ingest_stage.fingerprint(asked) == before
    tone(source.folder / "wavs" / "own_2.wav")
    assert ingest_stage.fingerprint(asked) != before
    assert ingest_stage.fingerprint(replace(asked, extra={})) == {}


def test_half_a_request_is_refused(params: Params, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no --format, --corpus"):
        ingest_stage.run(context(params, Workspace.embedded(tmp_path), {"source": str(tmp_path)}))


def test_a_corpus_nobody_makes_is_named(params: Params, tmp_path: Path) -> None:
    data = params.data.model_copy(update={"corpora": ("kss",)})
    asked = context(params.model_copy(update={"data": data}), Workspace.embedded(tmp_path))
    with pytest.raises(ConfigError, match="--corpus kss"):
        ingest_stage.run(asked)


def test_the_recorded_part_is_skipped_with_its_reason(
    params: Params, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("components.data.embedded.fetch", lambda *_: Skipped("no apt on this machine"))
    data = params.data.model_copy(update={"corpora": ("human",)})
    workspace = Workspace.embedded(tmp_path)
    asked = context(params.model_copy(update={"data": data}), workspace)
    with pytest.raises(DataError, match="a corpus with manifest"):
        ingest_stage.run(asked)
    assert isinstance(asked.progress.stream, io.StringIO)
    assert "human skipped: no apt on this machine" in asked.progress.stream.getvalue()


def test_the_version_names_the_data_and_keeps_its_pointer(ingested: Workspace, params: Params) -> None:
    outcome = version_stage.run(context(params, ingested))
    md5 = outcome.summary["md5"]
    assert md5 == tree_md5(ingested.data, ["espeak"])
    assert outcome.outputs["pointer"].name == f"{md5}.dvc"
    assert outcome.outputs["pointer"].read_text() == outcome.outputs["data_dvc"].read_text()
    assert Path(outcome.summary["address"]).is_file()


@pytest.mark.parametrize("keep_pointer", [True, False])
def test_the_data_of_a_version_comes_back(
    keep_pointer: bool, ingested: Workspace, params: Params, tmp_path: Path
) -> None:
    md5 = services.data_versions_of(params.data.dvc, ingested).current().md5
    if keep_pointer:
        named = md5.removesuffix(".dir")
    else:
        version_stage.pointer_copy(ingested, md5).unlink()
        named = md5
    restored = restore(params, ingested, run_id=None, md5=named, target=tmp_path / "back")
    assert tree_md5(tmp_path / "back", ["espeak"]) == md5 == restored.md5
    assert restored.files == sum(1 for path in (tmp_path / "back").rglob("*") if path.is_file())
    version_stage.run(context(params, ingested))


@pytest.mark.parametrize(("run_id", "md5"), [(None, None), ("r", "0" * 32), (None, "../../etc")])
def test_restore_needs_one_sound_name(
    run_id: str | None, md5: str | None, ingested: Workspace, params: Params, tmp_path: Path
) -> None:
    with pytest.raises((ConfigError, DataError)):
        restore(params, ingested, run_id=run_id, md5=md5, target=tmp_path / "back")
    assert not (tmp_path / "back").exists()


@dataclass
class OneRun:
    """A tracker that knows one run."""

    tags: dict[str, str]

    def runs(self, model: str | None, limit: int) -> list[RunSummary]:
        assert model is None
        assert limit > 0
        return [RunSummary("r1", "train", "FINISHED", "", "", {}, {}, self.tags)]


def test_the_data_of_a_run_comes_back(
    ingested: Workspace, params: Params, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    md5 = services.data_versions_of(params.data.dvc, ingested).current().md5
    tags = {"data_md5": md5}
    monkeypatch.setattr(services, "tracker_of", lambda *_: OneRun(tags))
    assert restore(params, ingested, run_id="r1", md5=None, target=tmp_path / "back").md5 == md5
    with pytest.raises(DataError, match="no such run"):
        restore(params, ingested, run_id="r2", md5=None, target=tmp_path / "none")
    tags.clear()
    with pytest.raises(DataError, match="one without it"):
        restore(params, ingested, run_id="r1", md5=None, target=tmp_path / "none")


def test_make_data_says_whether_it_reproduced(ingested: Workspace, params: Params, tmp_path: Path) -> None:
    workspace = Workspace.of_project(tmp_path)
    assert "no data.dvc to compare with" in make_data.make(params, workspace, tmp_path)
    workspace.data_pointer.write_text(ingested.data_pointer.read_text())
    assert make_data.make(params, workspace, tmp_path).startswith("reproduced: ")
    workspace.data_pointer.write_text(f"outs:\n- md5: {'0' * 32}.dir\n")
    with pytest.raises(CorruptFileError, match=r"as data\.dvc has it"):
        make_data.make(params, workspace, tmp_path)
