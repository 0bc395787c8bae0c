"""An attempt at a stage, as whoever launched it knows it: its key, and how it ended.

The launcher names the attempt in the environment; the stage's process writes the key into the stage's record
and tells its end in a small file (in a pod the termination message, which outlives the container in the pod's
status). Both are optional: a person at a terminal sets neither.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from components.core.errors import IrisError
from components.core.storage import sha256_json

#: Names the attempt; pods that share a key are one attempt, and only one of them does the work.
ATTEMPT_VARIABLE = "IRIS_ATTEMPT_KEY"
#: Where the stage's process tells its end.
ENDING_VARIABLE = "IRIS_ENDING_FILE"
#: Short enough for a label (63 characters), long enough never to meet twice.
_KEY_LENGTH = 32
#: Kubernetes keeps 4096 bytes of a termination message; a Hangul letter takes three.
_LONGEST_TEXT = 900


@dataclass(frozen=True)
class Ending:
    """How a process ended that ran a stage.

    Attributes:
        attempt: key of the attempt.
        state: of the record (``done``, ``skipped``, ``refused``), or ``failed``.
        verdict: of a gate or a promotion, else "".
        error: class of the error, "" without one.
        message: the error's first line and its Korean hint.
    """

    attempt: str
    state: str
    verdict: str = ""
    error: str = ""
    message: str = ""


def attempt_key(parts: Mapping[str, object]) -> str:
    """32 hexadecimal digits that stand for everything in ``parts`` (JSON values)."""
    return sha256_json(dict(parts))[:_KEY_LENGTH]


def current_attempt() -> str:
    """The key that the launcher gave this process, "" for none."""
    return os.environ.get(ATTEMPT_VARIABLE, "")


def failed(error: IrisError) -> Ending:
    """The ending of a process that stops with an error of ours."""
    text = f"{error} ({error.hint_ko})"
    return Ending(
        current_attempt(),
        "failed",
        error=type(error).__name__,
        message=" ".join(text.split())[:_LONGEST_TEXT],
    )


def tell(ending: Ending) -> None:
    """Write ``ending`` where the launcher asked for it; that it cannot be told is no fault of the stage."""
    named = os.environ.get(ENDING_VARIABLE)
    if not named:
        return
    try:
        # not atomically: the file is a mount of the kubelet's, and a rename cannot replace that
        Path(named).write_text(json.dumps(asdict(ending), ensure_ascii=False), encoding="utf-8")
    except OSError:
        return


def ending_of(text: str | None) -> Ending | None:
    """The ending in a termination message, None where it is something else (a log's tail, say)."""
    try:
        values = json.loads(text or "")
        return Ending(**{one.name: str(values[one.name]) for one in fields(Ending)})
    except (ValueError, KeyError, TypeError):
        return None
