"""params.yaml: every mistake a person makes is told by its path, and nothing defaults silently."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from components import catalogue
from components.core.errors import ConfigError
from components.core.params import outcome_sha, params_sha
from components.core.params.root import EXPERT_AUXILIARY, FEATURE_AUXILIARIES
from components.core.paths import project_root

PROFILES = [None, "laptop", "ci", "pretrain", "rehearsal"]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the parameter files that a test may damage."""
    shutil.copy(project_root() / "params.yaml", tmp_path)
    shutil.copytree(project_root() / "profiles", tmp_path / "profiles")
    return tmp_path


def _edit(project: Path, change: Any) -> None:
    values = yaml.safe_load((project / "params.yaml").read_text(encoding="utf-8"))
    change(values)
    (project / "params.yaml").write_text(yaml.safe_dump(values, allow_unicode=True), encoding="utf-8")


@pytest.mark.parametrize("profile", PROFILES)
def test_every_profile_loads_and_shares_the_targets(profile: str | None) -> None:
    params = catalogue.load(project_root(), profile)
    assert params.kpi == catalogue.load(project_root(), None).kpi
    assert set(params.models) == {"rvc", "vallex", "fastpitch", "wav2lip"}


def test_research_log_values_stand_in_the_a100_profile() -> None:
    models = catalogue.load(project_root(), None).model_dump(mode="json")["models"]
    rvc, vallex = models["rvc"], models["vallex"]
    assert rvc["architecture"]["content_encoder"]["label"] == "HuBERT Base v3"
    assert rvc["architecture"]["content_encoder"]["stride"] == rvc["architecture"]["hop_length"] == 320
    assert rvc["architecture"]["f0_method"] == "dio"
    assert rvc["architecture"]["speaker_embedding_dim"] == 256
    assert (rvc["training"]["learning_rate"], rvc["training"]["batch_size"]) == (1e-4, 16)
    assert vallex["architecture"]["languages"] == ["ko", "en", "ja", "zh"]
    assert vallex["architecture"]["context_tokens"] == 1024
    sampling = vallex["inference"]
    assert (sampling["temperature_start"], sampling["temperature_end"]) == (0.8, 0.6)
    assert (sampling["top_k"], sampling["top_p"]) == (40, 0.9)
    assert models["fastpitch"]["training"]["phoneme_dropout"] == 0.1
    assert models["fastpitch"]["architecture"]["speaker_conditioning"] == "conditional_layer_norm"
    assert models["wav2lip"]["architecture"]["visual_encoder"]["kind"] == "swinv2-base"
    assert models["wav2lip"]["architecture"]["conformer_blocks"] == 2


def test_targets_of_the_programme() -> None:
    kpi = catalogue.load(project_root(), None).kpi
    assert kpi.target("pronunciation_accuracy") == 0.90
    assert kpi.target("speaker_similarity") == 0.85
    assert kpi.target("latency_p95_ms") == 500.0
    assert kpi.target("rtf") is None


def test_an_overlay_may_not_touch_the_targets(project: Path) -> None:
    (project / "profiles" / "easy.yaml").write_text(
        "kpi:\n  latency:\n    target_ms: 900.0\n", encoding="utf-8"
    )
    with pytest.raises(ConfigError, match=r"profiles/easy\.yaml: kpi"):
        catalogue.load(project, "easy")


@pytest.mark.parametrize(
    ("overlay", "told"),
    [
        ("models:\n  fastpitch:\n    trainign: {}\n", r"models\.fastpitch\.trainign"),
        ("seed: '7'\n", "seed"),
        ("models: {rvc: {training: {learning_rate: 1e-4}}}", r"models\.rvc\.training\.learning_rate"),
        ("models:\n  vallex:\n    inference:\n      top_p: 1.5\n", r"models\.vallex\.inference\.top_p"),
        ("seed: 1\nseed: 2\n", "stands twice"),
        ("seed: [\n", "readable YAML"),
        ("- 1\n", "mapping of sections"),
    ],
)
def test_a_mistake_in_an_overlay_is_told_by_its_path(project: Path, overlay: str, told: str) -> None:
    (project / "profiles" / "wrong.yaml").write_text(overlay, encoding="utf-8")
    with pytest.raises(ConfigError, match=told) as caught:
        catalogue.load(project, "wrong")
    assert caught.value.exit_code == 42
    assert "\n" not in str(caught.value)


def test_a_profile_may_extend_another(project: Path) -> None:
    (project / "profiles" / "longer.yaml").write_text("extends: laptop\nseed: 7\n", encoding="utf-8")
    longer, laptop = (catalogue.load(project, profile) for profile in ("longer", "laptop"))
    assert longer.seed == 7
    assert longer.models == laptop.models


def test_an_overlay_leaves_the_other_aliases_of_an_anchor_alone(project: Path) -> None:
    """In the laptop's profile both SyncNets are one anchor; an overlay once changed both."""
    (project / "profiles/mine.yaml").write_text(
        "extends: laptop\nauxiliaries:\n  syncnet: {training: {max_cpu_seconds: 7.0}}\n", encoding="utf-8"
    )
    before, after = (catalogue.load(project, name).auxiliaries for name in ("laptop", "mine"))
    assert after["sync_judge"] == before["sync_judge"]
    assert after["syncnet"] != before["syncnet"]


