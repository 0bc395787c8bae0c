"""The parameter sheet: 12 definitions, inert text, the same bytes twice."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path

import openpyxl
import pytest
from fakes.report_inputs import PROJECT, RUN, evidence, metric, report_inputs, run_summary
from hypothesis import given
from hypothesis import strategies as st

from components.core.errors import ReportRefusedError
from components.core.params.platform import CostParams
from components.reporting.definitions import leaves
from components.reporting.inputs import ReportInputs, Snapshot
from components.reporting.names import parameter_name
from components.reporting.parameter_sheet import SHEETS, write_parameter_sheet
from components.reporting.sheets.targets import EXPECTED_COLUMN, HEADERS, RESULT_COLUMN
from components.reporting.workbook import put, safe_text
from components.stages.export_params import export_params, inputs_without_runs

LOG_VALUES = {
    "models.rvc.architecture.content_encoder.label": "HuBERT Base v3",
    "models.rvc.architecture.content_encoder.stride": 320,
    "models.rvc.architecture.hop_length": 320,
    "models.rvc.architecture.f0_method": "dio",
    "models.rvc.training.learning_rate": 1e-4,
    "models.rvc.training.batch_size": 16,
    "models.rvc.architecture.speaker_embedding_dim": 256,
    "models.vallex.architecture.languages": "ko, en, ja, zh",
    "models.vallex.architecture.context_tokens": 1024,
    "models.vallex.inference.temperature_start": 0.8,
    "models.vallex.inference.temperature_end": 0.6,
    "models.vallex.inference.top_k": 40,
    "models.vallex.inference.top_p": 0.9,
    "models.fastpitch.architecture.speaker_conditioning": "conditional_layer_norm",
    "models.fastpitch.training.phoneme_dropout": 0.1,
    "models.fastpitch.architecture.pitch_relative_attention.max_distance": 16,
    "models.wav2lip.architecture.visual_encoder.kind": "swinv2-base",
    "models.wav2lip.architecture.conformer_blocks": 2,
}


def write(inputs: ReportInputs, path: Path) -> openpyxl.Workbook:
    write_parameter_sheet(inputs, path)
    return openpyxl.load_workbook(path)


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> openpyxl.Workbook:
    return write(report_inputs(), tmp_path_factory.mktemp("sheet") / "정의서.xlsx")


def rows(book: openpyxl.Workbook, sheet: str, header: int) -> list[dict[str, object]]:
    heads, *body = book[sheet].iter_rows(min_row=header, values_only=True)
    return [dict(zip(map(str, heads), line, strict=True)) for line in body]


def test_the_nine_sheets(book: openpyxl.Workbook) -> None:
    assert book.sheetnames == [title for title, _ in SHEETS]
    assert book.sheetnames == [
        "표지",
        "정량목표",
        "파라미터 정의서",
        "실행이력",
        "정기점검",
        "비용",
        "데이터",
        "변경이력",
        "환경",
    ]


def test_exactly_twelve_definitions_with_the_logs_values(book: openpyxl.Workbook) -> None:
    definitions = rows(book, "파라미터 정의서", 3)
    assert sorted({str(row["정의서"]) for row in definitions}) == [f"D{n:02d}" for n in range(1, 13)]
    values = {row["params.yaml 경로"]: row["값"] for row in definitions}
    assert {path: values[path] for path in LOG_VALUES} == LOG_VALUES


def test_every_leaf_has_a_korean_name_a_unit_and_a_basis() -> None:
    for leaf in leaves(report_inputs()):
        assert any("가" <= letter <= "힣" for letter in leaf.name.ko) or leaf.name.ko.startswith("top-"), (
            leaf.path
        )
        assert leaf.name.unit, leaf.path
        assert leaf.name.basis, leaf.path
        assert leaf.allowed, leaf.path


def test_a_fifth_models_parameter_appears_under_its_own_name() -> None:
    assert parameter_name("fifth", "new_thing").ko == "new_thing"


def test_state_and_run_follow_what_ran(book: openpyxl.Workbook) -> None:
    by_path = {row["params.yaml 경로"]: row for row in rows(book, "파라미터 정의서", 3)}
    ran = by_path["models.fastpitch.training.phoneme_dropout"]
    assert (ran["상태"], ran["run_id"]) == ("실험중", RUN)
    shrunk = by_path["models.fastpitch.architecture.d_model"]
    assert (shrunk["값"], shrunk["적용값(실행 프로파일)"], shrunk["상태"]) == (384, "128 (laptop)", "예상")
    assert by_path["models.rvc.training.batch_size"]["상태"] == "예상"


def test_what_nobody_knows_of_the_cost_is_unknown_and_no_zero(book: openpyxl.Workbook) -> None:
    validate, train, evaluate, whole = rows(book, "비용", 3)
    assert (train["시도"], train["실패·중단"], train["GPU 시간 (h)"], train["CPU 시간 (h)"]) == (3, 2, 0, 4.5)
    assert {row["GPU 비용 (KRW)"] for row in (validate, train, evaluate, whole)} == {"미상"}
    assert (validate["대기 시간 (h)"], train["대기 시간 (h)"], whole["대기 시간 (h)"]) == (
        "미상",
        1.5,
        "미상",
    )
    assert (evaluate["상태"], evaluate["GPU 시간 (h)"]) == ("미완료", "미상")
    assert {row["구분"] for row in (validate, train, evaluate, whole)} == {"자체측정"}


def test_a_site_with_prices_reads_money(tmp_path: Path) -> None:
    inputs = report_inputs()
    cost = CostParams(gpu_hour_krw=4000.0, gpu_hour_usd=3.0)
    platform = inputs.params.platform.model_copy(update={"cost": cost})
    priced = replace(
        inputs,
        params=inputs.params.model_copy(update={"platform": platform}),
        spending=(replace(inputs.spending[1], gpu_seconds=9000.0),),
    )
    train, whole = rows(write(priced, tmp_path / "s.xlsx"), "비용", 3)
    assert (train["GPU 비용 (KRW)"], train["GPU 비용 (USD)"]) == (10000, 7.5)
    assert whole["GPU 비용 (KRW)"] == 10000


def test_measured_and_expected_stand_in_their_own_columns(book: openpyxl.Workbook) -> None:
    assert HEADERS[RESULT_COLUMN - 1] == "측정값(실적)"
    assert HEADERS[EXPECTED_COLUMN - 1] == "예상"
    table = rows(book, "정량목표", 4)
    expected = {row["예상"] for row in table if isinstance(row["예상"], (int, float))}
    assert expected == {360, 0.87, 52}
    measured = {(row["평가항목"], row["측정값(실적)"]) for row in table if row["측정값(실적)"] != "미측정"}
    assert measured == {
        ("화자 유사도", 0.871),
        ("추론 지연 p95", 212.4),
        ("추론 지연 p50", 141),
        ("실시간 비율", 0.083),
    }
    assert all(row["증빙(run id)"] == RUN for row in table if row["측정값(실적)"] != "미측정")


def test_without_runs_every_measured_cell_is_unmeasured(tmp_path: Path) -> None:
    book = openpyxl.load_workbook(export_params(PROJECT, target=tmp_path / "p.xlsx"))
    assert {row["측정값(실적)"] for row in rows(book, "정량목표", 4)} == {"미측정"}
    assert {row["상태"] for row in rows(book, "파라미터 정의서", 3)} == {"예상"}


def test_the_committed_sheet_is_what_params_yaml_says(tmp_path: Path) -> None:
    fresh = openpyxl.load_workbook(export_params(PROJECT, target=tmp_path / "p.xlsx"))
    committed = openpyxl.load_workbook(PROJECT / "docs" / "models" / "model_params_v0.1.xlsx")
    for sheet in ("정량목표", "파라미터 정의서"):
        said, wanted = (list(b[sheet].iter_rows(values_only=True)) for b in (committed, fresh))
        assert said == wanted, f"{sheet} is stale: run `python -m components export-params`"


def test_a_second_export_is_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.xlsx", "b.xlsx"):
        write_parameter_sheet(report_inputs(), tmp_path / name)
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.xlsx") as package:
        assert {entry.date_time for entry in package.infolist()} == {(2026, 3, 9, 3, 40, 12)}
        assert package.read("docProps/core.xml").count(b"2026-03-09T03:40:12Z") == 2


def test_headers_are_frozen_filtered_and_printed_on_a4_landscape(book: openpyxl.Workbook) -> None:
    for title in book.sheetnames:
        sheet = book[title]
        assert (sheet.page_setup.orientation, int(sheet.page_setup.paperSize)) == ("landscape", 9)
        assert sheet.print_area
        if title != "표지":
            assert sheet.freeze_panes
            assert sheet.auto_filter.ref


def test_one_chart_a_unit_with_its_target(book: openpyxl.Workbook) -> None:
    charts = book["실행이력"]._charts
    texts = {str(cell.value) for row in book["실행이력"].iter_rows() for cell in row}
    assert len(charts) == 2  # ratios and milliseconds; nothing was measured in GB
    assert {"화자 유사도 (목표)", "추론 지연 p95 (목표)"} <= texts


ATTACKS = [
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "<script>alert(1)</script>",
    "\x00\x07=1",
]


@pytest.mark.parametrize("attack", ATTACKS)
def test_text_stays_text_after_reload(attack: str, tmp_path: Path) -> None:
    inputs = report_inputs(runs=(run_summary(name=attack, tags={"model": attack}),), git_sha=attack)
    book = write(inputs, tmp_path / "a.xlsx")
    cells = [cell for sheet in book.worksheets for row in sheet.iter_rows() for cell in row]
    assert not [cell.coordinate for cell in cells if cell.data_type == "f"]
    assert book["실행이력"]["C4"].value == safe_text(attack)
    if safe_text(attack).startswith(("=", "+", "-", "@", "\t", "\n")):
        assert book["실행이력"]["C4"].quotePrefix


def test_a_text_too_long_for_a_cell_says_that_it_was_cut() -> None:
    text = safe_text("가" * 40_000)
    assert len(text) == 32_767
    assert text.endswith("셀 한도 32,767자]")
    assert "40,000" in text


@given(st.text())
def test_no_text_breaks_a_cell(text: str) -> None:
    cell = openpyxl.Workbook().worksheets[0].cell(row=1, column=1)
    put(cell, text)
    assert cell.data_type == "s"
    assert cell.value == safe_text(text)


@pytest.mark.parametrize("nothing", [None, float("nan"), float("inf")])
def test_no_number_reads_unmeasured(nothing: float | None) -> None:
    cell = openpyxl.Workbook().worksheets[0].cell(row=1, column=1)
    put(cell, nothing)
    assert cell.value == "미측정"


def test_the_run_history_trusts_only_what_a_run_says_it_measured(tmp_path: Path) -> None:
    metrics = {"latency_p95_ms": 300.0, "rtf": 0.5, "speaker_similarity": 0.87}
    tags = {
        "model": "fastpitch",
        "evaluation.latency_p95_ms.evidence": "measured on cpu: old, float32",
        "evaluation.speaker_similarity.evidence": "expected on nothing, float32",
    }
    book = write(report_inputs(runs=(run_summary("older", metrics=metrics, tags=tags),)), tmp_path / "a.xlsx")
    row = rows(book, "실행이력", 3)[0]
    assert row["추론 지연 p95 [ms] 자체측정"] == 300
    assert row["실시간 비율 [무차원] 자체측정"] == "미측정"
    assert row["화자 유사도 [무차원] 자체측정"] == "미측정"


def test_changes_list_only_what_differs(tmp_path: Path) -> None:
    now = leaves(report_inputs())
    before = {leaf.path: leaf.value for leaf in now} | {"models.rvc.training.batch_size": 8}
    inputs = report_inputs(previous=Snapshot("2026-03-02T03:00:00+00:00", before, "old.dir", "def"))
    changed = {
        row["항목"]: (row["이전"], row["이후"])
        for row in rows(write(inputs, tmp_path / "a.xlsx"), "변경이력", 3)
    }
    assert changed["models.rvc.training.batch_size"] == (8, 16)
    assert set(changed) == {"models.rvc.training.batch_size", "data.md5"}


def test_a_refused_figure_leaves_the_previous_sheet(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    write_parameter_sheet(inputs_without_runs(PROJECT, None), path)
    before, inputs = path.read_bytes(), report_inputs()
    bad = replace(inputs.models[0], evidence=evidence(metric("rtf", 0.1, "1", run_id="")))
    with pytest.raises(ReportRefusedError):
        write_parameter_sheet(replace(inputs, models=(bad,)), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
