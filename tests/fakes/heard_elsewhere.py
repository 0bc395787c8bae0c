"""For tests whose weights are no weights: the exported model is taken to say what was evaluated."""

from __future__ import annotations

import pytest

from components.core.metrics import Verdict
from components.promotion.reasons import without_figures
from components.stages import deliverable


def heard_elsewhere(
    monkeypatch: pytest.MonkeyPatch, verdict: Verdict = "PASS", said: str = "says it as evaluated"
) -> None:
    """Every check of an exported model ends with that verdict; tests/delivery has the real one."""
    reason = without_figures("delivery", verdict, said)
    monkeypatch.setattr(deliverable, "_works_elsewhere", lambda *_: reason)
