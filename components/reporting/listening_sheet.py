"""The sheets of a blind listening test: a self-contained HTML page, and an xlsx form with clips beside it.

Neither names a system, a sentence or a role: a clip is known by its trial only. What a trial is stands in the
key, which is written elsewhere.
"""

from __future__ import annotations

import base64
import datetime
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import soundfile
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from numpy.typing import NDArray
from openpyxl import Workbook
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from components.core.params.review import ListeningParams
from components.evaluation.listening_clips import levelled, modulated_noise
from components.evaluation.listening_plan import MosTrial, Plan
from components.reporting.media import read_clip
from components.reporting.workbook import (
    cell_at,
    finish_sheet,
    put,
    save,
    write_header,
    write_row,
    write_title,
)

FORM_SHEET, FORM_HEADER_ROW = "청취 평가", 5
FORM_HEADERS = ("순번", "문항", "종류", "파일", "평가")
RATER_CELL, TEST_CELL = "E3", "E4"
_WIDTHS = (8, 12, 14, 52, 26)
_TEMPLATES = Path(__file__).parent / "templates"
_FORM_TIME = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)
#: A clip is heard once or twice and thought about.
_SECONDS_PER_TRIAL, _SECONDS_PER_MINUTE = 12, 60


@dataclass(frozen=True)
class Clip:
    """A sound of a trial: ``name`` is "" of a MOS trial, A, B or X of an ABX one."""

    trial: str
    name: str
    flac: bytes

    @property
    def key(self) -> str:
        """``m001`` or ``x001_A``; also the file's stem."""
        return f"{self.trial}_{self.name}" if self.name else self.trial


def clips(test: Plan, asked: ListeningParams) -> tuple[Clip, ...]:
    """Every clip as FLAC: nothing is lost on the way to the listener.

    Raises:
        DataError: a sample that cannot be read, or is silent.
    """
    found = [Clip(one.trial, "", _mos_clip(test, one, asked)) for one in test.mos]
    for trial in test.abx:
        a, b = (_flac(*read_clip(path), asked.level_dbfs) for path in (trial.a, trial.b))
        x = a if trial.x_is == "A" else b
        found += [Clip(trial.trial, name, sound) for name, sound in (("A", a), ("X", x), ("B", b))]
    return tuple(found)


def listening_page(test: Plan, sounds: tuple[Clip, ...]) -> str:
    """The page; the same test gives the same text."""
    template = _environment().get_template("listening.html.j2")
    trials = [
        {"trial": one.trial, "kind": "mos", "clips": [{"name": "", "media": one.trial}]} for one in test.mos
    ]
    trials += [
        {
            "trial": one.trial,
            "kind": "abx",
            "clips": [{"name": name, "media": f"{one.trial}_{name}"} for name in "AXB"],
        }
        for one in test.abx
    ]
    media = {clip.key: f"data:audio/flac;base64,{base64.b64encode(clip.flac).decode()}" for clip in sounds}
    seconds = _SECONDS_PER_TRIAL * (len(test.mos) + 2 * len(test.abx))
    return template.render(
        test_id=test.test_id,
        mos=len(test.mos),
        abx=len(test.abx),
        minutes=max(1, round(seconds / _SECONDS_PER_MINUTE)),
        trials=_json(trials),
        media=_json(media),
        style=_asset("listening.css"),
        script=_asset("listening.js"),
    )


def write_form(test: Plan, path: Path) -> None:
    """The xlsx form for those who prefer it, or have no browser; the clips lie in ``clips/`` beside it.

    Raises:
        StorageError: ``path`` cannot be written.
    """
    workbook = Workbook()
    for old in list(workbook.worksheets):
        workbook.remove(old)
    sheet = workbook.create_sheet(FORM_SHEET)
    note = (
        "헤드폰으로 clips 폴더의 파일을 끝까지 듣고 ‘평가’ 칸만 채우십시오. 기준 녹음과 인공지능이 생성한 "
        "음성이 섞여 있습니다. 음질: 1 매우 나쁨 – 5 매우 좋음. 구분: X와 같은 것이 A이면 A, B이면 B."
    )
    write_title(sheet, "음성 청취 평가", note)
    for address, label, value in ((RATER_CELL, "평가자 번호", ""), (TEST_CELL, "시험 번호", test.test_id)):
        row = int(address[1:])
        put(cell_at(sheet, row, 4), label)
        put(cell_at(sheet, row, 5), value)
    write_header(sheet, FORM_HEADER_ROW, FORM_HEADERS)
    rows = [(one.trial, "음질 (1–5)", f"clips/{one.trial}.flac") for one in test.mos]
    rows += [
        (one.trial, "구분 (A/B)", ", ".join(f"clips/{one.trial}_{name}.flac" for name in "AXB"))
        for one in test.abx
    ]
    for number, (trial, kind, files) in enumerate(rows, start=1):
        write_row(sheet, FORM_HEADER_ROW + number, (number, trial, kind, files, ""), numbers="left")
    finish_sheet(sheet, FORM_HEADER_ROW, FORM_HEADER_ROW + len(rows), _WIDTHS)
    _validate(sheet, len(test.mos), len(test.abx))
    save(workbook, path, _FORM_TIME, "음성 청취 평가")


def _validate(sheet: Worksheet, mos: int, abx: int) -> None:
    first = FORM_HEADER_ROW + 1
    for choices, start, count in (('"1,2,3,4,5"', first, mos), ('"A,B"', first + mos, abx)):
        if count:
            rule = DataValidation(type="list", formula1=choices, allow_blank=True, showErrorMessage=True)
            rule.error, rule.errorTitle = "목록에 있는 값을 고르십시오.", "평가"
            sheet.add_data_validation(rule)
            rule.add(f"E{start}:E{start + count - 1}")


def _mos_clip(test: Plan, trial: MosTrial, asked: ListeningParams) -> bytes:
    samples, rate = read_clip(trial.clip)
    if trial.q_db is not None:
        samples = modulated_noise(samples, trial.q_db, test.seed + int(trial.trial[1:]))
    return _flac(samples, rate, asked.level_dbfs)


def _flac(samples: NDArray[np.float32], rate: int, level_dbfs: float) -> bytes:
    target = io.BytesIO()
    soundfile.write(target, levelled(samples, level_dbfs), rate, format="FLAC", subtype="PCM_16")
    return target.getvalue()


def _json(value: object) -> Markup:
    text = json.dumps(value, ensure_ascii=False, sort_keys=True).replace("<", "\\u003c")
    return Markup(text)  # noqa: S704 - JSON, no "<"


@cache
def _environment() -> Environment:
    return Environment(loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined)


@cache
def _asset(name: str) -> Markup:
    return Markup((_TEMPLATES / name).read_text(encoding="utf-8"))  # noqa: S704 - our own file


def parts(sounds: tuple[Clip, ...]) -> Mapping[str, bytes]:
    """File name → bytes of every clip, for the folder beside the form."""
    return {f"{clip.key}.flac": clip.flac for clip in sounds}
