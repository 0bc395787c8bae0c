"""What a small listening test asks for."""

from __future__ import annotations

from components.core.params.review import CatchParams, ListeningParams

ASKED = ListeningParams(
    sentences_per_language=3,
    abx_per_language=2,
    anchors_per_language=1,
    low_anchor_q_db=10.0,
    catch_q_db=-5.0,
    level_dbfs=-26.0,
    catch=CatchParams(trials=2, mos_max=2, failures_max=0),
    raters_min=3,
    answered_min=0.9,
)
