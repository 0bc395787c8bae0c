"""The report stage on a small finished workspace: complete, repeatable, and clear about what is broken."""

from __future__ import annotations

import datetime
import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from fakes.report_inputs import RUN, STAMP, decision, evidence, metric
from fakes.report_workspace import FakeRegistry, FakeTracker, finished_workspace, keep_decision, request

from components.core.drift import ModelDrift, Shift
from components.core.errors import CorruptFileError, DataError
from components.core.params.platform import CostParams
from components.core.paths import Workspace
from components.core.spending import Spent
from components.core.storage import append_line, write_json
from components.reporting.listening_results import MOS
from components.stages import services
from components.stages.bill import bill
from components.stages.journal import journalled
from components.stages.records import read_record, write_record
from components.stages.runner import run_stage

OUTPUTS = {"xlsx", "note_html", "note_md", "note_txt", "review", "alerts"}


@pytest.fixture
def tracker() -> FakeTracker:
    return FakeTracker()


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch, tracker: FakeTracker) -> FakeRegistry:
    registry = FakeRegistry()
    monkeypatch.setattr(services, "tracker", lambda context: tracker)
    monkeypatch.setattr(services, "registry", lambda context: registry)
    return registry


@pytest.fixture
def workspace(tmp_path: Path, registry: FakeRegistry) -> Workspace:
    return finished_workspace(tmp_path / "작업 공간")


def contents(workspace: Workspace) -> dict[str, bytes]:
    record = read_record(workspace, "report", None)
    assert record is not None
    return {name: record.output(workspace.root, name).read_bytes() for name in record.outputs}


def note(workspace: Workspace) -> str:
    return contents(workspace)["note_txt"].decode()


def fail(workspace: Workspace, message: str) -> None:
    with pytest.raises(DataError), journalled(workspace, "train", "fastpitch"):
        raise DataError(who=message, expected="audio", found="nothing", action="record it again")


def test_all_outputs_tell_of_the_run_and_a_forced_repetition_is_the_same_bytes(
    workspace: Workspace,
) -> None:
    run_stage(request(workspace))
    first = contents(workspace)
    assert set(first) == OUTPUTS
    for name in OUTPUTS - {"xlsx", "alerts"}:
        assert RUN in first[name].decode(), name
    run_stage(request(workspace, force=True))
    assert contents(workspace) == first


def test_drift_found_on_this_data_version_makes_a_new_report_and_on_another_none(
    workspace: Workspace,
) -> None:
    first = run_stage(request(workspace))
    assert first.summary["verdict"] == "ALERT"  # the verdict of the fixture run is INCONCLUSIVE
    path = workspace.root / "drift" / "drift.json"
    shift = Shift("f0_hz", "drifted", 0.4, 0.001, 0.2, "180", "120", 60, 60)
    write_json(path, {"models": [asdict(ModelDrift("fastpitch", "1", "e" * 32, "", (shift,)))]})
    train = read_record(workspace, "train", "fastpitch")
    assert train is not None
    output = {"drift": {"path": "drift/drift.json", "sha256": "0" * 64}}
    record = replace(train, stage="drift", model=None, outputs=output, data_md5="another.dir")
    write_record(workspace, record)
    assert run_stage(request(workspace)).state == "skipped"
    write_record(workspace, replace(record, data_md5=train.data_md5))
    assert run_stage(request(workspace)).state == "done"
    found = json.loads(contents(workspace)["alerts"])
    assert [alert["kind"] for alert in found] == ["inconclusive", "drift"]
    assert "180 → 120 (D 0.40 ≥ 0.2, p 0.001)" in contents(workspace)["review"].decode()


def test_a_listening_test_makes_a_new_report_with_the_mean_opinion_of_the_registry(
    workspace: Workspace, registry: FakeRegistry
) -> None:
    run_stage(request(workspace))
    heard = metric(MOS, 3.75, "점", n=12)
    registry.found = evidence(*evidence().metrics, heard)
    assert run_stage(request(workspace)).state == "skipped"
    write_json(workspace.listening / "t7.json", {"test_id": "t7"})
    assert run_stage(request(workspace)).state == "done"
    assert "자연스러움 MOS(청취): 3.75 점 (자체측정" in note(workspace)
    assert "게이트 판정불가" in note(workspace)  # the verdict on the evidence without it still counts


