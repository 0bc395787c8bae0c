"""What the research note says: parameters, figures with their status, what failed, what comes next."""

from __future__ import annotations

import datetime
from typing import Any

from components.reporting.changes import Change, changes_since_previous, model_runs
from components.reporting.cost_table import UNKNOWN_KO, cost_sum, hours_text, money_text
from components.reporting.definitions import KINDS, Leaf, leaves, shown
from components.reporting.figures import Measured, Status, number_text, unit_word, with_unit
from components.reporting.inputs import GENERATOR_VERSION, KST, ReportInputs, kst_text, reality_line
from components.reporting.korean import reason_korean
from components.reporting.kpi_table import KpiRow, all_rows, model_rows, project_rows
from components.reporting.listening_results import HEARD_BESIDE, MOS
from components.reporting.names import VERDICT_TITLES, fact_korean, kpi_title, model_title
from components.reporting.note import Claim, Note, NoteSection
from components.reporting.note_review import alert_claim, listening_claims

#: The research log's citations, corrected (its own gave no authors and a wrong title).
REFERENCES = (
    "A. Łańcucki, “FastPitch: Parallel Text-to-Speech with Pitch Prediction”, ICASSP 2021, arXiv 2006.06873",
    (
        "Z. Zhang et al., “Speak Foreign Languages with Your Own Voice: Cross-Lingual Neural Codec "
        "Language Modeling” (VALL-E X), 2023, arXiv 2303.03926"
    ),
    (
        "K. R. Prajwal et al., “A Lip Sync Expert Is All You Need for Speech to Lip Generation In the Wild” "
        "(Wav2Lip), ACM Multimedia 2020, arXiv 2008.10010"
    ),
    "RVC 공식 문서 (Retrieval-based Voice Conversion WebUI), 2024",
)
_LOG_BASIS = "연구로그"
_SAID_BY_THE_NAME = {
    "", "명칭", "방법", "식별자", "형식", "사용 여부", "언어", "무차원", "비율", "확률", "차원", "개",
}  # fmt: skip
_BOUNDS = ("실녹음 상한", "타화자 하한")
_TABLE_HEADERS = ("평가항목", "대상", "목표", "예상", "측정값", "95% 구간", "n", "판정", "상태")


def build_note(inputs: ReportInputs, today: datetime.date) -> Note:
    """The note of a reporting period.

    Args:
        inputs: the period.
        today: dates the note where no run does (a note without runs); else the latest run's KST date counts.
    """
    report = inputs.params.report
    return Note(
        date=inputs.stamp.astimezone(KST).date() if inputs.stamp else today,
        author=report.author,
        reviewer=report.reviewer,
        phase=report.phase,
        keywords=report.keywords,
        sections=(
            NoteSection("1. 연구 배경 및 목적", _background(inputs)),
            NoteSection("2. 주요 수행 내용", _work(inputs), ordered=True),
            NoteSection("3. 결과 및 정량 지표", _results(inputs)),
            NoteSection("4. 문제점 및 해결방안", _problems(inputs)),
            NoteSection("5. 다음 계획", _plans(inputs)),
        ),
        references=REFERENCES,
        footer=_footer(inputs),
        table_headers=_TABLE_HEADERS,
        table=tuple(_table_row(row) for row in all_rows(inputs)),
    )


def _background(inputs: ReportInputs) -> tuple[Claim, ...]:
    kpi = inputs.params.kpi
    targets = (
        f"발음 정확도 {kpi.pronunciation_accuracy.target * 100:g} % 이상, "
        f"화자 보존 {with_unit(kpi.speaker_similarity.target, '1')} 이상, "
        f"추론 지연 {with_unit(kpi.latency.target_ms, 'ms')} 이하"
    )
    return (
        Claim(
            "다국어 음성 합성 파이프라인의 성능을 결정짓는 핵심 요소는 RVC, VALL-E X, FastPitch, Wav2Lip "
            "모듈의 하이퍼파라미터이다."
        ),
        Claim(
            f"{inputs.params.report.programme} 정량 지표(목표): {targets}. 이를 달성하기 위한 기준값을 "
            f"정의하고 재학습마다 같은 방법으로 평가한다.",
            Status.TARGET,
        ),
        Claim(f"목표의 출처: {kpi.source.ko}"),
    )


def _work(inputs: ReportInputs) -> tuple[Claim, ...]:
    rows, changes = leaves(inputs), changes_since_previous(inputs)
    models = tuple(_model_work(inputs, model, rows, changes) for model in inputs.base.models)
    return (*models, _simulation(inputs))


