"""Lip sync through its stages: the expert is had and judged, a candidate is rendered, judged and shown."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from talking_corpus import talking_store, write_corpus

from components import catalogue
from components.auxiliaries.syncnet.loading import JUDGE, SYNCNET
from components.core.errors import BadInputError, ConfigError, DataError, ValidationBlockedError
from components.core.metrics import Evidence
from components.core.params import Params
from components.core.paths import Workspace, project_root
from components.core.progress import Progress
from components.core.stage_graph import stage
from components.core.storage import sha256_path
from components.data.video.media import facts_of, frames_at
from components.models.wav2lip.params import Section
from components.models.wav2lip.task import training_task
from components.reporting.reading import read_sentences
from components.stages import expert, lip_evidence, services
from components.stages.contender import Contender
from components.stages.contract import Outcome, Record, StageContext
from components.stages.runner import Request, run_stage

ROOT = project_root()


@dataclass
class QuietRun:
    """A tracked run that says nothing."""

    run_id: str = "run-1"

    def open_run(self, run_id: str) -> QuietRun:
        return self

    def __getattr__(self, name: str) -> Any:
        return lambda *told: None


@dataclass(frozen=True)
class Place:
    """A workspace with a corpus, features and delivered networks."""

    workspace: Workspace
    project: Path
    params: Params
    delivered: Path
    networks: Mapping[str, Path]

    def context(self, name: str, **limits: float) -> StageContext:
        section = self.params.models["wav2lip"]
        training = section.training.model_copy(update=limits)
        models = {"wav2lip": section.model_copy(update={"training": training})}
        store = self.workspace.features / "wav2lip"
        outputs = {"store": {"path": f"{store.relative_to(self.workspace.root)}", "sha256": "s"}}
        features = Record(
            "features", "wav2lip", "", "done", "ci", "", "d", "", "", 1.0, "cpu", {}, outputs, {}
        )
        return StageContext(
            stage=name, model="wav2lip", profile="ci",
            params=self.params.model_copy(update={"models": models}),
            workspace=self.workspace, project=self.project, git_sha="g", params_sha="p", data_md5="d",
            progress=Progress("test"), upstream={"features": features},
        )  # fmt: skip

    def ship(self, name: str) -> Path:
        target = self.project / "pretrained" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(self.networks[name])
        return target


def deliver(task: Any, target: Path) -> Path:
    target.mkdir(parents=True)
    with torch.no_grad():
        task.deliver({name: value.clone() for name, value in task.network.state_dict().items()}, target)
    return target


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Place:
    root = tmp_path_factory.mktemp("lips")
    workspace, params = Workspace.embedded(root / "workspace"), catalogue.load(ROOT, "ci")
    corpus = write_corpus(workspace.data / "espeak")
    store = talking_store(corpus, workspace.features / "wav2lip")[0]
    networks = {
        name: deliver(
            catalogue.auxiliary_spec(name).training_task(params.auxiliaries[name], store.folder, seed, None),
            root / name,
        )
        for seed, name in enumerate((SYNCNET, JUDGE))
    }
    section = params.models["wav2lip"]
    assert isinstance(section, Section)
    task = training_task(section, store.folder, 0, None, networks[SYNCNET])
    return Place(workspace, root / "project", params, deliver(task, root / "wav2lip"), networks)


@pytest.fixture
def place(made: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setattr(services, "tracker", lambda context: QuietRun())
    return replace(made, project=tmp_path)


def evaluated(place: Place, folder: Path) -> tuple[Outcome, Evidence]:
    weights = sha256_path(place.delivered / "model.safetensors")
    contender = Contender("wav2lip", "run-1", place.delivered, weights)
    outcome = lip_evidence.evaluate_lips(place.context("evaluate"), contender, folder)
    return outcome, Evidence.model_validate_json(outcome.outputs["evidence"].read_bytes())


def test_without_a_shipped_expert_one_is_trained_here_and_judged(place: Place) -> None:
    outcome = expert.run(place.context("expert"))
    assert outcome.summary["origin"] == "trained"
    assert outcome.summary["steps"] == 6
    assert set(outcome.summary["figures"]) == {"loss", "accuracy", "windows"}
    assert json.loads((outcome.outputs["delivered"] / "model.json").read_bytes())["model"] == SYNCNET


def test_an_expert_that_guesses_teaches_nobody_and_every_reason_is_named(place: Place) -> None:
    place.ship(SYNCNET)
    with pytest.raises(ValidationBlockedError, match="2 reason") as refused:
        expert.run(place.context("expert", syncnet_eval_max=0.01, syncnet_accuracy_min=1.0))
    told = "\n".join(refused.value.lines())
    assert "at most 0.01 allowed (guessing: 0.693)" in told
    assert "right sound nearer" in told
    assert "speakers" in told, "the statistics of the data stand below"
    outcome = expert.run(place.context("expert"))
    assert (outcome.summary["origin"], outcome.summary["steps"]) == ("shipped", 0)
    shipped = sha256_path(place.networks[SYNCNET] / "model.safetensors")
    assert outcome.summary["weights_sha256"] == shipped


def test_only_a_model_that_learns_from_another_network_has_the_stage(tmp_path: Path) -> None:
    further = catalogue.further_stages()
    assert {model for model in further if stage("expert").belongs_to(further[model])} == {"wav2lip"}
    with pytest.raises(BadInputError, match="does not learn from another network"):
        run_stage(Request("expert", "fastpitch", "ci", Workspace.embedded(tmp_path), ROOT))
    with pytest.raises(DataError, match="a SyncNet to learn from"):
        catalogue.spec("wav2lip").training_task(
            catalogue.load(ROOT, "ci").models["wav2lip"], tmp_path, 0, None
        )


def test_a_candidate_is_judged_beside_real_clips_and_a_wrong_sound(place: Place, tmp_path: Path) -> None:
    place.ship(JUDGE)
    outcome, evidence = evaluated(place, tmp_path / "evaluation")
    judge = sha256_path(place.networks[JUDGE] / "model.safetensors")
    lse_c, share = evidence.metric("lse_c"), evidence.metric("lse_c_share_of_real")
    wrong, likeness = evidence.metric("lse_c_shuffled"), evidence.metric("mouth_ssim")
    assert lse_c is not None
    assert share is not None
    assert wrong is not None
    assert likeness is not None
    assert lse_c.evaluator.weights_sha256 == judge
    assert lse_c.ceiling is not None
    assert share.value == pytest.approx(lse_c.value / lse_c.ceiling)
    assert lse_c.floor == pytest.approx(wrong.value)
    assert lse_c.n == outcome.summary["clips"] == 3
    assert likeness.value < 0.999, "a generator of drawn weights does not give the real mouth"
    late, per_second = evidence.metric("latency_p50_ms"), evidence.metric("latency_per_second_ms")
    assert late is not None
    assert per_second is not None
    assert late.value == pytest.approx(3.0 * per_second.value, rel=1e-6)
    assert evidence.metric("latency_ttfa_ms") is None

    rows = read_sentences(outcome.outputs["samples"])
    assert [len(row.videos) for row in rows].count(3) == place.params.evaluation.lip_sync.shown
    shown = next(row for row in rows if row.videos)
    assert all(len(list(frames_at(path, 25))) == 30 for path in shown.videos.values())
    assert facts_of(shown.videos["made"]).fps == 25
    label = json.loads(shown.videos["made"].with_name(shown.videos["made"].name + ".json").read_bytes())
    assert label["digital_source_type"].endswith("trainedAlgorithmicMedia")


def test_without_a_judge_the_figures_are_missing_with_a_reason_and_the_loss_is_none(
    place: Place, tmp_path: Path
) -> None:
    _, evidence = evaluated(place, tmp_path / "evaluation")
    assert evidence.metric("lse_c") is None
    assert "no judge in pretrained/sync_judge" in evidence.reason_missing("lse_c")
    assert evidence.metric("mouth_l1") is not None
    pretrained = place.project / "pretrained"
    pretrained.mkdir()
    (pretrained / JUDGE).symlink_to(place.networks[SYNCNET])
    with pytest.raises((ConfigError, DataError)):
        evaluated(place, tmp_path / "again")
