"""The ledger: who promoted what, when, on which evidence. It only grows, and each row seals the one before.

A row is one JSON line. Its ``sha256`` covers all its other fields, among them the ``sha256`` of the row
before, so a changed, removed or inserted row breaks the chain. Rows cut off the end leave a whole chain:
`reconcile` notices that, because the registry's alias then disagrees with the ledger.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from components.core.errors import CorruptFileError
from components.core.metrics import Verdict
from components.core.storage import sha256_json, write_text

Action = Literal["promote", "rollback", "refuse", "reconcile", "approve"]
#: These leave the alias where it is.
_NO_MOVE = frozenset({"refuse", "approve"})
#: ``intent`` stands before an alias is written; exactly one of the others ends the attempt.
#: ``recovered``: the alias had been written before a crash. ``abandoned``: it had not, nothing changed.
State = Literal["intent", "done", "recovered", "abandoned"]
GENESIS = "0" * 64


class Entry(BaseModel):
    """What an attempt says of itself; the ledger adds its place in the chain."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    attempt: str = Field(min_length=1, description="shared by the rows of one attempt")
    action: Action
    state: State
    at: str = Field(description="ISO 8601 with offset")
    who: str = Field(min_length=1)
    model: str
    scope: str
    from_version: str | None = Field(description="champion before; None where there was none")
    to_version: str | None = Field(
        description="version meant to be champion (of a refusal or an approval: the one it is about)"
    )
    decision: Verdict | None = Field(
        description="of the gate; None where no gate was asked, as in a rollback"
    )
    evidence_sha256: str | None
    run_id: str | None = Field(description="MLflow run of to_version")
    git_sha: str
    reason: str = Field(min_length=1)


class Row(Entry):
    """An entry in its place."""

    previous_sha256: str
    sha256: str


@dataclass(frozen=True)
class Ledger:
    """The rows of one workspace. Appending needs the promotion lease: there is one writer at a time."""

    path: Path

    def rows(self) -> tuple[Row, ...]:
        """Every row, oldest first; none where there is no ledger yet.

        Raises:
            CorruptFileError: a row that cannot be read, or a chain that does not hold.
        """
        if not self.path.exists():
            return ()
        try:
            text = self.path.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise self._broken(0, "UTF-8 text", str(error)) from error
        rows: list[Row] = []
        # Not splitlines(): a reason may hold U+2028, which JSON leaves as it is.
        for number, line in enumerate(text.removesuffix("\n").split("\n"), start=1):
            rows.append(self._row(number, line, rows[-1].sha256 if rows else GENESIS))
        return tuple(rows)

    def append(self, entry: Entry) -> Row:
        """Add a row. The file is written anew and renamed, so a crash leaves no half row."""
        rows = self.rows()
        row = _sealed(entry, rows[-1].sha256 if rows else GENESIS)
        write_text(self.path, "".join(f"{each.model_dump_json()}\n" for each in (*rows, row)))
        return row

    def history(self, model: str, scope: str) -> History:
        """What the ledger knows of one model in one scope."""
        return History(tuple(row for row in self.rows() if (row.model, row.scope) == (model, scope)))

    def _row(self, number: int, line: str, previous: str) -> Row:
        try:
            row = Row.model_validate_json(line)
        except ValidationError as error:
            problem = error.errors()[0]
            found = f"{'.'.join(map(str, problem['loc'])) or 'line'}: {problem['msg']}"
            raise self._broken(number, "a whole row", found) from error
        if row.previous_sha256 != previous:
            raise self._broken(
                number, f"to follow the row with sha256 {previous[:12]}", row.previous_sha256[:12]
            )
        if row.sha256 != _seal(row):
            raise self._broken(
                number, f"the contents sealed by {row.sha256[:12]}", f"contents of {_seal(row)[:12]}"
            )
        return row

    def _broken(self, number: int, expected: str, found: str) -> CorruptFileError:
        return CorruptFileError(
            who=f"{self.path}, row {number}",
            expected=expected,
            found=found,
            action="restore the ledger from a backup; until its chain holds nothing is promoted",
        )


@dataclass(frozen=True)
class History:
    """The rows of one model and scope, and what follows from them."""

    rows: Sequence[Row]

    @property
    def champion(self) -> str | None:
        """The version that the ledger holds for champion."""
        moves = self._moves()
        return moves[-1].to_version if moves else None

    @property
    def previous(self) -> str | None:
        """The version that a rollback would bring back."""
        return self.before(self.champion)

    @property
    def champion_run_id(self) -> str | None:
        """The MLflow run of the champion."""
        moves = self._moves()
        return moves[-1].run_id if moves else None

    def before(self, version: str | None) -> str | None:
        """The champion that ``version`` replaced when it last became one other than by a rollback."""
        came = [row for row in self._moves() if row.to_version == version and row.action != "rollback"]
        return came[-1].from_version if came and version is not None else None

    def rolled_back(self, version: str) -> Row | None:
        """The rollback that took ``version`` out of service, if there was one."""
        rows = [row for row in self._moves() if row.action == "rollback" and row.from_version == version]
        return rows[-1] if rows else None

    def approval(self, version: str, evidence_sha256: str) -> Row | None:
        """A person's approval of ``version`` on this very evidence, the latest."""
        asked = (version, evidence_sha256)
        rows = [row for row in self.rows if row.action == "approve"]
        given = [row for row in rows if (row.to_version, row.evidence_sha256) == asked]
        return given[-1] if given else None

    @property
    def open_intent(self) -> Row | None:
        """An attempt that wrote its intent and never its end: the process died in between."""
        ended = {row.attempt for row in self.rows if row.state != "intent"}
        pending = [row for row in self.rows if row.state == "intent" and row.attempt not in ended]
        return pending[-1] if pending else None

    def _moves(self) -> list[Row]:
        return [row for row in self.rows if row.action not in _NO_MOVE and row.state in {"done", "recovered"}]


def _sealed(entry: Entry, previous: str) -> Row:
    values = entry.model_dump()
    return Row(
        **values, previous_sha256=previous, sha256=sha256_json({**values, "previous_sha256": previous})
    )


def _seal(row: Row) -> str:
    return sha256_json(row.model_dump(exclude={"sha256"}))
