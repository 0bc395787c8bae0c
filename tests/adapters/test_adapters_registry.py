"""The registry on a real MLflow with SQLite: versions, aliases, weights and evidence."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from fixture_evidence import evidence
from mlflow import MlflowClient
from registry_store import RegistryStore, delivered

from components.adapters.mlflow_models import LOGGED_MODEL_TAG
from components.adapters.mlflow_registry import EVIDENCE_TAG, WEIGHTS_TAG, MlflowRegistry
from components.core.errors import BadInputError, CorruptFileError, TrackingUnavailableError
from components.core.storage import sha256_path


@pytest.fixture
def store(tmp_path: Path) -> RegistryStore:
    return RegistryStore.in_folder(tmp_path / "한글 폴더")


def test_a_version_keeps_a_copy_of_the_delivered_folder(store: RegistryStore, tmp_path: Path) -> None:
    registry, source = store.registry(), delivered(tmp_path / "delivered", b"one")
    version = registry.register("fastpitch", store.run(), source, {"git_sha": "abc"})
    delivered(source, b"the next training")
    folder = registry.weights(version)
    assert (folder / "model.safetensors").read_bytes() == b"one"
    assert version.tags["git_sha"] == "abc"
    assert version.tags[WEIGHTS_TAG] == sha256_path(folder)


def test_the_same_run_and_bytes_are_one_version(store: RegistryStore, tmp_path: Path) -> None:
    registry, run_id = store.registry(), store.run()
    first = registry.register("fastpitch", run_id, delivered(tmp_path / "a"), {})
    again = registry.register("fastpitch", run_id, delivered(tmp_path / "b"), {})
    other_bytes = registry.register("fastpitch", run_id, delivered(tmp_path / "c", b"other"), {})
    other_run = registry.register("fastpitch", store.run(), delivered(tmp_path / "a"), {})
    assert again == first
    assert [v.version for v in (first, other_bytes, other_run)] == ["1", "2", "3"]


def test_aliases_belong_to_a_scope_and_are_read_afresh(store: RegistryStore) -> None:
    registry, elsewhere = store.registry(), store.registry()
    assert registry.by_alias("fastpitch", "champion_laptop") is None  # not even the model is there
    first, second = (store.candidate(evidence(run_id=store.run())) for _ in range(2))
    registry.set_alias("fastpitch", "champion_laptop", first.version)
    assert registry.by_alias("fastpitch", "champion_a100") is None
    elsewhere.set_alias("fastpitch", "champion_laptop", second.version)
    found = registry.by_alias("fastpitch", "champion_laptop")
    assert found is not None
    assert found.version == second.version
    registry.delete_alias("fastpitch", "champion_laptop")
    registry.delete_alias("fastpitch", "champion_laptop")  # absent is fine
    assert registry.by_alias("fastpitch", "champion_laptop") is None


def test_flipped_bits_in_the_store_are_caught(store: RegistryStore) -> None:
    registry, version = store.registry(), store.candidate(evidence(run_id=store.run()))
    (registry.weights(version) / "model.safetensors").write_bytes(b"weighty")
    with pytest.raises(CorruptFileError, match="fastpitch v1"):
        registry.weights(version)


@pytest.mark.parametrize("name", ["model.pt", "model.pkl", "optimizer.bin"])
def test_what_could_be_a_pickle_is_not_registered(store: RegistryStore, tmp_path: Path, name: str) -> None:
    source = delivered(tmp_path / "delivered")
    (source / name).write_bytes(b"\x80\x04")
    with pytest.raises(BadInputError, match=name):
        store.registry().register("fastpitch", store.run(), source, {})
    assert store.registry().by_alias("fastpitch", "champion_laptop") is None


def test_a_folder_without_weights_is_not_registered(store: RegistryStore, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="no weights"):
        store.registry().register("fastpitch", store.run(), tmp_path / "nothing", {})


def test_the_latest_evidence_counts(store: RegistryStore) -> None:
    registry, run_id = store.registry(), store.run()
    version = store.candidate(evidence(run_id=run_id, similarity=0.86))
    assert registry.evidence_of(version) == evidence(run_id=run_id, similarity=0.86)
    registry.attach_evidence(version, evidence(run_id=run_id, similarity=0.87))
    assert registry.evidence_of(version) == evidence(run_id=run_id, similarity=0.87)


def test_no_evidence_is_none_and_changed_evidence_is_refused(store: RegistryStore, tmp_path: Path) -> None:
    registry = store.registry()
    bare = registry.register("fastpitch", store.run(), delivered(tmp_path / "bare"), {})
    assert registry.evidence_of(bare) is None
    version = store.candidate(evidence(run_id=store.run()))
    tag = registry.by_version("fastpitch", version.version).tags[EVIDENCE_TAG]
    (file,) = (store.folder / "mlartifacts").rglob(f"{tag}.json")
    file.write_text(file.read_text("utf-8").replace("0.9,", "0.99,", 1), "utf-8")
    with pytest.raises(CorruptFileError, match="evidence of fastpitch"):
        registry.evidence_of(version)


def test_a_version_that_is_not_there_is_named(store: RegistryStore) -> None:
    with pytest.raises(BadInputError, match="fastpitch v7"):
        store.registry().by_version("fastpitch", "7")


def test_a_dead_server_is_retryable_and_keeps_its_password_out_of_the_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with socket.socket() as port:
        port.bind(("127.0.0.1", 0))  # bound, not listening: refuses at once
        uri = f"http://me:canary@127.0.0.1:{port.getsockname()[1]}"
        with pytest.raises(TrackingUnavailableError) as error:
            MlflowRegistry(uri, cache=tmp_path, request_timeout_s=1).by_alias("fastpitch", "champion_laptop")
    assert "canary" not in str(error.value)


def test_a_version_is_a_logged_model_with_its_kpis_and_the_data_they_are_about(store: RegistryStore) -> None:
    """MLflow's own search finds it by a figure; registering and attaching again makes no second one."""
    run_id = store.run()
    version = store.candidate(evidence(run_id=run_id, similarity=0.88))
    again = store.candidate(evidence(run_id=run_id, similarity=0.88))
    assert again.version == version.version
    client = MlflowClient(tracking_uri=store.uri)
    experiment = client.get_run(run_id).info.experiment_id
    (found,) = client.search_logged_models([experiment], "metrics.speaker_similarity > 0.85")
    assert found.model_id == version.tags[LOGGED_MODEL_TAG]
    assert (found.source_run_id, found.status.value) == (run_id, "READY")
    data = {metric.key: metric.dataset_digest for metric in found.metrics}
    assert data["latency_p95_ms"] == evidence().data_md5
    assert list(client.search_logged_models([experiment], "metrics.speaker_similarity > 0.9")) == []


def test_all_versions_are_listed_the_oldest_first(store: RegistryStore) -> None:
    assert store.registry().versions("fastpitch") == []
    made = [store.candidate(evidence(run_id=store.run())) for _ in range(3)]
    assert [one.version for one in store.registry().versions("fastpitch")] == [one.version for one in made]