def _model_work(
    inputs: ReportInputs, model: str, rows: tuple[Leaf, ...], changes: tuple[Change, ...]
) -> Claim:
    facts = [row for row in rows if row.model == model and row.name.basis.startswith(_LOG_BASIS)]
    defined = ", ".join(f"{row.name.ko} {_with_unit(row)}" for row in facts)
    children = [Claim(f"기준값(연구로그): {defined}")]
    mine = [change for change in changes if change.path.startswith(f"models.{model}.")]
    children += [Claim(f"변경: {c.path} {_value(c.before)} → {_value(c.after)}") for c in mine]
    if inputs.previous is not None and not mine:
        children.append(Claim(f"이전 노트({inputs.previous.stamp[:10]}) 이후 파라미터 변경 없음"))
    differing = [row for row in rows if row.model == model and row.effective != row.value]
    report = inputs.model(model)
    if report.evidence is None:
        children.append(Claim("실행 기록 없음: 정의만 완료(미측정)", Status.UNMEASURED))
    else:
        run = report.evidence.run_id
        steps = report.training.get("steps")
        children.append(
            Claim(
                f"재학습 실행: 프로파일 {inputs.profile}, {f'{steps} step, ' if steps is not None else ''}"
                f"데이터 {report.evidence.data_md5} (자체측정, run {run})",
                Status.MEASURED,
                run,
            )
        )
        values = ", ".join(f"{row.name.ko} {shown(row.value)} → {shown(row.effective)}" for row in differing)
        if values:
            children.append(Claim(f"{inputs.profile} 프로파일에서 줄인 값(기준 → 적용): {values}"))
    return Claim(f"{model_title(model)}", children=tuple(children))


def _simulation(inputs: ReportInputs) -> Claim:
    kpi = inputs.params.kpi
    children = [_expected_claim(row) for row in project_rows(inputs) if row.expected]
    languages, each = len(kpi.languages), kpi.sentences_per_language
    covered = (
        f"다국어 커버리지 {languages}개 언어({'/'.join(kpi.languages)}), 평가 문장 {languages * each}문장"
    )
    return Claim("성능 시뮬레이션 및 평가 구성", children=(*children, Claim(f"{covered}(언어당 {each}문장)")))


def _expected_claim(row: KpiRow) -> Claim:
    expected = row.expected
    if expected is None:
        raise LookupError(row.title.name)
    before = "" if expected.before is None else f"{with_unit(expected.before, expected.unit)} → "
    value = with_unit(expected.value, expected.unit)
    text = f"{row.title.ko} {before}{value} 예상 (측정값 아님; {expected.note})"
    return Claim(text, Status.EXPECTED, quantity=True, unit=unit_word(expected.unit))


def _results(inputs: ReportInputs) -> tuple[Claim, ...]:
    count = len(inputs.base.models) * len(KINDS)
    path = f"docs/models/model_params_v{inputs.params.report.sheet_version}.xlsx"
    claims = [Claim(f"모델 파라미터 정의서 {count}건 ({path})")]
    for model in inputs.base.models:
        report = inputs.model(model)
        if report.evidence is None:
            claims.append(Claim(f"{model_title(model)}: 미측정 (실행 기록 없음)", Status.UNMEASURED))
            continue
        verdict = VERDICT_TITLES[report.decision.verdict] if report.decision else "판정 없음"
        lines = (
            *(_result_claim(row) for row in model_rows(inputs, model)),
            *listening_claims(inputs, model, report.evidence.run_id),
            *_cost_claims(inputs, model, report.evidence.run_id),
        )
        claims.append(Claim(f"{model_title(model)}: 게이트 {verdict}", children=lines))
    claims.append(Claim(reality_line(inputs.params)[0]))
    return tuple(claims)


def _result_claim(row: KpiRow) -> Claim:
    target = f"목표 {with_unit(row.target.value, row.target.unit)}" if row.target else "목표 없음(보고 항목)"
    if not isinstance(row.result, Measured):
        if row.expected:
            return _expected_claim(row)
        return Claim(f"{row.title.ko}: 미측정 ({row.result.reason}); {target}", Status.UNMEASURED)
    metric = row.result.metric
    bounds = "".join(
        f", {label} {with_unit(value, metric.unit)}"
        for label, value in zip(
            HEARD_BESIDE if row.title.name == MOS else _BOUNDS, (metric.ceiling, metric.floor), strict=True
        )
        if value is not None
    )
    text = (
        f"{row.title.ko}: {with_unit(metric.value, metric.unit)} ({row.result.status.value}, "
        f"95 % 구간 {number_text(metric.low, metric.unit)}–{number_text(metric.high, metric.unit)}, "
        f"n={metric.n}, {metric.device}, 배치 {metric.batch}{bounds}); {target}; 판정 {row.verdict_text}; "
        f"run {metric.run_id}"
    )
    return Claim(text, row.result.status, metric.run_id, quantity=True, unit=unit_word(metric.unit))


