"""Lines of the research note that come from a review: the alerts, and what listeners said."""

from __future__ import annotations

from components.reporting.alerts import KIND_TITLES, alerts
from components.reporting.figures import Status
from components.reporting.inputs import ReportInputs
from components.reporting.listening_results import abx_statistic, listening_results
from components.reporting.names import model_title
from components.reporting.note import Claim


def alert_claim(inputs: ReportInputs) -> Claim:
    """What the scheduled review wants looked at; that it wants nothing is said, too."""
    found = alerts(inputs)
    told = tuple(Claim(f"[{KIND_TITLES[one.kind]}] {model_title(one.model)}: {one.ko}") for one in found)
    return Claim(f"정기 점검 경보 {len(found)}건" if found else "정기 점검 경보 없음", children=told)


def listening_claims(inputs: ReportInputs, model: str, run_id: str) -> tuple[Claim, ...]:
    """ABX pairs; the mean opinion is a KPI's line already."""
    found = listening_results(inputs, model)
    if found is None:
        return ()
    return tuple(
        Claim(
            f"구분 평가(ABX) {one.first} / {one.second}: 정답 비율 {one.share:.2f} ({Status.MEASURED.value}, "
            f"95 % 구간 {one.low:.2f}–{one.high:.2f}, n={one.n}, 평가자 {found.raters}명, "
            f"{abx_statistic(one)}, 0.5는 추측); run {run_id}",
            Status.MEASURED,
            run_id,
            quantity=True,
            unit="비율",
        )
        for one in found.abx
    )
