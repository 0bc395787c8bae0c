"""The ledger's chain: it grows whole, and any change to the past is noticed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.core.errors import CorruptFileError
from components.promotion.ledger import Action, Entry, Ledger, State


def entry(
    action: Action,
    before: str | None,
    after: str | None,
    state: State = "done",
    attempt: str = "",
    reason: str = "because",
    model: str = "fastpitch",
    scope: str = "laptop",
) -> Entry:
    return Entry(
        attempt=attempt or f"{action} {before} {after}",
        action=action,
        state=state,
        at="2026-11-23T12:00:00+09:00",
        who="tester",
        model=model,
        scope=scope,
        from_version=before,
        to_version=after,
        decision=None,
        evidence_sha256=None,
        run_id=f"run {after}",
        git_sha="0" * 40,
        reason=reason,
    )


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger.jsonl")


def filled(ledger: Ledger) -> Ledger:
    for before, after in ((None, "1"), ("1", "2"), ("2", "3")):
        ledger.append(entry("promote", before, after))
    return ledger


@settings(max_examples=10, deadline=None)
@given(
    reasons=st.lists(st.text(min_size=1).filter(lambda text: text.isprintable() or "\n" in text), max_size=4)
)
def test_rows_come_back_as_they_were_written(
    tmp_path_factory: pytest.TempPathFactory, reasons: list[str]
) -> None:
    ledger = Ledger(tmp_path_factory.mktemp("ledger") / "ledger.jsonl")
    for reason in (*reasons, "줄 구분자 \u2028 안에", "two\nlines"):
        ledger.append(entry("refuse", None, "1", reason=reason))
    assert [row.reason for row in ledger.rows()] == [*reasons, "줄 구분자 \u2028 안에", "two\nlines"]


@pytest.mark.parametrize("number", [0, 1, 2])
@pytest.mark.parametrize("field", ["reason", "to_version", "who", "previous_sha256", "sha256"])
def test_a_changed_row_is_noticed(ledger: Ledger, number: int, field: str) -> None:
    lines = filled(ledger).path.read_text("utf-8").splitlines()
    row = json.loads(lines[number])
    lines[number] = json.dumps({**row, field: "0" * 63 + "1"})
    ledger.path.write_text("\n".join(lines) + "\n", "utf-8")
    with pytest.raises(CorruptFileError, match=rf"row [{number + 1}{number + 2}]"):
        ledger.rows()


@pytest.mark.parametrize("number", [0, 1])
def test_a_removed_or_repeated_row_is_noticed(ledger: Ledger, number: int) -> None:
    lines = filled(ledger).path.read_text("utf-8").splitlines()
    for changed in (lines[:number] + lines[number + 1 :], [*lines[: number + 1], *lines[number:]]):
        ledger.path.write_text("\n".join(changed) + "\n", "utf-8")
        with pytest.raises(CorruptFileError):
            ledger.rows()


def test_a_broken_ledger_is_not_written_to(ledger: Ledger) -> None:
    filled(ledger).path.write_bytes(ledger.path.read_bytes()[:-40])
    before = ledger.path.read_bytes()
    with pytest.raises(CorruptFileError, match="row 3"):
        ledger.append(entry("promote", "3", "4"))
    assert ledger.path.read_bytes() == before


def test_history_follows_promotions_and_rollbacks_of_one_model_and_scope(ledger: Ledger) -> None:
    filled(ledger)
    ledger.append(entry("promote", None, "9", scope="a100"))
    ledger.append(entry("promote", None, "8", model="rvc"))
    ledger.append(entry("refuse", "3", "4"))
    history = ledger.history("fastpitch", "laptop")
    assert (history.champion, history.previous, history.champion_run_id) == ("3", "2", "run 3")
    ledger.append(entry("rollback", "3", "2"))
    history = ledger.history("fastpitch", "laptop")
    assert (history.champion, history.previous) == ("2", "1")
    ledger.append(entry("promote", "2", "5"))
    history = ledger.history("fastpitch", "laptop")
    assert (history.champion, history.previous) == ("5", "2")
    assert history.rolled_back("3") is not None
    assert history.rolled_back("2") is None


def test_an_intent_is_open_until_its_attempt_ends_and_moves_nothing(ledger: Ledger) -> None:
    filled(ledger)
    ledger.append(entry("promote", "3", "4", state="intent", attempt="x"))
    history = ledger.history("fastpitch", "laptop")
    assert history.open_intent is not None
    assert history.champion == "3"
    ledger.append(entry("promote", "3", "4", state="abandoned", attempt="x"))
    history = ledger.history("fastpitch", "laptop")
    assert history.open_intent is None
    assert history.champion == "3"


def test_no_ledger_is_an_empty_one(ledger: Ledger) -> None:
    history = ledger.history("fastpitch", "laptop")
    assert (history.champion, history.previous, history.open_intent) == (None, None, None)