def test_an_unchanged_report_is_skipped_also_after_skipped_and_refused_attempts(workspace: Workspace) -> None:
    assert run_stage(request(workspace)).state == "done"
    for state in ("skipped", "refused", "done"):
        record = read_record(workspace, "promote", "fastpitch")
        assert record is not None
        with journalled(workspace, "promote", "fastpitch") as attempt:
            attempt.record = replace(record, state=state)
    assert run_stage(request(workspace)).state == "skipped"


def test_a_promotion_of_an_earlier_verdict_is_none_of_this_one(workspace: Workspace) -> None:
    record = read_record(workspace, "promote", "fastpitch")
    assert record is not None
    write_record(workspace, replace(record, summary={"alias": "champion_laptop", "champion": "7"}))
    run_stage(request(workspace))
    assert "champion_laptop" in contents(workspace)["review"].decode()
    earlier = dict.fromkeys(record.inputs, "0" * 64)
    write_record(workspace, replace(record, inputs=earlier, summary={"alias": "champion_laptop"}))
    run_stage(request(workspace, force=True))
    assert "champion_laptop" not in contents(workspace)["review"].decode()


def test_the_time_of_a_refused_promotion_changes_nothing(workspace: Workspace) -> None:
    run_stage(request(workspace))
    first = contents(workspace)
    record = read_record(workspace, "promote", "fastpitch")
    assert record is not None
    later = (STAMP + datetime.timedelta(hours=1)).isoformat()
    write_record(workspace, replace(record, started=later))
    run_stage(request(workspace, force=True))
    assert contents(workspace) == first


def test_a_failed_attempt_alone_makes_a_new_report_that_names_it(workspace: Workspace) -> None:
    run_stage(request(workspace))
    assert "ko_0007" not in note(workspace)
    fail(workspace, "ko_0007")
    assert run_stage(request(workspace)).state == "done"
    problems = note(workspace).split("4. 문제점")[1].split("5. 다음 계획")[0]
    assert "train" in problems
    assert "ko_0007" in problems
    first = contents(workspace)
    assert run_stage(request(workspace)).state == "skipped"
    run_stage(request(workspace, force=True))
    assert contents(workspace) == first


def spend(workspace: Workspace, stage: str, state: str, **changes: Any) -> None:
    values = {"seconds": 3600.0, "started": STAMP.isoformat(), "message": "", "gpus": 1, "cpu_seconds": 60.0}
    line = {"stage": stage, "model": "fastpitch", "state": state, **values, "profile": "laptop", **changes}
    append_line(workspace.root / "journal.jsonl", json.dumps(line))


def test_the_run_carries_what_it_took_and_an_unknown_price_is_no_zero(
    workspace: Workspace, tracker: FakeTracker
) -> None:
    spend(workspace, "train", "killed", queue_seconds=1800.0)
    spend(workspace, "train", "done", queue_seconds=1800.0)
    spend(workspace, "evaluate", "done")
    spend(
        workspace, "evaluate", "failed"
    )  # of a retraining that is not done: in the reports, on no run's bill
    run_stage(request(workspace))
    points, tags = tracker.bills[RUN]
    figures = {point.key: point.value for point in points}
    assert figures["cost/gpu_hours"] == 3.0
    assert figures["cost/train/gpu_hours"] == 2.0
    assert figures["cost/train/queue_hours"] == 1.0
    assert figures["cost/lost_attempts"] == 1.0
    # nobody told when evaluate was submitted, and params.yaml knows no price
    assert not [key for key in figures if key.endswith(("krw", "usd")) or key == "cost/queue_hours"]
    assert {tags[f"cost.{name}"] for name in ("krw", "usd", "queue_hours", "gpu_hour_krw")} == {"unknown"}
    assert tags["cost.evidence"] == "measured"
    first = contents(workspace)
    assert "GPU 4.00 시간" in note(workspace)
    assert "KRW 미상" in note(workspace)
    assert "시도 4회 중 실패·중단 2회" in note(workspace)
    assert 'id="cost"' in first["review"].decode()
    run_stage(request(workspace, force=True))
    assert contents(workspace) == first
    assert tracker.bills[RUN] == (points, tags)


