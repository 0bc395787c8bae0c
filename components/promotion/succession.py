"""The line of champions of one model in one scope: two aliases in the registry and their rows in the ledger.

Alias and ledger are two stores, so a crash can fall between them. An intent row goes first; after a crash
`reconcile` compares it with the alias and writes the row that is missing.
"""

from __future__ import annotations

import datetime
import getpass
import os
import uuid
from dataclasses import dataclass

from components.core.errors import PromotionConflictError
from components.core.metrics import Verdict
from components.core.ports import ModelRegistry, ModelVersion
from components.promotion.ledger import Action, Entry, History, Ledger, Row, State


def champion_alias(scope: str) -> str:
    """``champion_laptop`` is never ``champion_a100``."""
    return f"champion_{scope}"


def previous_alias(scope: str) -> str:
    """The alias of the version that a rollback brings back."""
    return f"previous_champion_{scope}"


@dataclass(frozen=True)
class Author:
    """Who acts, with which code, and when."""

    who: str
    git_sha: str
    now: datetime.datetime

    @classmethod
    def here(cls, git_sha: str) -> Author:
        """The user of this process, now."""
        try:
            who = getpass.getuser()
        except (KeyError, OSError):  # a container's user often has no name
            who = f"uid {os.getuid()}"
        return cls(who=who, git_sha=git_sha, now=datetime.datetime.now(datetime.UTC).astimezone())


@dataclass(frozen=True)
class Move:
    """A wish to change the champion, and what it rests on."""

    action: Action
    target: ModelVersion
    reason: str
    decision: Verdict | None
    evidence_sha256: str | None


@dataclass(frozen=True)
class Succession:
    """Changes the champion. Every method that writes needs the promotion lease."""

    registry: ModelRegistry
    ledger: Ledger
    model: str
    scope: str
    author: Author

    def champion(self) -> ModelVersion | None:
        """The version that serves, read afresh from the registry."""
        return self.registry.by_alias(self.model, champion_alias(self.scope))

    def history(self) -> History:
        """What the ledger knows."""
        return self.ledger.history(self.model, self.scope)

    def install(self, move: Move, previous: str | None) -> Row:
        """Make ``move.target`` champion: intent, aliases, the alias read again, end.

        Args:
            move: the change.
            previous: the version a rollback shall bring back from now on.

        Raises:
            PromotionConflictError: the alias read back is another one: someone writes without the lease.
        """
        before = self.champion()
        intent = self._entry(move, before.version if before else None, "intent", uuid.uuid4().hex)
        self.ledger.append(intent)
        self.registry.set_alias(self.model, champion_alias(self.scope), move.target.version)
        self._point_previous_to(previous)
        now = self.champion()
        if now is None or now.version != move.target.version:
            raise PromotionConflictError(
                who=f"alias {champion_alias(self.scope)} of {self.model}",
                expected=f"v{move.target.version}, just written",
                found=f"v{now.version}" if now else "none",
                action="find who sets aliases without the promotion lease, then run again",
            )
        return self.ledger.append(intent.model_copy(update={"state": "done"}))

    def note(self, move: Move) -> Row:
        """Write down a refusal or an approval; the aliases stay."""
        champion = self.champion()
        return self.ledger.append(
            self._entry(move, champion.version if champion else None, "done", uuid.uuid4().hex)
        )

    def reconcile(self) -> None:
        """Bring ledger and registry together after a crash, or after a hand on the aliases.

        The registry says which version serves, so it is believed; the ledger records what happened.
        """
        intent = self.history().open_intent
        champion = self.champion()
        version = champion.version if champion else None
        if intent:
            self.ledger.append(self._end_of(intent, version))
        history = self.history()
        if version == history.champion and self._previous() != history.previous:
            # Not after an intent alone: the process that repaired may have died between its two writes.
            self._point_previous_to(history.previous)
        if version != history.champion:
            self.ledger.append(self._outside_change(history.champion, champion))

    def _end_of(self, intent: Row, version: str | None) -> Entry:
        written = version == intent.to_version
        state: State = "recovered" if written else "abandoned"
        found = "the alias had been written" if written else "the alias had not been written, nothing changed"
        entry = Entry.model_validate(intent.model_dump(exclude={"previous_sha256", "sha256"}))
        return entry.model_copy(
            update={
                "state": state,
                "at": self._time(),
                "who": self.author.who,
                "git_sha": self.author.git_sha,
                "reason": f"{intent.reason} (interrupted on {intent.at}; {found})",
            }
        )

    def _outside_change(self, before: str | None, now: ModelVersion | None) -> Entry:
        return Entry(
            attempt=uuid.uuid4().hex,
            action="reconcile",
            state="done",
            at=self._time(),
            who=self.author.who,
            model=self.model,
            scope=self.scope,
            from_version=before,
            to_version=now.version if now else None,
            decision=None,
            evidence_sha256=None,
            run_id=now.run_id if now else None,
            git_sha=self.author.git_sha,
            reason="the alias was changed outside this ledger; taken over as found, no gate was asked",
        )

    def _entry(self, move: Move, before: str | None, state: State, attempt: str) -> Entry:
        return Entry(
            attempt=attempt,
            action=move.action,
            state=state,
            at=self._time(),
            who=self.author.who,
            model=self.model,
            scope=self.scope,
            from_version=before,
            to_version=move.target.version,
            decision=move.decision,
            evidence_sha256=move.evidence_sha256,
            run_id=move.target.run_id,
            git_sha=self.author.git_sha,
            reason=move.reason,
        )

    def _previous(self) -> str | None:
        found = self.registry.by_alias(self.model, previous_alias(self.scope))
        return found.version if found else None

    def _point_previous_to(self, version: str | None) -> None:
        alias = previous_alias(self.scope)
        if version is None:
            self.registry.delete_alias(self.model, alias)
        else:
            self.registry.set_alias(self.model, alias, version)

    def _time(self) -> str:
        return self.author.now.isoformat(timespec="seconds")
