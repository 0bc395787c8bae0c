"""Stage adopt on a real MLflow (SQLite): shipped weights pass the same gate as any candidate, or do not."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path

import pytest
from fixture_evidence import NOW, evidence, laptop_params
from heard_elsewhere import heard_elsewhere
from registry_store import CONSENT, RegistryStore, delivered

from components.core.metrics import Evidence
from components.core.paths import Workspace
from components.core.progress import Progress
from components.core.storage import write_json, write_text
from components.data.consent import CONSENT_NAME, consent_text
from components.evaluation.recordings import Panel
from components.evaluation.speaker_similarity import build_gallery
from components.promotion.ledger import Ledger
from components.promotion.succession import Author
from components.stages import adopt
from components.stages.contender import Contender
from components.stages.contract import Outcome, StageContext

PARAMS = laptop_params()


@dataclasses.dataclass(frozen=True)
class FreshMachine:
    """A workspace without champion, a project that ships weights, and what evaluation would find."""

    context: StageContext
    store: RegistryStore
    evaluated: list[Contender]

    def champion(self) -> str | None:
        found = self.store.registry().by_alias("fastpitch", "champion_laptop")
        return found.version if found else None


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FreshMachine:
    project = tmp_path / "project"
    shipped = delivered(project / "pretrained" / "fastpitch")
    (shipped / "README.md").write_text("card", encoding="utf-8")
    workspace = Workspace.embedded(tmp_path / "workspace")
    register = consent_text({CONSENT.consent_id: CONSENT})
    write_text(workspace.data / PARAMS.data.corpora[0] / CONSENT_NAME, register)
    store = RegistryStore.in_folder(tmp_path / "mlflow")
    mlflow = PARAMS.platform.mlflow.model_copy(update={"tracking_uri": store.uri})
    platform = PARAMS.platform.model_copy(update={"mlflow": mlflow})
    context = StageContext(
        stage="adopt",
        model="fastpitch",
        profile="laptop",
        params=PARAMS.model_copy(update={"platform": platform}),
        workspace=workspace,
        project=project,
        git_sha="0" * 40,
        params_sha="1" * 64,
        data_md5=evidence().data_md5,
        progress=Progress("test", io.StringIO()),
        upstream={},
    )
    monkeypatch.setattr(Author, "here", lambda git_sha: Author("tester", git_sha, NOW))
    heard_elsewhere(monkeypatch)
    return FreshMachine(context, store, [])


def _evaluating(machine: FreshMachine, found: Evidence, monkeypatch: pytest.MonkeyPatch) -> None:
    """Evaluation itself has its own tests; here it finds what it is told, about the run it is given."""

    def evaluate(context: StageContext, contender: Contender, folder: Path) -> Outcome:
        machine.evaluated.append(contender)
        metrics = tuple(m.model_copy(update={"run_id": contender.run_id}) for m in found.metrics)
        told = found.model_copy(update={"run_id": contender.run_id, "metrics": metrics})
        path = folder / "evidence.json"
        write_json(path, told.model_dump(mode="json"))
        return Outcome({"evidence": path}, {})

    monkeypatch.setattr(adopt, "evaluate", evaluate)


def test_shipped_weights_that_pass_are_the_first_champion(
    machine: FreshMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    _evaluating(machine, evidence(), monkeypatch)
    outcome = adopt.run(machine.context)
    assert outcome.summary["verdict"] == "PASS"
    assert outcome.summary["adopted"] is True
    assert machine.champion() == outcome.summary["version"]
    assert {"evidence", "decision", "promotion"} <= set(outcome.outputs)
    history = Ledger(machine.context.workspace.ledger).history("fastpitch", "laptop")
    assert history.champion == outcome.summary["version"]


def test_shipped_weights_that_fail_stay_a_version_without_alias(
    machine: FreshMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    _evaluating(machine, evidence(similarity=0.7), monkeypatch)
    outcome = adopt.run(machine.context)
    assert outcome.summary["verdict"] == "FAIL"
    assert outcome.summary["adopted"] is False
    assert machine.champion() is None
    version = machine.store.registry().by_version("fastpitch", str(outcome.summary["version"]))
    assert version.tags["verdict"] == "FAIL"


def test_shipped_voices_that_the_corpora_lack_stop_no_training_and_say_what_to_do(
    machine: FreshMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RVC without the people that it was shipped with, as gallery and stage find it."""

    class Nobody:
        def embed(self, recordings: object) -> list[None]:
            return []

    def evaluate(*_: object) -> Outcome:
        absent = [Panel(name, (), ()) for name in ("human_carlo_flora", "human_ru")]
        build_gallery(absent, [], Nobody(), 10, 10, 1)  # type: ignore[arg-type]
        raise AssertionError

    monkeypatch.setattr(adopt, "evaluate", evaluate)
    outcome = adopt.run(machine.context)
    assert outcome.summary["adopted"] is False
    reason = str(outcome.summary["reason"])
    assert reason.startswith("speaker_similarity of human_carlo_flora, human_ru: ")
    assert "ingest a corpus with recordings of these voices and name it in data.corpora" in reason
    assert "data.corpora에 넣고" in outcome.summary["reason_ko"]
    printed = machine.context.progress.stream.getvalue()
    assert "cannot be judged on these data, not adopted: speaker_similarity of human_carlo" in printed
    assert "채택하지 않음: 비교할 녹음이 모자란 화자가 있어" in printed
    assert machine.champion() is None


def test_where_a_champion_stands_nothing_is_evaluated(
    machine: FreshMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    _evaluating(machine, evidence(), monkeypatch)
    adopt.run(machine.context)
    again = adopt.run(machine.context)
    assert again.summary == {"adopted": False, "reason": f"version {machine.champion()} is champion_laptop"}
    assert len(machine.evaluated) == 1


def test_without_shipped_weights_or_warm_start_there_is_nothing_to_adopt(machine: FreshMachine) -> None:
    bare = dataclasses.replace(machine.context, project=machine.context.project.parent / "elsewhere")
    assert "no weights are shipped" in str(adopt.run(bare).summary["reason"])
    section = PARAMS.models["fastpitch"]
    training = section.training.model_copy(update={"warm_start": False})
    models = {"fastpitch": section.model_copy(update={"training": training})}
    cold = dataclasses.replace(machine.context, params=PARAMS.model_copy(update={"models": models}))
    assert "warm_start is false" in str(adopt.run(cold).summary["reason"])


def test_other_shipped_weights_are_another_input(machine: FreshMachine) -> None:
    before = adopt.fingerprint(machine.context)
    delivered(machine.context.project / "pretrained" / "fastpitch", b"other")
    assert adopt.fingerprint(machine.context) != before
