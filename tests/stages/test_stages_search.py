"""Which versions met all targets: answered from the evidence in a real registry, not from tags."""

from __future__ import annotations

import datetime
import io
import json
from pathlib import Path

import pytest
from fixture_evidence import DEVICE, NOW, altered, evidence, laptop_params
from registry_store import RegistryStore
from rich.console import Console

from components.core.errors import ConfigError
from components.stages.search import as_json, headline, query, search, table

LAPTOP = laptop_params()
A100 = LAPTOP.model_copy(
    update={
        "evaluation": LAPTOP.evaluation.model_copy(update={"scope": "a100", "required_device": "A100.*80GB"})
    }
)
GPU = "NVIDIA A100-SXM4-80GB"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> RegistryStore:
    """v1 misses a target, v2 met all on this machine, v3 on an A100, v4 there too but a month before."""
    store = RegistryStore.in_folder(tmp_path_factory.mktemp("search"))
    old = (NOW - datetime.timedelta(days=40)).isoformat()
    store.candidate(evidence(run_id=store.run(), similarity=0.80))
    store.candidate(evidence(run_id=store.run()))
    for created in (evidence().created, old):
        found = altered(evidence(run_id=store.run(), created=created), "latency_p95_ms", device=GPU)
        store.candidate(found)
    registry = store.registry()
    registry.set_version_tags("fastpitch", "1", {"verdict": "PASS"})  # a tag is only a tag
    registry.set_alias("fastpitch", "champion_a100", "3")
    return store


def test_versions_that_met_all_targets_on_an_a100(store: RegistryStore) -> None:
    asked = query(A100, None, None, None)
    found = search(A100, store.registry(), asked)
    assert [(one.version, one.verdict) for one in found] == [
        ("3", "PASS"), ("2", "INCONCLUSIVE"), ("1", "FAIL"), ("4", "PASS"),
    ]  # fmt: skip
    assert headline(found, asked, "a100") == "2 of 4 versions met all targets on A100.*80GB (scope a100)"
    assert found[0].alias == "champion_a100"
    assert "measured on cpu" in " ".join(found[1].reasons)
    told = json.loads(json.dumps(as_json(found, found[:1], asked, "a100")))
    assert (told["met"], told["of"], len(told["versions"])) == (2, 4, 1)
    latency = told["versions"][0]["kpis"]["latency_p95_ms"]
    assert (latency["value"], latency["device"], latency["verdict"], latency["n"]) == (
        300.0,
        GPU,
        "PASS",
        120,
    )


def test_device_model_and_day_narrow_the_question(store: RegistryStore) -> None:
    def met(**wanted: str | None) -> list[str]:
        asked = query(A100, wanted.get("model"), wanted.get("device"), wanted.get("since"))
        return [one.version for one in search(A100, store.registry(), asked) if one.verdict == "PASS"]

    assert met(since=(NOW - datetime.timedelta(days=5)).date().isoformat()) == ["3"]
    assert met(device="cpu") == ["2"]
    assert met(device=DEVICE[:8], model="fastpitch") == ["2"]
    assert met(model="rvc") == []


@pytest.mark.parametrize(
    ("model", "device", "since", "told"),
    [
        ("tacotron", None, None, "tacotron"),
        (None, "A100[", None, "--device"),
        (None, None, "June", "--since"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused(
    model: str | None, device: str | None, since: str | None, told: str
) -> None:
    with pytest.raises(ConfigError, match=told):
        query(A100, model, device, since)


def test_evidence_that_somebody_changed_is_told_and_counts_for_nothing(tmp_path: Path) -> None:
    store = RegistryStore.in_folder(tmp_path)
    store.candidate(evidence(run_id=store.run(), similarity=0.80))
    (file,) = (tmp_path / "mlartifacts").rglob("evidence/*.json")
    file.write_text(file.read_text("utf-8").replace("0.8,", "0.9,"), "utf-8")
    (found,) = search(LAPTOP, store.registry(), query(LAPTOP, "fastpitch", None, None))
    assert found.verdict == "INCONCLUSIVE"
    assert "evaluate this version again" in found.reasons[0]


def test_the_table_marks_each_kpi(store: RegistryStore) -> None:
    found = search(LAPTOP, store.registry(), query(LAPTOP, "fastpitch", None, None))
    paper = io.StringIO()
    Console(width=220, file=paper).print(table(found, "all"))
    lines = {line.split("│")[1].strip(): line for line in paper.getvalue().splitlines() if " v" in line}
    assert "0.8 ✘" in lines["fastpitch v1"]
    assert "PASS ✔" in lines["fastpitch v2"]
    assert "300 ?" in lines["fastpitch v3"]  # on another device