def test_profiles_that_extend_each_other_are_refused(project: Path) -> None:
    for name, other in (("a", "b"), ("b", "a")):
        (project / "profiles" / f"{name}.yaml").write_text(f"extends: {other}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="a → b → a"):
        catalogue.load(project, "a")


def test_an_unknown_profile_names_the_known_ones(project: Path) -> None:
    with pytest.raises(ConfigError, match="ci, kind, laptop, papers, pretrain"):
        catalogue.load(project, "a1000")


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        ("rvc.architecture.upsample_rates", [10, 8, 2, 4], "multiply to 640"),
        ("rvc.training.segment_samples", 12801, "no multiple"),
        ("rvc.architecture.f0_frame_period_ms", 5.0, "is not the hop"),
        ("rvc.architecture.content_encoder.stride", 160, "repeated twice"),
        ("vallex.architecture.context_seconds", 10.0, "last 13.653 s"),
        ("vallex.architecture.languages", ["ko", "ko", "ja", "zh"], "repeat"),
        ("vallex.inference.temperature_end", 0.9, "rises"),
        ("fastpitch.architecture.fmax_hz", 12000.0, "above half"),
        ("fastpitch.architecture.ffn_kernel", 4, "odd"),
        ("wav2lip.architecture.image_size", 100, "multiple of 32"),
        ("wav2lip.architecture.mel_window_frames", 20, "video frames"),
        ("wav2lip.architecture.conformer_kernel", 31, "exceeds"),
    ],
)
def test_values_that_contradict_each_other_are_refused(
    project: Path, path: str, value: Any, told: str
) -> None:
    def change(values: dict[str, Any]) -> None:
        *parents, leaf = path.split(".")
        section = values["models"]
        for parent in parents:
            section = section[parent]
        section[leaf] = value

    _edit(project, change)
    with pytest.raises(ConfigError, match=told):
        catalogue.load(project, None)


def test_a_model_without_a_block_is_named(project: Path) -> None:
    _edit(project, lambda values: values["models"].pop("wav2lip"))
    with pytest.raises(ConfigError, match="wav2lip"):
        catalogue.load(project, None)


def test_a_stage_sees_only_the_sections_it_declares() -> None:
    params = catalogue.load(project_root(), "ci")
    view = params.restricted_to(("seed", "models"), "fastpitch")
    assert view.seed == params.seed
    assert set(view.models) == {"fastpitch"}
    with pytest.raises(AttributeError):
        _ = view.kpi


def test_a_stage_sees_the_auxiliary_networks_that_its_features_are_made_with() -> None:
    params = catalogue.load(project_root(), "ci")
    asked = ("models", FEATURE_AUXILIARIES)
    assert set(params.restricted_to(asked, "rvc").auxiliaries) == {"content"}
    assert params.restricted_to(asked, "fastpitch").auxiliaries == {}
    assert params.restricted_to(("auxiliaries",), "rvc").auxiliaries == params.auxiliaries


def test_every_model_says_of_what_kind_it_is_and_what_its_features_need() -> None:
    params = catalogue.load(project_root(), None)
    kinds = {name: section.kind for name, section in params.models.items()}
    assert kinds == {
        "rvc": "voice_conversion",
        "vallex": "prompted_speech",
        "fastpitch": "text_to_speech",
        "wav2lip": "lip_sync",
    }
    for section in params.models.values():
        assert {*section.features_need, section.learns_from} <= {*params.auxiliaries, ""}


def test_a_stage_sees_of_the_auxiliary_networks_the_one_that_its_model_learns_from() -> None:
    params = catalogue.load(project_root(), "ci")
    asked = ("models", EXPERT_AUXILIARY)
    assert set(params.restricted_to(asked, "wav2lip").auxiliaries) == {"syncnet"}
    assert params.restricted_to(asked, "rvc").auxiliaries == {}


def test_the_hash_follows_the_values_and_only_the_view() -> None:
    ci, laptop = (catalogue.load(project_root(), profile) for profile in ("ci", "laptop"))
    assert params_sha(ci) != params_sha(laptop)
    assert params_sha(ci.restricted_to(("kpi",), None)) == params_sha(laptop.restricted_to(("kpi",), None))
    assert params_sha(ci) == params_sha(catalogue.load(project_root(), "ci"))


def test_where_a_stage_runs_does_not_change_what_comes_out() -> None:
    params = catalogue.load(project_root(), "laptop")
    section = params.models["fastpitch"]
    roomier = section.model_copy(
        update={"resources": section.resources.model_copy(update={"memory": "96Gi"})}
    )
    slower = section.model_copy(update={"training": section.training.model_copy(update={"max_steps": 7})})
    elsewhere = params.model_copy(
        update={
            "platform": params.platform.model_copy(update={"workers": 99}),
            "models": {**params.models, "fastpitch": roomier},
        }
    )
    other = params.model_copy(update={"models": {**params.models, "fastpitch": slower}})
    for view in (lambda p: p, lambda p: p.restricted_to(("seed", "platform", "models"), "fastpitch")):
        assert outcome_sha(view(elsewhere)) == outcome_sha(view(params)) != outcome_sha(view(other))
    assert params_sha(elsewhere) != params_sha(params)
