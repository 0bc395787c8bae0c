"""The command line itself: what it lists, what it refuses, and the exit code of a strict gate."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from components import cli
from components.core.errors import EXIT_GATE_REFUSED, EXIT_OK
from components.core.stage_command import plain_words
from components.core.stage_graph import APART, REVIEWS, STAGES

TOOLS = (
    "graph",
    "kpi",
    "listening-test",
    "restore-data",
    "rollback",
    "approve",
    "search",
    "export-params",
    "dry-run",
    "doctor",
    "convert",
    "add-speaker",
    "export-model",
    "lineage",
    "withdraw",
    "verify-media",
)
USAGE = 2


def invoke(arguments: Sequence[str], monkeypatch: pytest.MonkeyPatch) -> int:
    """The exit code of ``python -m components`` with ``arguments``."""
    monkeypatch.setattr(sys, "argv", ["components", *arguments])
    monkeypatch.setenv("COLUMNS", "160")
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code is None or isinstance(ended.value.code, int)
    return ended.value.code or EXIT_OK


def test_help_lists_every_stage_and_tool(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(["--help"], monkeypatch) == EXIT_OK
    listed = {words[1] for line in capsys.readouterr().out.splitlines() if len(words := line.split()) > 1}
    assert {stage.name for stage in (*STAGES, *REVIEWS, *APART)} | set(TOOLS) <= listed


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["ingest", "--sauce", "x"], "--sauce"),
        (["bake"], "bake"),
        (["kpi", "--limit", "many"], "--limit"),
        (["rollback", "--model", "fastpitch"], "--reason"),
        (["train", "fastpitch"], "fastpitch"),
        (["add-speaker", "--name", "a", "--audio", "a.wav", "--signed", "2026-01-15"], "--consent"),
        (["convert", "--input", "a", "--speaker", "a", "--out", "a", "--transpose", "high"], "--transpose"),
        (["validate", "--model", "fastpitch"], "--model"),
    ],
)
def test_a_usage_error_is_told_without_a_traceback(
    arguments: list[str],
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert invoke(arguments, monkeypatch) == USAGE
    said = capsys.readouterr()
    assert told in said.err
    assert "Traceback" not in said.err + said.out


@pytest.mark.parametrize(
    ("options", "verdict", "expected"),
    [
        (["--strict"], "INCONCLUSIVE", EXIT_GATE_REFUSED),
        (["--strict"], "FAIL", EXIT_GATE_REFUSED),
        (["--strict"], "PASS", EXIT_OK),
        ([], "FAIL", EXIT_OK),
    ],
)
def test_only_a_strict_gate_makes_a_verdict_an_error(
    options: list[str],
    verdict: str,
    expected: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def gate(stage: str, *_: Any, **__: Any) -> dict[str, Any]:
        assert stage == "gate"
        return {"verdict": verdict, "reasons": ["pronunciation_accuracy: not measured"]}

    monkeypatch.setattr(cli.stages, "_run", gate)
    assert invoke(["gate", "--model", "fastpitch", *options], monkeypatch) == expected
    said = capsys.readouterr().err
    if expected == EXIT_OK:
        assert said == ""
    else:
        first, _hint, *reasons = said.splitlines()
        assert first.startswith(f"gate of fastpitch: expected verdict PASS, found {verdict}. To do: ")
        assert reasons == ["  - pronunciation_accuracy: not measured"]


def test_words_that_an_orchestrator_fills_in_become_plain_ones() -> None:
    given = ["train", "--model", "fastpitch", "--profile=", "--force=false"]
    assert plain_words(given) == ["train", "--model", "fastpitch"]
    assert plain_words(["train", "--profile=ci", "--force=true"]) == ["train", "--profile=ci", "--force"]


def test_a_verdict_goes_into_the_file_that_was_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(cli.stages, "_run", lambda *_, **__: {"verdict": "INCONCLUSIVE", "reasons": []})
    told = tmp_path / "verdict"
    arguments = ["gate", "--model", "fastpitch", "--profile=", "--force=true", f"--verdict-file={told}"]
    assert invoke(arguments, monkeypatch) == EXIT_OK
    assert told.read_text(encoding="utf-8") == "INCONCLUSIVE"
