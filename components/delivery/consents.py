"""Whether the people behind delivered weights still allow their use: asked before an alias moves."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from pathlib import Path

from components.data.consent import register

_CARD = "model.json"


def ended(delivered: Path, data: Path, day: datetime.date) -> list[str]:
    """Consents in the card of delivered weights that the register knows to have ended.

    One that no register here holds is no objection: weights may come from a corpus that is not on this
    machine, and a published licence does not end.

    Raises:
        DataError: a register that cannot be read.
    """
    known = register(data)
    return [
        f"{speaker}: {why}"
        for speaker, consent in sorted(consents_of(delivered).items())
        if consent in known and (why := known[consent].objection(speaker, day))
    ]


def consents_of(delivered: Path) -> Mapping[str, str]:
    """Speaker → consent id, as the card of delivered weights has them; none where it has none."""
    try:
        found = json.loads((delivered / _CARD).read_text(encoding="utf-8"))["card"]["consents"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return {str(speaker): str(consent) for speaker, consent in found.items()}