def test_a_price_makes_money_of_gpu_hours() -> None:
    spent = [Spent("train", "fastpitch", True, STAMP.isoformat(), 1, 0, 7200.0, 14400.0, 10.0, 0.0)]
    points, tags = bill(spent, CostParams(gpu_hour_krw=4200.0, gpu_hour_usd=None))
    figures = {point.key: point.value for point in points}
    assert (figures["cost/krw"], figures["cost/queue_hours"]) == (16800.0, 0.0)
    assert "cost/usd" not in figures
    assert (tags["cost.gpu_hour_krw"], tags["cost.usd"], tags["cost.krw"]) == ("4200", "unknown", "16800")


@pytest.mark.parametrize("content", ["", "{}", '{"model": ', "[1]", None])
@pytest.mark.parametrize("name", ["evaluation/fastpitch/evidence.json", "decisions/fastpitch.json"])
def test_a_broken_record_is_named_and_the_last_report_stays(
    workspace: Workspace, name: str, content: str | None
) -> None:
    run_stage(request(workspace))
    first = contents(workspace)
    path = workspace.root / name
    path.unlink() if content is None else path.write_text(content, encoding="utf-8")
    with pytest.raises(CorruptFileError) as caught:
        run_stage(request(workspace, force=True))
    assert str(path) in str(caught.value)
    assert "--force" in str(caught.value)
    assert "\n" not in str(caught.value).strip()
    assert contents(workspace) == first


def test_a_broken_list_of_rejected_rows_is_named(workspace: Workspace) -> None:
    (workspace.root / "ingest" / "rejected.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(CorruptFileError, match=r"rejected\.csv"):
        run_stage(request(workspace))


def test_rejected_rows_and_data_docs_stand_on_the_page(workspace: Workspace) -> None:
    run_stage(request(workspace))
    page = contents(workspace)["review"].decode()
    assert 'href="../validation/data_docs/index.html"' in page
    assert (workspace.reports / "../validation/data_docs/index.html").is_file()
    for fact in ("ko_0007", "ko_0009", "31.0 s", "clipped"):
        assert fact in page, fact


def test_a_verdict_on_an_earlier_evaluation_is_no_verdict(workspace: Workspace) -> None:
    run_stage(request(workspace))
    assert "게이트 판정불가" in note(workspace)
    keep_decision(workspace, decision().model_copy(update={"evidence_sha256": "5" * 64}))
    run_stage(request(workspace))
    assert "게이트 판정 없음" in note(workspace)


def test_a_champion_deleted_since_leaves_the_report_whole(
    workspace: Workspace, registry: FakeRegistry
) -> None:
    keep_decision(workspace, decision().model_copy(update={"champion_version": "1"}))
    registry.empty = True
    run_stage(request(workspace))
    assert "챔피언의 평가 기록이 없다" in contents(workspace)["review"].decode()


def test_the_champions_figures_stand_beside_the_candidates(
    workspace: Workspace, registry: FakeRegistry
) -> None:
    keep_decision(workspace, decision().model_copy(update={"champion_version": "1"}))
    run_stage(request(workspace))
    assert "There is no evidence about the champion" in contents(workspace)["review"].decode()
    registry.found = evidence(
        metric("speaker_similarity", 0.862, "1"), metric("latency_p95_ms", 250.0, "ms", evidence="simulated")
    )
    run_stage(request(workspace, force=True))
    page = contents(workspace)["review"].decode()
    table = page.split('class="evidence-of-champion"')[1].split("</table>")[0]
    assert "0.862" in table
    assert "+0.009" in table
    assert "250" not in table  # a simulated figure is no result
