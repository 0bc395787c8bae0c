"""The stages: refused data leave a report and an old result, and nothing is extracted from them."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tone_corpus import CONSENT, ToneCorpus, tone

from components import catalogue
from components.core.errors import ValidationBlockedError
from components.core.paths import Workspace, project_root
from components.core.progress import Progress
from components.core.stage_graph import stage
from components.stages import features, validate
from components.stages.contract import Record, StageContext


def context(workspace: Workspace, name: str, upstream: Mapping[str, Record] | None = None) -> StageContext:
    params = catalogue.load(project_root(), "ci")
    model = "fastpitch" if stage(name).per_model else None
    return StageContext(
        stage=name,
        model=model,
        profile="ci",
        params=params.restricted_to(stage(name).sections, model),
        workspace=workspace,
        project=project_root(),
        git_sha="0",
        params_sha="0",
        data_md5="abc.dir",
        progress=Progress(name, stream=io.StringIO()),
        upstream=upstream or {},
    )


def validated(workspace: Workspace, **changes: Any) -> dict[str, Record]:
    path = workspace.validation / "result.json"
    outputs = {"result": {"path": str(path.relative_to(workspace.root)), "sha256": ""}}
    blank: dict[str, Any] = dict.fromkeys(Record.__dataclass_fields__, "")
    return {"validate": Record(**{**blank, "outputs": outputs, **changes})}


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.embedded(tmp_path / "run")


@pytest.fixture
def corpus(workspace: Workspace) -> ToneCorpus:
    built = ToneCorpus(workspace.data / "espeak")
    for i in range(3):
        built.add(f"ko_{i:04d}", tone(1.0, hz=100 + 10 * i))
    built.write()
    return built


def test_good_data_pass_and_leave_result_and_docs(workspace: Workspace, corpus: ToneCorpus) -> None:
    outcome = validate.run(context(workspace, "validate"))
    assert outcome.summary["blocked"] is False
    assert outcome.summary["utterances"] == 3
    assert outcome.summary["failed"] == 0
    assert json.loads(outcome.outputs["result"].read_text(encoding="utf-8"))["data_md5"] == "abc.dir"
    assert (outcome.outputs["data_docs"] / "index.html").is_file()
    assert {p.name for p in workspace.root.iterdir()} == {"corpus", "validation"}


def test_blocked_data_name_the_utterance_and_leave_the_docs(workspace: Workspace, corpus: ToneCorpus) -> None:
    validate.run(context(workspace, "validate"))
    corpus.add("ko_0007", tone(0.21, hz=333))
    corpus.write()
    with pytest.raises(ValidationBlockedError) as raised:
        validate.run(context(workspace, "validate"))
    assert raised.value.exit_code == 42
    assert any(line.startswith("ko_0007: duration_s 0.21") for line in raised.value.details)
    result = json.loads((workspace.validation / "result.json").read_text(encoding="utf-8"))
    assert result["blocked"]
    page = next((workspace.validation / "data_docs" / "validations" / "audio").rglob("*.html"))
    assert "ko_0007" in page.read_text(encoding="utf-8")


def test_features_refuse_what_validation_refused(workspace: Workspace, corpus: ToneCorpus) -> None:
    corpus.add("ko_0007", tone(0.21, hz=333))
    corpus.write()
    with pytest.raises(ValidationBlockedError):
        validate.run(context(workspace, "validate"))
    with pytest.raises(ValidationBlockedError, match="it was refused"):
        features.run(context(workspace, "features", validated(workspace)))


def test_features_refuse_a_result_for_other_data(workspace: Workspace, corpus: ToneCorpus) -> None:
    validate.run(context(workspace, "validate"))
    path = workspace.validation / "result.json"
    path.write_text(path.read_text(encoding="utf-8").replace("abc.dir", "old.dir"), encoding="utf-8")
    with pytest.raises(ValidationBlockedError, match=r"a result for old\.dir"):
        features.run(context(workspace, "features", validated(workspace)))


def test_a_withdrawal_changes_the_fingerprint(workspace: Workspace, corpus: ToneCorpus) -> None:
    before = validate.fingerprint(context(workspace, "validate"))
    assert validate.fingerprint(context(workspace, "validate")) == before
    withdrawn = CONSENT.model_copy(update={"withdrawn": CONSENT.signed or validate._today()})
    corpus.consents["c1"] = withdrawn
    corpus.write()
    assert validate.fingerprint(context(workspace, "validate")) != before
