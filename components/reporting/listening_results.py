"""What a listening test said of a version: in a tag of the version's run, and from there in the reports.

The mean opinion is a record of the evidence; who was asked and what ABX found have no place there, because
they are about a test and about pairs.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from components.core.listening import AbxFigure
from components.core.metrics import KpiName, Metric
from components.reporting.inputs import ReportInputs

MOS: KpiName = "mos_naturalness"
RESULTS_TAG = "listening.results"
#: What ceiling and floor of a mean opinion are.
HEARD_BESIDE = ("기준 녹음", "잡음 앵커")


@dataclass(frozen=True)
class ListeningResults:
    """Of one version.

    Attributes:
        raters, left_out: people who counted, and who did not.
        mos: the mean opinion; None where the evidence has none.
        abx: pairs that the version is one of.
    """

    test_id: str
    raters: int
    left_out: int
    mos: Metric | None
    abx: tuple[AbxFigure, ...]


def results_tag(test_id: str, raters: int, left_out: int, abx: Sequence[AbxFigure], system: str) -> str:
    """The tag's value for one of the systems: of the pairs, those that it is one of."""
    pairs = [asdict(one) for one in abx if system in {one.first, one.second}]
    told = {"test_id": test_id, "raters": raters, "left_out": left_out, "abx": pairs}
    return json.dumps(told, ensure_ascii=False)


def listening_results(inputs: ReportInputs, model: str) -> ListeningResults | None:
    """What listeners said of a model's version; None where nobody was asked, or the tag is none of ours."""
    evidence = inputs.model(model).evidence
    if evidence is None:
        return None
    tags = next((run.tags for run in inputs.runs if run.run_id == evidence.run_id), {})
    try:
        told: dict[str, Any] = json.loads(tags[RESULTS_TAG])
        pairs = tuple(AbxFigure(**one) for one in told["abx"])
        counts = str(told["test_id"]), int(told["raters"]), int(told["left_out"])
    except (KeyError, TypeError, ValueError):
        return None
    return ListeningResults(*counts, evidence.metric(MOS), pairs)


def abx_figure(one: AbxFigure) -> str:
    """``0.60 [0.36, 0.81]``: share of right answers; 0.5 is guessing."""
    return f"{one.share:.2f} [{one.low:.2f}, {one.high:.2f}]"


def abx_statistic(one: AbxFigure) -> str:
    """``p 0.252``: so many right answers, or more, by guessing."""
    return f"p {one.p_value:.3g}"
