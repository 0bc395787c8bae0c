"""`make demo` in small: the real DAG under dag.test(), real DVC, GX, MLflow and reports, in one workspace.

The run is the session's (conftest.py); the tests of this file break it, in the order they stand here.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from embedded_demo import Demo, git_status, run_embedded

from components import catalogue
from components.core.metrics import Evidence
from components.core.paths import project_root
from components.core.retraining import owners
from components.core.stage_graph import STAGES
from components.stages import services
from components.stages.records import read_record

pytestmark = pytest.mark.e2e
ROOT = project_root()
MOVES_LIPS = [name for name in catalogue.trainable() if catalogue.section_types()[name].kind == "lip_sync"]
KPI_FIELDS = {"value", "low", "high", "n", "unit", "evidence", "device", "target", "ceiling", "floor"}


def _tool(workspace: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-m",
        "components",
        *arguments,
        "--profile",
        "ci",
        "--workspace",
        str(workspace),
    ]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)


def test_the_summary_keeps_its_contract(demo: Demo) -> None:
    told = demo.summary
    assert {
        "seconds",
        "setup_seconds",
        "orchestration_share",
        "data_md5",
        "stages",
        "models",
        "reports",
    } <= set(told)
    models = sorted(catalogue.trainable())
    assert [(s["name"], s["model"]) for s in told["stages"]] == [
        (s.name, model) for s in STAGES for model in owners(s, models, catalogue.further_stages())
    ]
    assert all({"name", "model", "seconds", "state", "skipped"} <= set(s) for s in told["stages"])
    assert told["data_md5"].endswith(".dir")
    assert set(told["reports"]) == {"xlsx", "note_html", "note_md", "review"}
    assert all(Path(path).stat().st_size > 0 for path in told["reports"].values())
    assert set(told["models"]) == set(models)
    for model in told["models"].values():
        assert {"verdict", "reasons", "run_id", "version", "kpis"} <= set(model)
        for kpi in model["kpis"].values():
            assert set(kpi) >= KPI_FIELDS


def test_the_honest_verdict_is_inconclusive_for_want_of_a_recogniser(demo: Demo) -> None:
    for name, model in demo.summary["models"].items():
        missing = "lse_c" if name in MOVES_LIPS else "pronunciation_accuracy"
        assert model["verdict"] != "PASS"
        assert model["kpis"][missing]["value"] is None
        assert any(missing in reason for reason in model["reasons"])
    states = [s["state"] for s in demo.summary["stages"] if s["name"] == "promote"]
    assert states == ["refused"] * len(demo.summary["models"])


def test_a_model_that_moves_lips_learned_from_an_expert_that_was_judged(demo: Demo) -> None:
    for name in MOVES_LIPS:
        record = read_record(demo.workspace, "expert", name)
        assert record
        assert {"loss", "accuracy"} <= set(record.summary["figures"])
        kpis = demo.summary["models"][name]["kpis"]
        for kpi in ("mouth_ssim", "mouth_l1", "latency_p95_ms", "latency_per_second_ms", "frames_per_second"):
            assert kpis[kpi]["evidence"] == "measured"
            assert kpis[kpi]["n"] == 6
        assert "no judge" in kpis["lse_c"]["reason"]
        page = Path(demo.summary["reports"]["review"]).read_text(encoding="utf-8")
        assert page.count('class="play video"') == 4, "two clips: the real one and the rendered one"


@pytest.mark.parametrize("model", [name for name in catalogue.trainable() if name not in MOVES_LIPS])
def test_measured_figures_say_where(demo: Demo, model: str) -> None:
    kpis = demo.summary["models"][model]["kpis"]
    for name in ("speaker_similarity", "latency_p50_ms", "latency_p95_ms", "latency_ttfa_ms", "rtf"):
        assert kpis[name]["evidence"] == "measured"
        assert kpis[name]["device"].startswith("cpu")
        assert kpis[name]["low"] <= kpis[name]["value"] <= kpis[name]["high"]
    assert kpis["speaker_similarity"]["n"] == 120
    assert kpis["speaker_similarity"]["ceiling"] > kpis["speaker_similarity"]["floor"]


def test_a_converter_says_what_stands_beside_its_kpis_or_why_not(demo: Demo) -> None:
    kpis = demo.summary["models"]["rvc"]["kpis"]
    for name in (
        "source_similarity_before",
        "source_similarity_after",
        "f0_correlation",
        "stream_delay_p95_ms",
    ):
        assert kpis[name]["evidence"] == "measured"
        assert kpis[name]["n"] > 0
    assert "role human" in kpis["similarity_to_human"]["reason"], "the profile has no recorded people"
    assert "recogniser" in kpis["control_error_rate"]["reason"]
    page = Path(demo.summary["reports"]["review"]).read_text(encoding="utf-8")
    assert page.count('class="play src"') == 120


def test_a_person_sees_progress_reality_and_reports(demo: Demo) -> None:
    for word in ("ingest", "fastpitch.train", "left", "What it does not show", "review", "INCONCLUSIVE"):
        assert word in demo.output
    assert "Traceback" not in demo.output


def test_the_run_in_mlflow_answers_for_itself(demo: Demo) -> None:
    params = catalogue.load(ROOT, "ci")
    (run,) = services.tracker_of(params.platform.mlflow, demo.workspace).runs("fastpitch", limit=5)
    assert run.run_id == demo.summary["models"]["fastpitch"]["run_id"]
    assert run.status == "FINISHED"
    assert run.metrics["speaker_similarity"] == pytest.approx(
        demo.summary["models"]["fastpitch"]["kpis"]["speaker_similarity"]["value"]
    )
    assert demo.summary["data_md5"] in {value for key, value in run.tags.items() if "md5" in key}


def test_records_trace_a_figure_back_to_its_data(demo: Demo) -> None:
    gate = read_record(demo.workspace, "gate", "fastpitch")
    evaluate = read_record(demo.workspace, "evaluate", "fastpitch")
    assert gate
    assert evaluate
    assert gate.inputs["evaluate.evidence"] == evaluate.outputs["evidence"]["sha256"]
    evidence = Evidence.model_validate_json(evaluate.output(demo.workspace.root, "evidence").read_bytes())
    assert evidence.data_md5 == demo.summary["data_md5"]
    assert {m.data_md5 for m in evidence.metrics} == {demo.summary["data_md5"]}
    assert all(record_field for record_field in (evaluate.git_sha, evaluate.params_sha, evaluate.device))


def test_the_workspace_holds_everything_and_the_clone_stays_clean(demo: Demo) -> None:
    assert git_status() == demo.tree_before
    assert not list(demo.workspace.root.rglob("*.tmp"))


def test_nothing_changed_nothing_runs(demo: Demo) -> None:
    done = run_embedded(demo.workspace.root)
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads((demo.workspace.root / "summary.json").read_text(encoding="utf-8"))
    assert all(stage["skipped"] for stage in told["stages"]), told["stages"]
    assert told["seconds"] < demo.summary["seconds"]
    assert told["models"] == demo.summary["models"]
    assert told["data_md5"] == demo.summary["data_md5"]


def test_the_models_that_serve_make_a_captioned_video(demo: Demo) -> None:
    done = run_embedded(demo.workspace.root, "--video")
    assert done.returncode == 0, done.stderr[-3000:]
    record = read_record(demo.workspace, "pipeline", None)
    assert record
    assert record.summary["times"]["evidence"] == "measured"
    assert record.summary["frames"] > 25
    assert (demo.workspace.demonstration / "demo.srt").read_text(encoding="utf-8").startswith("1\n00:00:")


def test_the_data_of_the_run_can_be_laid_out_again(demo: Demo, tmp_path: Path) -> None:
    run_id = demo.summary["models"]["fastpitch"]["run_id"]
    done = _tool(demo.workspace.root, "restore-data", "--run", run_id, "--target", str(tmp_path / "restored"))
    assert done.returncode == 0, done.stderr
    manifests = {p.relative_to(tmp_path / "restored") for p in (tmp_path / "restored").rglob("manifest.csv")}
    assert manifests
    for manifest in manifests:
        original = (demo.workspace.data / manifest).read_bytes()
        assert (tmp_path / "restored" / manifest).read_bytes() == original


def test_runs_are_reviewed_from_the_terminal(demo: Demo) -> None:
    done = _tool(demo.workspace.root, "kpi")
    assert done.returncode == 0, done.stderr
    run_id = demo.summary["models"]["fastpitch"]["run_id"]
    assert run_id[:8] in done.stdout
    assert "0.85" in done.stdout


def test_there_is_no_champion_to_roll_back_to(demo: Demo) -> None:
    done = _tool(demo.workspace.root, "rollback", "--model", "fastpitch", "--reason", "test")
    assert done.returncode == 42
    assert "expected" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_damaged_corpus_turns_the_run_red_and_loses_nothing(demo: Demo) -> None:
    before = (demo.workspace.root / "records" / "gate.fastpitch.json").read_bytes()
    manifest = next(demo.workspace.data.rglob("manifest.csv"))
    text = manifest.read_text(encoding="utf-8")
    manifest.write_text(text.replace(",synthetic", ",nobody", 1).replace(",ko,", ",xx,", 1), encoding="utf-8")
    try:
        done = run_embedded(demo.workspace.root)
        assert done.returncode != 0
        assert "manifest.csv" in done.stderr
        assert "Traceback" not in done.stderr
    finally:
        manifest.write_text(text, encoding="utf-8")
    assert (demo.workspace.root / "records" / "gate.fastpitch.json").read_bytes() == before
