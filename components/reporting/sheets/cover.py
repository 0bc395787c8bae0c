"""표지: what this file is, how to read it, what it shows and what it does not."""

from __future__ import annotations

from openpyxl.styles import Alignment, Font
from openpyxl.worksheet.worksheet import Worksheet

from components.reporting.definitions import KINDS
from components.reporting.inputs import KST, ReportInputs, reality_line
from components.reporting.workbook import BORDER, FILLS, FONT, cell_at, finish_sheet, put, write_title


def fill(sheet: Worksheet, inputs: ReportInputs) -> None:
    """Two columns: item and content. 작성자 and 확인 stay empty unless configured."""
    report = inputs.params.report
    write_title(sheet, f"{report.programme} 모델 파라미터 정의서", "Model parameter definitions")
    korean, english = reality_line(inputs.params)
    stamp = inputs.stamp.astimezone(KST).strftime("%Y-%m-%d %H:%M KST") if inputs.stamp else "실행 없음"
    rows = [
        ("문서 버전", report.sheet_version),
        ("기준 시각 (최근 실행)", stamp),
        ("작성자", report.author),
        ("확인", report.reviewer),
        ("진행 단계", report.phase),
        (
            "정의서 수",
            f"{len(inputs.base.models) * len(KINDS)}건 = 모델 {len(inputs.base.models)} × 구조·학습·추론",
        ),
        ("값의 기준", "params.yaml (a100 프로파일). 실행 프로파일의 값이 다르면 '적용값' 열에 따로 적음"),
        ("실행 프로파일", inputs.profile if inputs.models else f"{inputs.profile} (실행 없음)"),
        (
            "상태 구분",
            "목표 · 예상(모의·기대값) · 자체측정 · 공인시험. 예상 값은 측정값(실적) 열에 들어갈 수 없음",
        ),
        ("파라미터 상태", "확정: 실행·게이트 통과 / 실험중: 실행됨 / 예상: 아직 그 값으로 실행하지 않음"),
        ("목표의 출처", inputs.params.kpi.source.ko),
        ("이 문서가 보이는 것", korean),
        ("What this shows", english),
    ]
    for row, (label, content) in enumerate(rows, start=4):
        put(cell_at(sheet, row, 1), label)
        put(cell_at(sheet, row, 2), content)
        for column in (1, 2):
            cell = cell_at(sheet, row, column)
            cell.border = BORDER
            cell.font = Font(name=FONT, size=10, bold=column == 1)
            cell.alignment = Alignment(wrap_text=True, vertical="center", horizontal="left", indent=1)
        cell_at(sheet, row, 1).fill = FILLS["band"]
    finish_sheet(sheet, 0, 3 + len(rows), (26, 100))
