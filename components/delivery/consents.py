"""Whose consents delivered weights rest on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

_CARD = "model.json"


def consents_of(delivered: Path) -> Mapping[str, str]:
    """Speaker → consent id, as the card of delivered weights has them; none where it has none."""
    try:
        found = json.loads((delivered / _CARD).read_text(encoding="utf-8"))["card"]["consents"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return {str(speaker): str(consent) for speaker, consent in found.items()}
