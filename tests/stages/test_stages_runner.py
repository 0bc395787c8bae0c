"""The runner: skip only what is really unchanged, record only what is really there."""

from __future__ import annotations

import json
import sys
import types
from collections.abc import Callable
from pathlib import Path

import pytest

from components.core import file_lock
from components.core.errors import (
    BadInputError,
    ConfigError,
    CorruptFileError,
    DataError,
    MissingOutputError,
    NothingToCollectError,
    StorageError,
)
from components.core.paths import NODE_CACHE_VARIABLE, Workspace, project_root
from components.stages import journal, runner
from components.stages.contract import Outcome, StageContext
from components.stages.records import read_record, record_path

Run = Callable[[StageContext], Outcome]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.embedded(tmp_path / "작업 공간")


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Run], list[str]]:
    """Puts a small stage in the place of a real one; returns the list of its calls."""
    monkeypatch.setattr(runner, "code_sha", lambda rooms, stage: "code")

    def put(name: str, run: Run) -> list[str]:
        calls: list[str] = []

        def counted(context: StageContext) -> Outcome:
            calls.append(context.stage)
            return run(context)

        module = types.ModuleType(f"components.stages.{name}")
        module.run = counted  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, module.__name__, module)
        return calls

    return put


def _writes(text: str) -> Run:
    def run(context: StageContext) -> Outcome:
        path = context.workspace.root / f"{context.stage}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return Outcome({"file": path}, {"md5": "0" * 32})

    return run


def _request(workspace: Workspace, stage: str, **changes: object) -> runner.Request:
    values = {"model": None, "profile": "ci", "workspace": workspace, "project": project_root()} | changes
    return runner.Request(stage=stage, **values)  # type: ignore[arg-type]


def test_an_unchanged_stage_is_skipped_and_says_so(
    workspace: Workspace, install: Callable[..., list[str]]
) -> None:
    calls = install("ingest", _writes("a"))
    assert runner.run_stage(_request(workspace, "ingest")).state == "done"
    assert runner.run_stage(_request(workspace, "ingest")).state == "skipped"
    assert calls == ["ingest"]
    assert runner.run_stage(_request(workspace, "ingest", force=True)).state == "done"
    assert len(calls) == 2


@pytest.mark.parametrize("damage", ["changed", "gone"])
def test_a_stage_runs_again_when_its_output_is_not_what_it_left(
    workspace: Workspace, install: Callable[..., list[str]], damage: str
) -> None:
    calls = install("ingest", _writes("a"))
    runner.run_stage(_request(workspace, "ingest"))
    output = workspace.root / "ingest.txt"
    output.write_text("tampered", encoding="utf-8") if damage == "changed" else output.unlink()
    assert runner.run_stage(_request(workspace, "ingest")).state == "done"
    assert len(calls) == 2


