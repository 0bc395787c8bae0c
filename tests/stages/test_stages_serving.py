"""Networks that were delivered, held against those that are asked for, before anything is trained."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from components import catalogue, cli
from components.core.errors import ConfigError, CorruptFileError
from components.core.params import Params
from components.core.paths import Workspace, project_root
from components.core.stage_graph import stage
from components.stages.runner import Request, run_stage
from components.stages.serving import misfits, require_served


def delivered(root: Path, name: str, card: object) -> Path:
    path = root / "pretrained" / name / "model.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"card": card}))
    return path


def of(profile: str | None) -> Params:
    return catalogue.load(project_root(), profile)


def as_asked(params: Params, name: str) -> dict[str, object]:
    return {"architecture": params.auxiliaries[name].architecture.model_dump(mode="json")}


@pytest.mark.parametrize("name", ["features", "adopt", "train", "evaluate"])
def test_the_first_stage_of_a_model_refuses_and_says_what_to_do(tmp_path: Path, name: str) -> None:
    workspace = Workspace.embedded(tmp_path)
    with pytest.raises(ConfigError) as caught:
        run_stage(Request(name, "fastpitch", None, workspace, project_root()))
    said = str(caught.value)
    assert "auxiliaries.vocoder.architecture asks for: kind hifi_gan, found kind source_filter" in said
    assert "make pretrain MODEL=vocoder" in said
    assert not workspace.records.exists()


def test_what_fits_is_left_alone(tmp_path: Path) -> None:
    assert misfits(project_root(), of("laptop"), "fastpitch") == []
    require_served(project_root(), of(None), stage("gate"), "fastpitch")
    params = of("laptop")
    delivered(tmp_path, "content", as_asked(params, "content"))
    assert misfits(tmp_path, params, "rvc") == []


def test_a_mel_or_a_missing_network_counts_as_well(tmp_path: Path) -> None:
    params = of("laptop")
    assert misfits(tmp_path, params, "fastpitch") == [], "source_filter works without weights"
    (missing,) = misfits(tmp_path, of(None), "fastpitch")
    assert missing.found == "no weights"
    card = as_asked(params, "vocoder")
    card["architecture"]["fmax_hz"] = 7600.0  # type: ignore[index]
    delivered(tmp_path, "vocoder", card)
    (error,) = misfits(tmp_path, params, "fastpitch")
    assert (error.expected.endswith("fmax_hz 8000.0"), error.found) == (True, "fmax_hz 7600.0")


def test_a_content_encoder_counts_where_it_is_the_delivered_one(tmp_path: Path) -> None:
    params = of("laptop")
    (missing,) = misfits(tmp_path, params, "rvc")
    assert "pretrained/content, for rvc" in missing.who
    delivered(tmp_path, "content", as_asked(of(None), "content"))
    (other,) = misfits(tmp_path, params, "rvc")
    assert "hidden_size 192" in other.expected
    assert "hidden_size 768" in other.found
    assert misfits(tmp_path, of(None), "rvc") == [], "a hub checkpoint is checked when it is read"


@pytest.mark.parametrize("text", ["", "[]", '{"card": 1}', '{"card": {"architecture": 1}}'])
def test_a_card_that_is_none_is_told(tmp_path: Path, text: str) -> None:
    delivered(tmp_path, "vocoder", {}).write_text(text)
    with pytest.raises(CorruptFileError, match="the card of a delivered network"):
        misfits(tmp_path, of("laptop"), "fastpitch")


def test_the_dry_run_says_it(tmp_path: Path) -> None:
    arguments = ["dry-run", "--model", "fastpitch", "--workspace", str(tmp_path)]
    refused = CliRunner().invoke(cli.app, arguments)
    assert "would be refused: " in refused.stderr
    assert "kind hifi_gan, found kind source_filter" in refused.stderr
    assert "would be refused" not in refused.stdout
    fitting = CliRunner().invoke(cli.app, [*arguments, "--profile", "laptop"])
    assert "would be refused" not in fitting.output