def _cost_claims(inputs: ReportInputs, model: str, run_id: str) -> tuple[Claim, ...]:
    """One line: what the model's stages took, unknown prices said so."""
    cost = cost_sum(inputs, model)
    if cost is None:
        return ()
    waited = UNKNOWN_KO if cost.queue_hours is None else f"{hours_text(cost.queue_hours)} 시간"
    gpu = UNKNOWN_KO if cost.gpu_hours is None else f"{hours_text(cost.gpu_hours)} 시간"
    cpu = UNKNOWN_KO if cost.cpu_hours is None else f"{hours_text(cost.cpu_hours)} 시간"
    text = (
        f"소요 자원: 총 {hours_text(cost.hours)} 시간, GPU {gpu}, CPU {cpu}, 대기 {waited} "
        f"({Status.MEASURED.value}; 시도 {cost.attempts}회 중 실패·중단 {cost.lost}회); "
        f"GPU 비용 KRW {money_text(cost.krw, 0)}, USD {money_text(cost.usd, 2)}; run {run_id}"
    )
    return (Claim(text, Status.MEASURED, run_id, quantity=True, unit="시간"),)


def _problems(inputs: ReportInputs) -> tuple[Claim, ...]:
    claims = [alert_claim(inputs)]
    claims += [
        Claim(
            f"실패한 실행 {run.run_id} ({model_title(model)}, {fact_korean(run.status)}): "
            f"{_failure(run.tags)}"
        )
        for model in inputs.base.models
        for run in model_runs(inputs, model)
        if run.status in {"FAILED", "KILLED"}
    ]
    claims += [
        Claim(
            f"실패한 단계 {failed.stage} ({failed.model or '공통'}, {kst_text(failed.started)}): "
            f"{failed.message}"
        )
        for failed in inputs.failures
    ]
    for report in inputs.models:
        if report.decision is None:
            continue
        claims += [
            Claim(
                f"{model_title(report.name)} {VERDICT_TITLES[r.verdict]} — "
                f"{kpi_title(r.kpi).ko}: {reason_korean(r)}"
            )
            for r in report.decision.reasons
            if r.verdict != "PASS"
        ]
    claims.append(Claim("해결방안: (연구자가 작성)"))
    return tuple(claims)


def _failure(tags: Any) -> str:
    return str(tags.get("failure") or tags.get("error") or "사유 기록 없음")


def _plans(inputs: ReportInputs) -> tuple[Claim, ...]:
    plans = tuple(Claim(f"{plan.date}: {plan.text}") for plan in inputs.params.report.next_plans)
    return plans or (Claim("계획: (params.yaml report.next_plans 또는 연구자가 작성)"),)


def _footer(inputs: ReportInputs) -> tuple[str, ...]:
    runs = [f"{m.name} {m.evidence.run_id}" for m in inputs.models if m.evidence]
    data = inputs.data.version.md5 if inputs.data.version else "미측정"
    return (
        f"run: {', '.join(runs) or '없음'}",
        f"데이터 md5: {data} · git: {inputs.git_sha or '기록 없음'} · lock: {inputs.lock_sha or '기록 없음'}",
        f"프로파일 {inputs.profile} · 생성기 {GENERATOR_VERSION} · 초안(붙여넣기용), 서명 없음",
        reality_line(inputs.params)[0],
    )


def _table_row(row: KpiRow) -> tuple[str, ...]:
    metric = row.metric
    return (
        row.title.ko,
        "과제 전체" if row.model is None else model_title(row.model),
        with_unit(row.target.value, row.target.unit) if row.target else "",
        with_unit(row.expected.value, row.expected.unit) if row.expected else "",
        with_unit(metric.value, metric.unit) if metric else Status.UNMEASURED.value,
        f"{number_text(metric.low, metric.unit)}–{number_text(metric.high, metric.unit)}" if metric else "",
        str(metric.n) if metric else "",
        row.verdict_text,
        row.result.status.value,
    )


def _with_unit(row: Leaf) -> str:
    """``1024 토큰``; a name, method or yes/no stands alone."""
    alone = row.name.unit in _SAID_BY_THE_NAME
    return f"{shown(row.value)}" if alone else f"{shown(row.value)} {row.name.unit}"


def _value(value: Any) -> str:
    return "(없음)" if value is None else str(shown(value))
