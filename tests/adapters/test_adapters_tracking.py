"""The tracker against a real MLflow SQLite store."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.adapters.mlflow_client import without_credentials
from components.adapters.mlflow_tracking import MlflowTracker
from components.core.errors import BadInputError, TrackingUnavailableError
from components.core.ports import MetricPoint


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("추적")


@pytest.fixture(scope="module")
def tracker(place: Path) -> MlflowTracker:
    return MlflowTracker(
        tracking_uri=f"sqlite:///{place / 'mlflow.db'}",
        experiment="iris-test",
        artifact_root=place / "mlartifacts",
        spool=place / "spool",
        flush_interval_s=0.05,
        request_timeout_s=20,
    )


def curve(key: str, steps: range) -> list[MetricPoint]:
    return [MetricPoint(key, 1.0 / (1 + step), step, 1_700_000_000_000 + step) for step in steps]


def test_a_run_comes_back_as_it_was_written(tracker: MlflowTracker, place: Path) -> None:
    pointer = place / "데이터.dvc"
    pointer.write_text("md5: d41d.dir", encoding="utf-8")
    docs = place / "docs"
    docs.mkdir()
    (docs / "index.html").write_text("<p>ok</p>", encoding="utf-8")
    run = tracker.start_run("fastpitch ci", {"model": "fastpitch", "data_md5": "d41d.dir"})
    run.log_params({f"training.p{index}": str(index) for index in range(120)})
    run.log_points(curve("train/all/total", range(1200)))
    run.log_dataset(
        "data", "s3://bucket/files/md5/d4/1d.dir", "d41d8cd98f00b204e9800998ecf8427e.dir", "training"
    )
    run.log_file(pointer, "data")
    run.log_folder(docs, "data_docs")
    run.set_tags({"profile": "ci"})
    run.finish("FINISHED")

    (summary, *_) = tracker.runs("fastpitch", 5)
    assert summary.run_id == run.run_id
    assert (summary.name, summary.status) == ("fastpitch ci", "FINISHED")
    assert summary.params["training.p119"] == "119"
    assert summary.tags["model"] == "fastpitch"
    assert summary.tags["profile"] == "ci"
    assert summary.ended >= summary.started > ""
    assert tracker.curves(run.run_id)["train/all/total"] == curve("train/all/total", range(1200))
    artefacts = place / "mlartifacts" / run.run_id / "artifacts"
    assert (artefacts / "data" / pointer.name).read_text(encoding="utf-8") == "md5: d41d.dir"
    assert (artefacts / "data_docs" / "index.html").is_file()
    dataset = tracker.client().get_run(run.run_id).inputs.dataset_inputs[0].dataset
    assert dataset.digest == "d41d8cd98f00b204e9800998ecf8427e.dir"
    assert "s3://bucket" in dataset.source
    assert run.run_id in tracker.address(run.run_id)
    assert not [p for p in (place / "spool").iterdir() if p.is_dir()]


def test_an_opened_run_goes_on_without_doubling(tracker: MlflowTracker) -> None:
    first = tracker.start_run("resumed", {"model": "rvc"})
    first.log_points(curve("loss", range(10)))
    first.finish("KILLED")
    again = tracker.open_run(first.run_id)
    again.log_points(curve("loss", range(5, 15)))
    again.finish("FINISHED")
    assert [point.step for point in tracker.curves(first.run_id)["loss"]] == list(range(15))
    (summary,) = tracker.runs("rvc", 5)
    assert summary.status == "FINISHED"


def test_what_is_added_to_an_ended_run_leaves_its_end_alone_and_is_there_once(tracker: MlflowTracker) -> None:
    run = tracker.start_run("billed", {"model": "wav2lip"})
    run.finish("FINISHED")
    (before,) = tracker.runs("wav2lip", 1)
    for _ in range(2):
        tracker.annotate(run.run_id, curve("cost/gpu_hours", range(5, 6)), {"cost.krw": "unknown"})
    (after,) = tracker.runs("wav2lip", 1)
    assert (after.status, after.started, after.ended) == ("FINISHED", before.started, before.ended)
    assert after.tags["cost.krw"] == "unknown"
    assert tracker.curves(run.run_id) == {"cost/gpu_hours": curve("cost/gpu_hours", range(5, 6))}
    with pytest.raises(BadInputError):
        tracker.annotate("0" * 32, [], {"cost.krw": "unknown"})


def test_reading_what_is_not_there_is_a_typed_error(tracker: MlflowTracker) -> None:
    with pytest.raises(BadInputError, match="no-such-run"):
        tracker.curves("no-such-run")


def test_a_dead_server_is_retryable_for_a_reader(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    dead = MlflowTracker("http://user:geheim@127.0.0.1:9", "e", place, place / "s2", 0.05, 1)
    with pytest.raises(TrackingUnavailableError) as error:
        dead.runs(None, 1)
    assert error.value.exit_code == 75
    assert "geheim" not in error.value.who


def test_credentials_leave_the_address() -> None:
    assert without_credentials("https://me:secret@host:1/a") == "https://host:1/a"
    assert without_credentials("sqlite:////a/b.db") == "sqlite:////a/b.db"
