"""The alerts of the last report, and whether they were told."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from components.core.errors import CorruptFileError
from components.core.paths import Workspace
from components.core.storage import sha256_json, write_json
from components.reporting.alerts import Alert

_ALERTS, _TOLD = "alerts.json", "alerts.told.json"


@dataclass(frozen=True)
class Pending:
    """Alerts as lines of text.

    Attributes:
        lines: one an alert, Korean and English.
        digest: of all of them.
        told: whether the very same were told before.
    """

    lines: list[str]
    digest: str
    told: bool


def pending(workspace: Workspace) -> Pending | None:
    """What the last report found; None where there is none, or where its storage is not mounted.

    Raises:
        CorruptFileError: the file holds something else.
    """
    path = workspace.reports / _ALERTS
    try:
        found = [Alert(**one) for one in json.loads(path.read_text(encoding="utf-8"))]
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        raise CorruptFileError(
            who=str(path),
            expected="the alerts of a report",
            found=f"{type(error).__name__}: {error}",
            action="run report again with --force",
        ) from error
    lines = [alert.line for alert in found]
    digest = sha256_json(lines)
    return Pending(lines, digest, digest == _last(workspace.reports / _TOLD))


def remember(workspace: Workspace, told: Pending) -> None:
    """They were told; the same are not told again."""
    write_json(workspace.reports / _TOLD, {"sha256": told.digest})


def _last(path: Path) -> str:
    try:
        return str(json.loads(path.read_text(encoding="utf-8"))["sha256"])
    except (OSError, ValueError, KeyError, TypeError):  # none, or half of one: told once more
        return ""
