"""Do the people whose voices a version speaks in still agree? Asked of today's register, not of its run's.

A version outlives the data that it was made from: a consent that held in training may have been withdrawn
before the version is promoted, or before a rollback brings it back.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.core.errors import CorruptFileError
from components.core.ports import ModelRegistry, ModelVersion
from components.data.consent import ConsentRecord

#: Beside the weights; components.nn.delivered writes it, and would bring torch along to read it.
_CARD = "model.json"


@dataclass(frozen=True)
class ConsentCheck:
    """Objections to serving a version.

    Attributes:
        registry: gives the version's files, checked against their recorded hash.
        register: consent id → record, as it stands now.
        day: on which it must hold.
        speaking: models that speak in somebody's voice, whose card must therefore name consents.
    """

    registry: ModelRegistry
    register: Mapping[str, ConsentRecord]
    day: datetime.date
    speaking: frozenset[str]

    def __call__(self, version: ModelVersion) -> Sequence[str]:
        """Why ``version`` may not serve, a line for each voice; empty when it may.

        Raises:
            CorruptFileError: its files are not the ones that were registered, or its card is none.
        """
        named = _named(self.registry.weights(version) / _CARD)
        if named is None:
            return ["its card names no consents"] if version.model in self.speaking else []
        return [line for speaker, one in sorted(named.items()) if (line := self._objection(speaker, one))]

    def _objection(self, speaker: str, consent_id: str) -> str:
        record = self.register.get(consent_id)
        if record is None:
            return f"voice {speaker}: no consent {consent_id} in the register"
        why = record.objection(speaker, self.day)
        return f"voice {speaker}: {why}" if why else ""


def _named(path: Path) -> dict[str, str] | None:
    try:
        card: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["card"]
        return dict(card["consents"]) if "consents" in card else None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CorruptFileError(
            who=str(path),
            expected="the card of a delivered model",
            found=type(error).__name__,
            action="register the version again; nothing was changed",
        ) from error
