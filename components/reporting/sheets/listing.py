"""데이터, 변경이력 and 환경: plain lists of facts, each traceable to run, data and commit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from openpyxl.worksheet.worksheet import Worksheet

from components.reporting.changes import changes_between_runs, changes_since_previous
from components.reporting.definitions import shown
from components.reporting.inputs import GENERATOR_VERSION, ReportInputs, kst_text
from components.reporting.korean import told_korean
from components.reporting.names import fact_korean, model_title
from components.reporting.workbook import finish_sheet, write_header, write_row, write_title

_HEADER_ROW = 3


def fill_data(sheet: Worksheet, inputs: ReportInputs) -> None:
    """데이터: the version, what was accepted and rejected, what validation said."""
    data, version = inputs.data, inputs.data.version
    rows: list[tuple[Any, ...]] = [
        ("버전", "DVC md5", version.md5 if version else None),
        ("버전", "파일 수", version.files if version else None),
        ("버전", "크기 (byte)", version.size_bytes if version else None),
        ("버전", "원격 주소", data.address),
        *(
            ("수집(ingest)", key, value)
            for key, value in flatten(data.ingest, named=fact_korean, said=told_korean)
        ),
        *(
            ("검증(validate)", key, value)
            for key, value in flatten(data.validation, named=fact_korean, said=told_korean)
        ),
    ]
    _table(
        sheet,
        "데이터",
        "말뭉치는 대부분 합성 음성이다. 수락 + 거부 = 전체 행",
        ("구분", "항목", "값"),
        rows,
        (22, 48, 70),
    )


def fill_changes(sheet: Worksheet, inputs: ReportInputs) -> None:
    """변경이력: against the previous report, and between each model's two latest runs."""
    rows: list[tuple[Any, ...]] = []
    if inputs.previous is not None:
        label = f"이전 보고({kst_text(inputs.previous.stamp)}) → 이번 보고"
        rows += [
            (label, c.path, _or_none(c.before), _or_none(c.after)) for c in changes_since_previous(inputs)
        ]
    for model in inputs.base.models:
        compared = changes_between_runs(inputs, model)
        if compared:
            (older, newer), changes = compared
            label = f"{model_title(model)}: {older} → {newer}"
            rows += [(label, c.path, _or_none(c.before), _or_none(c.after)) for c in changes]
    if not rows:
        rows = [("비교", "차이 없음" if inputs.previous else "첫 보고: 비교할 이전 보고 없음", "", "")]
    _table(
        sheet, "변경이력", "달라진 항목만 기재", ("비교 대상", "항목", "이전", "이후"), rows, (44, 50, 30, 30)
    )


def fill_environment(sheet: Worksheet, inputs: ReportInputs) -> None:
    """환경: what has to be the same for the figures to come out again."""
    rows: list[tuple[Any, ...]] = [
        ("git", inputs.git_sha or "기록 없음"),
        ("데이터 md5", inputs.data.version.md5 if inputs.data.version else None),
        ("requirements.lock sha256", inputs.lock_sha or "기록 없음"),
        ("컨테이너 이미지", inputs.params.platform.kubernetes.image),
        ("실행 방식", inputs.params.platform.airflow.launcher),
        ("프로파일", inputs.profile),
        ("평가 범위", inputs.params.evaluation.scope),
        ("보고서 생성기 버전", GENERATOR_VERSION),
    ]
    for record in inputs.records:
        where = f"{record.stage}" + (f" ({record.model})" if record.model else "")
        # a refusal is written anew by every run; its time says nothing and would change an unchanged sheet
        time = "" if record.state == "refused" else f" · {kst_text(record.started)} · {record.seconds:g} s"
        spent = f"{fact_korean(record.state)}{time}"
        facts = f"{spent} · {record.device} · git {record.git_sha}"
        rows.append((f"단계 {where}", facts))
    _table(sheet, "환경", "실행 → 데이터 md5 → git 순으로 추적한다", ("항목", "값"), rows, (34, 120))


def flatten(
    values: Mapping[str, Any],
    prefix: str = "",
    named: Callable[[str], str] = str,
    said: Callable[[Any], Any] = lambda value: value,
) -> Iterator[tuple[str, Any]]:
    """``{"a": {"b": 1}}`` → ``("a.b", 1)``; a list of mappings one row each, other lists as text.

    Args:
        named: what each key is called.
        said: what each value is told as.
    """
    for key, value in values.items():
        name = f"{prefix}{named(key)}"
        if isinstance(value, Mapping):
            yield from flatten(value, f"{name}.", named, said)
        elif isinstance(value, list) and value and all(isinstance(item, Mapping) for item in value):
            for number, item in enumerate(value, start=1):
                yield f"{name} {number}", ", ".join(f"{named(one)} {shown(v)}" for one, v in item.items())
        else:
            yield name, None if value is None else said(shown(value))


def _or_none(value: Any) -> Any:
    return "(없음)" if value is None else shown(value)


def _table(
    sheet: Worksheet,
    title: str,
    note: str,
    headers: tuple[str, ...],
    rows: list[tuple[Any, ...]],
    widths: tuple[float, ...],
) -> None:
    write_title(sheet, title, note)
    write_header(sheet, _HEADER_ROW, headers)
    for row, values in enumerate(rows, start=_HEADER_ROW + 1):
        write_row(sheet, row, values, numbers="left")
    finish_sheet(sheet, _HEADER_ROW, _HEADER_ROW + len(rows), widths)
