"""Which recogniser judges: the one that ``evaluation.recogniser`` names, or none and the reason why."""

from __future__ import annotations

from pathlib import Path

from components.core.errors import BadInputError
from components.core.params.kpi import EvaluatorParams
from components.evaluation.phoneme_proxy import PROXY_ID, PhonemeProxy
from components.evaluation.pronunciation import Recogniser
from components.evaluation.whisper import WhisperRecogniser, is_whisper

#: Below the folder of shipped weights.
_PROXY_FOLDER = "recogniser"


def recogniser_for(params: EvaluatorParams, pretrained: Path) -> tuple[Recogniser | None, str]:
    """The configured recogniser, or None and the reason why there is none.

    A recogniser that is configured but cannot be loaded leaves the KPI not measured, with the reason in the
    evidence; the gate refuses on that. The other KPIs are measured all the same.

    Args:
        params: ``evaluation.recogniser``.
        pretrained: folder of shipped weights.
    """
    if params.id == "none":
        return None, "no recogniser configured (evaluation.recogniser.id is none)"
    try:
        if params.id == PROXY_ID:
            return PhonemeProxy(params, pretrained / _PROXY_FOLDER), ""
        if is_whisper(params.id):
            return WhisperRecogniser.load(params), ""
    except BadInputError as error:
        return None, f"the recogniser {params.id} cannot be used: {error}"
    return None, f"the recogniser {params.id!r} has no adapter in this version (evaluation.recogniser.id)"
