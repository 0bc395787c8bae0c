"""The tool init-corpus: what it tells, what it writes, and that no bad row is lost."""

from __future__ import annotations

import csv
from pathlib import Path

import published_corpora as published
import pytest
from source_folder import SourceFolder

from components import catalogue
from components.core.errors import DataError
from components.core.params import Params
from components.core.paths import Workspace, project_root
from components.data.corpus import Corpus
from components.stages.init_corpus import CorpusWish, init_corpus


@pytest.fixture
def params() -> Params:
    return catalogue.load(project_root(), "ci")


@pytest.fixture
def source(tmp_path: Path) -> SourceFolder:
    return SourceFolder(tmp_path / "source")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.embedded(tmp_path / "workspace")


def rejected_rows(workspace: Workspace, corpus: str) -> list[dict[str, str]]:
    with (workspace.root / "ingest" / f"{corpus}.rejected.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_published_corpus_is_recognised_told_and_taken(
    tmp_path: Path, params: Params, workspace: Workspace
) -> None:
    told = "\n".join(init_corpus(params, workspace, CorpusWish(published.vctk(tmp_path / "given"))))
    assert "format vctk: 3 of 5 rows accepted into vctk, 3 new" in told
    assert "3 recordings of 2 voices: en 0.04 min" in told
    assert "left out: 3 the second microphone" in told
    assert "missing_file 1" in told
    assert "add vctk to data.corpora" in told
    assert [row["reason"] for row in rejected_rows(workspace, "vctk")] == ["missing_file", "malformed_row"]
    assert {row.role for row in Corpus(workspace.data / "vctk").rows} == {"human"}


def test_a_role_for_all_and_a_name_of_ones_own(tmp_path: Path, params: Params, workspace: Workspace) -> None:
    wish = CorpusWish(published.kss(tmp_path / "given"), corpus="우리말", role="model")
    with pytest.raises(DataError, match="unknown_role 2"):
        init_corpus(params, workspace, CorpusWish(wish.folder, corpus="둘", role="modle"))
    init_corpus(params, workspace, wish)
    assert {row.role for row in Corpus(workspace.data / "우리말").rows} == {"model"}


def test_missing_consent_names_the_voices(source: SourceFolder, params: Params, workspace: Workspace) -> None:
    source.add("a")
    source.add("b", speaker_id="민지", consent="none")
    told = init_corpus(params, workspace, CorpusWish(source.write()))
    assert "without a consent that holds: 민지" in told


def test_where_most_is_bad_nothing_is_taken_and_all_is_listed(
    source: SourceFolder, params: Params, workspace: Workspace
) -> None:
    for number in range(25):
        source.add(f"bad{number:02d}", make_audio=False)
    source.add("good")
    with pytest.raises(DataError, match="25 of 26 rejected") as told:
        init_corpus(params, workspace, CorpusWish(source.write()))
    assert told.value.details[-1].startswith("all 25 in ")
    assert len(rejected_rows(workspace, "generic")) == 25
    assert not (workspace.data / "generic").exists()