def test_a_stage_runs_again_when_its_input_parameters_or_code_changed(
    workspace: Workspace, install: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    install("ingest", _writes("a"))
    calls = install("version", _writes("v"))
    runner.run_stage(_request(workspace, "ingest"))
    runner.run_stage(_request(workspace, "version"))
    install("ingest", _writes("b"))
    runner.run_stage(_request(workspace, "ingest", force=True))
    assert runner.run_stage(_request(workspace, "version")).state == "done"
    # laptop generates another corpus than ci: `data` is a section that `version` reads
    assert runner.run_stage(_request(workspace, "version", profile="laptop")).state == "done"
    monkeypatch.setattr(runner, "code_sha", lambda rooms, stage: "other code")
    assert runner.run_stage(_request(workspace, "version", profile="laptop")).state == "done"
    assert len(calls) == 4


@pytest.mark.parametrize("content", [None, ""])
def test_success_without_output_is_an_error(
    workspace: Workspace, install: Callable[..., list[str]], content: str | None
) -> None:
    def claims(context: StageContext) -> Outcome:
        path = context.workspace.root / "claimed.txt"
        if content is not None:
            path.write_text(content, encoding="utf-8")
        return Outcome({"claimed": path}, {})

    install("ingest", claims)
    with pytest.raises(MissingOutputError, match="claimed"):
        runner.run_stage(_request(workspace, "ingest"))
    assert read_record(workspace, "ingest", None) is None


def test_a_failure_is_journalled_and_the_previous_record_stays(
    workspace: Workspace, install: Callable[..., list[str]]
) -> None:
    install("ingest", _writes("a"))
    before = runner.run_stage(_request(workspace, "ingest"))

    def fails(context: StageContext) -> Outcome:
        raise DataError(who="ko_0007", expected="audio", found="nothing", action="record it again")

    install("ingest", fails)
    with pytest.raises(DataError):
        runner.run_stage(_request(workspace, "ingest", force=True))
    assert read_record(workspace, "ingest", None) == before
    attempts = journal.attempts(workspace, "2020-01-01T00:00:00+00:00")
    assert [attempt.state for attempt in attempts] == ["done", "failed"]
    assert "ko_0007" in attempts[-1].message


def test_a_workspace_that_cannot_be_written_is_told_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder", encoding="utf-8")
    with pytest.raises(StorageError, match="free space or mend the permissions"):
        runner.run_stage(_request(Workspace.embedded(tmp_path / "file"), "ingest"))


def test_a_torn_journal_line_is_left_out(workspace: Workspace, install: Callable[..., list[str]]) -> None:
    install("ingest", _writes("a"))
    runner.run_stage(_request(workspace, "ingest"))
    with (workspace.root / "journal.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"stage": "ing')
    assert len(journal.attempts(workspace, "2020-01-01T00:00:00+00:00")) == 1


def test_a_stage_without_its_inputs_says_which(workspace: Workspace) -> None:
    with pytest.raises(ConfigError, match="stage ingest to have run"):
        runner.run_stage(_request(workspace, "version"))


@pytest.mark.parametrize(
    ("stage", "model", "told"),
    [
        ("train", None, "--model"),
        ("ingest", "fastpitch", "runs once for all"),
        ("train", "gpt", "no such model"),
        ("bake", None, "no such stage"),
    ],
)
def test_a_wrong_request_is_told_before_anything_happens(
    workspace: Workspace, stage: str, model: str | None, told: str
) -> None:
    with pytest.raises(BadInputError, match=told):
        runner.run_stage(_request(workspace, stage, model=model))
    assert not workspace.records.exists()


def test_a_stage_that_reads_an_undeclared_section_fails(
    workspace: Workspace, install: Callable[..., list[str]]
) -> None:
    def reads_kpi(context: StageContext) -> Outcome:
        return Outcome({}, {"target": context.params.kpi.latency.target_ms})

    install("ingest", reads_kpi)
    with pytest.raises(AttributeError, match="kpi"):
        runner.run_stage(_request(workspace, "ingest"))


def test_promotion_without_a_pass_is_refused(workspace: Workspace, install: Callable[..., list[str]]) -> None:
    for name in ("ingest", "version", "validate"):
        install(name, _writes(name))
        runner.run_stage(_request(workspace, name))
    for name in ("features", "adopt", "train", "evaluate"):
        install(name, _writes(name))
        runner.run_stage(_request(workspace, name, model="fastpitch"))

    def gate(context: StageContext) -> Outcome:
        return Outcome(_writes("gate")(context).outputs, {"verdict": "INCONCLUSIVE"})

    install("gate", gate)
    promotions = install("promote", _writes("promoted"))
    runner.run_stage(_request(workspace, "gate", model="fastpitch"))
    record = runner.run_stage(_request(workspace, "promote", model="fastpitch"))
    assert (record.state, promotions) == ("refused", [])


def test_a_pod_reads_the_version_of_its_run_from_the_node_and_holds_it(
    workspace: Workspace, install: Callable[..., list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever lies in data/ by then: another run may have changed it."""
    data, cache = workspace.data / "own", tmp_path / "node"
    data.mkdir(parents=True)
    (data / "a.wav").write_text("as versioned", encoding="utf-8")
    install("ingest", _writes("ingest"))
    seen: dict[str, object] = {}

    def reads(context: StageContext) -> Outcome:
        folder = context.workspace.data
        lock = cache / "locks" / f"{folder.name}.lock"
        seen["content"] = (folder / "own" / "a.wav").read_text(encoding="utf-8")
        seen["md5"], seen["folder"] = folder.name, folder
        if lock.is_file():
            with file_lock.alone_or_not(lock) as free:
                seen["held"] = not free
        return _writes("read")(context)

    calls = install("validate", reads)
    for name in ("ingest", "version"):
        runner.run_stage(_request(workspace, name))
    version = read_record(workspace, "version", None)
    assert version
    (data / "a.wav").unlink()
    (data / "a.wav").write_text("changed since", encoding="utf-8")

    runner.run_stage(_request(workspace, "validate"))
    assert (seen["content"], seen["folder"]) == ("changed since", workspace.data)
    monkeypatch.setenv(NODE_CACHE_VARIABLE, str(cache))
    record = runner.run_stage(_request(workspace, "validate", force=True))
    assert (seen["content"], seen["md5"], seen["held"]) == ("as versioned", version.summary["md5"], True)
    assert record.data_md5 == version.summary["md5"]
    assert runner.run_stage(_request(workspace, "validate")).state == "skipped"
    assert len(calls) == 2
    with file_lock.alone_or_not(cache / "locks" / f"{seen['md5']}.lock") as free:
        assert free


def test_a_damaged_record_is_named(workspace: Workspace) -> None:
    path = record_path(workspace, "ingest", None)
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"stage": "ingest"}), encoding="utf-8")
    with pytest.raises(CorruptFileError, match=r"ingest\.json"):
        read_record(workspace, "ingest", None)


def test_the_record_tells_whose_attempt_found_the_work_done(
    workspace: Workspace, install: Callable[..., list[str]]
) -> None:
    calls = install("ingest", _writes("a"))
    for attempt in ("first", "second"):
        told = runner.run_stage(_request(workspace, "ingest", attempt=attempt))
        kept = read_record(workspace, "ingest", None)
        assert kept is not None
        assert (told.attempt, kept.attempt, kept.state) == (attempt, attempt, "done")
    assert runner.run_stage(_request(workspace, "ingest")).attempt == "second"
    assert calls == ["ingest"]


def test_a_duplicate_of_a_forced_attempt_does_not_work_again(
    workspace: Workspace, install: Callable[..., list[str]]
) -> None:
    calls = install("ingest", _writes("a"))
    for attempt in ("first", "first", "second"):
        runner.run_stage(_request(workspace, "ingest", attempt=attempt, force=True))
    assert len(calls) == 2


def test_a_record_from_before_attempts_is_still_read(
    workspace: Workspace, install: Callable[..., list[str]]
) -> None:
    install("ingest", _writes("a"))
    runner.run_stage(_request(workspace, "ingest"))
    path = record_path(workspace, "ingest", None)
    values = json.loads(path.read_text())
    del values["attempt"]
    path.write_text(json.dumps(values))
    assert runner.run_stage(_request(workspace, "ingest")).state == "skipped"


def test_a_report_without_validated_data_says_so_in_its_error(workspace: Workspace) -> None:
    with pytest.raises(NothingToCollectError):
        runner.run_stage(_request(workspace, "report"))
    with pytest.raises(ConfigError) as raised:
        runner.run_stage(_request(workspace, "validate"))
    assert not isinstance(raised.value, NothingToCollectError)


def test_a_process_of_its_own_leaves_a_heartbeat(
    workspace: Workspace, install: Callable[..., list[str]]
) -> None:
    install("ingest", _writes("a"))
    runner.run_stage(_request(workspace, "ingest", attempt="first", alone=True))
    told = json.loads((workspace.heartbeats / "ingest.json").read_text())
    assert (told["stage"], told["attempt"]) == ("ingest", "first")
    assert "done" in told["phase"]
