"""The rule above all: an expected figure is no result."""

from __future__ import annotations

from typing import Any, cast, get_args

import openpyxl
import pytest
from fakes.report_inputs import decision, evidence, metric, report_inputs

from components.core.errors import ReportRefusedError
from components.core.metrics import HIGHER_IS_BETTER, KpiName, NotMeasured
from components.reporting.figures import (
    Expected,
    Measured,
    Result,
    Status,
    Target,
    Unmeasured,
    number_text,
    result_value,
    with_unit,
)
from components.reporting.kpi_table import model_rows, project_rows
from components.reporting.names import kpi_titles
from components.reporting.workbook import put_result


@pytest.mark.parametrize("kind", ["expected", "simulated"])
def test_an_expected_record_cannot_become_a_result(kind: Any) -> None:
    with pytest.raises(ReportRefusedError, match="measured or certified"):
        Measured(metric("latency_p95_ms", 360.0, "ms", kind))


@pytest.mark.parametrize(("kind", "status"), [("measured", Status.MEASURED), ("certified", Status.CERTIFIED)])
def test_a_result_says_who_found_it(kind: Any, status: Status) -> None:
    assert Measured(metric("latency_p95_ms", 360.0, "ms", kind)).status is status


def test_a_result_without_a_run_is_refused() -> None:
    with pytest.raises(ReportRefusedError, match="run"):
        Measured(metric("latency_p95_ms", 360.0, "ms", run_id=""))


def test_a_measured_record_cannot_hide_among_expectations() -> None:
    with pytest.raises(ReportRefusedError):
        Expected.of_metric(metric("latency_p95_ms", 700.0, "ms"))


@pytest.mark.parametrize("intruder", [Expected(360.0, 420.0, "ms", ""), Target(500.0, "ms"), 360.0, None])
def test_the_measured_column_takes_nothing_else(intruder: object) -> None:
    cell = openpyxl.Workbook().worksheets[0].cell(row=1, column=1)
    with pytest.raises(ReportRefusedError, match="실적"):
        put_result(cast("Any", cell), cast("Result", intruder))
    assert cell.value is None


def test_unmeasured_has_no_value() -> None:
    assert result_value(Unmeasured("GPU 없음", "no GPU")) is None


def test_a_simulated_metric_moves_to_the_expected_column() -> None:
    inputs = report_inputs()
    simulated = evidence(metric("latency_p95_ms", 317.0, "ms", "simulated", device="NVIDIA A100-SXM4-80GB"))
    model = inputs.models[0]
    changed = report_inputs(models=(type(model)(**{**model.__dict__, "evidence": simulated}),))
    row = next(r for r in model_rows(changed, "fastpitch") if r.title.name == "latency_p95_ms")
    assert row.expected is not None
    assert row.expected.value == 317.0
    assert isinstance(row.result, Unmeasured)
    assert row.judgement == "미측정"


def test_the_project_rows_carry_the_logs_expectations_only_as_such() -> None:
    rows = {row.title.name: row for row in project_rows(report_inputs())}
    found = {name: row.expected.value for name, row in rows.items() if row.expected}
    assert found == {"latency_p95_ms": 360.0, "speaker_similarity": 0.87, "gpu_memory_allocated_gb": 52.0}
    assert all(isinstance(row.result, Unmeasured) for row in rows.values())


def test_the_judgement_is_the_gates_and_names_its_scope() -> None:
    rows = {row.title.name: row for row in model_rows(report_inputs(), "fastpitch")}
    assert rows["speaker_similarity"].verdict_text == "달성 (laptop 범위)"
    assert rows["pronunciation_accuracy"].judgement == "미측정"
    assert rows["rtf"].judgement == "대상 아님"


def test_without_a_decision_nothing_is_met() -> None:
    inputs = report_inputs()
    model = type(inputs.models[0])(**{**inputs.models[0].__dict__, "decision": None})
    rows = {row.title.name: row for row in model_rows(report_inputs(models=(model,)), "fastpitch")}
    assert rows["speaker_similarity"].judgement == "판정불가"


def test_one_failed_reason_outweighs_a_passed_one() -> None:
    passed = decision()
    failing = passed.reasons[1].model_copy(update={"verdict": "FAIL"})
    inputs = report_inputs()
    changed = passed.model_copy(update={"reasons": (*passed.reasons, failing)})
    model = type(inputs.models[0])(**{**inputs.models[0].__dict__, "decision": changed})
    rows = {row.title.name: row for row in model_rows(report_inputs(models=(model,)), "fastpitch")}
    assert rows["speaker_similarity"].judgement == "미달"


def test_a_model_without_evidence_is_unmeasured_with_its_reason() -> None:
    rows = model_rows(report_inputs(), "wav2lip")
    assert {row.title.name for row in rows} == {"lse_c", "latency_p95_ms"}
    assert all(row.result == Unmeasured("실행 기록 없음", "no run") for row in rows)


def test_the_evidences_own_reason_is_printed() -> None:
    row = next(
        r for r in model_rows(report_inputs(), "fastpitch") if r.title.name == "pronunciation_accuracy"
    )
    reasons = [m.reason for m in evidence().not_measured if isinstance(m, NotMeasured)]
    assert isinstance(row.result, Unmeasured)
    assert row.result.reason in reasons


def test_what_stands_beside_a_converters_kpis_is_shown_also_where_it_was_not_scored() -> None:
    found = evidence(
        metric("speaker_similarity", 0.871, "1"), metric("stream_delay_p95_ms", 402.0, "ms")
    ).model_copy(
        update={
            "model": "rvc",
            "not_measured": (
                NotMeasured(name="similarity_to_human", reason="no target with the role human"),
                NotMeasured(name="gpu_memory_allocated_gb", reason="no GPU: evaluated on x"),
            ),
        }
    )
    model = type(report_inputs().models[0])(**{**report_inputs().models[0].__dict__, "evidence": found})
    rows = {row.title.name: row for row in model_rows(report_inputs(models=(model,)), "fastpitch")}
    assert rows["stream_delay_p95_ms"].metric == found.metric("stream_delay_p95_ms")
    assert rows["stream_delay_p95_ms"].judgement == "대상 아님"
    assert rows["similarity_to_human"].result == Unmeasured(
        "녹음된 사람 목표가 없음", "no target with the role human"
    )
    assert "gpu_memory_allocated_gb" not in rows
    assert "f0_correlation" not in rows


def test_every_metric_has_a_name_in_both_languages_and_a_direction() -> None:
    titles = {title.name: title for title in kpi_titles()}
    assert set(titles) == set(get_args(KpiName)) == set(HIGHER_IS_BETTER)
    for title in titles.values():
        assert title.ko
        assert title.en
        assert title.method_ko
        assert title.method_en
        assert title.unit in {"1", "1/s", "fps", "ms", "GB", "점"}


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [(0.87, "1", "0.87 (무차원)"), (360.0, "ms", "360 ms"), (52.0, "GB", "52 GB"), (0.0, "1", "0 (무차원)")],
)
def test_figures_print_with_their_unit(value: float, unit: str, text: str) -> None:
    assert with_unit(value, unit) == text


def test_small_figures_keep_their_digits() -> None:
    assert number_text(9.996, "ms") == "10"
    assert number_text(0.083, "1") == "0.083"
