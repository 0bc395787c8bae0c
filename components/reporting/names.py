"""Korean and English names of parameters and KPIs, from the two tables beside this file."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent
MODEL_TITLES = {
    "rvc": "RVC (음성 변환)",
    "vallex": "VALL-E X (다국어 코덱 언어모델)",
    "fastpitch": "FastPitch (음성 합성)",
    "wav2lip": "Wav2Lip (립싱크)",
}
KIND_TITLES = {"architecture": "구조", "training": "학습", "inference": "추론"}
_CHECKS = {
    "evidence": "평가 기록",
    "champion": "챔피언",
    "targets": "목표",
    "comparisons": "비교 보정",
    "delivery": "내보낸 모델",
    "consent": "동의",
}
VERDICT_TITLES = {"PASS": "통과", "FAIL": "미달", "INCONCLUSIVE": "판정불가"}


@dataclass(frozen=True)
class ParameterName:
    """What a form calls a parameter, its unit, and where the value comes from (근거)."""

    ko: str
    en: str
    unit: str
    basis: str


@dataclass(frozen=True)
class KpiTitle:
    """What a form calls a KPI, and how it is measured.

    ``beside``: "x" for a figure that stands beside the KPIs of one kind of model and gates nothing.
    """

    name: str
    ko: str
    en: str
    unit: str
    method_ko: str
    method_en: str
    beside: str = ""


def model_title(model: str) -> str:
    """A model's name for people; a fifth model appears under its own name."""
    return MODEL_TITLES.get(model, model)


def parameter_name(model: str, leaf: str) -> ParameterName:
    """The name of ``leaf`` (``content_encoder.layer``) in ``model``; the model's own row comes first.

    A parameter that is not in the table appears under its own name, so that a fifth model needs no change
    here; for the four models a test holds the table complete.
    """
    table = _parameter_table()
    unnamed = ParameterName(leaf, leaf, "", "이름표에 없음")
    return table.get((leaf, model)) or table.get((leaf, "")) or unnamed


@cache
def kpi_titles() -> tuple[KpiTitle, ...]:
    """Every KPI in the order that reports print them."""
    return tuple(KpiTitle(**row) for row in _rows("kpi_names.csv"))


def kpi_title(name: str) -> KpiTitle:
    """A KPI's title; an unknown name (a further check of the gate) stands for itself."""
    own = KpiTitle(name, _CHECKS.get(name, name), name, "", "", "")
    return next((title for title in kpi_titles() if title.name == name), own)


def fact_korean(word: str) -> str:
    """A key or state of a stage's summary in Korean, part by part; a name of one's own stays as it is."""
    table = _fact_table()
    return ".".join(_numbered(part, table) for part in word.split("."))


def _numbered(part: str, table: Mapping[str, str]) -> str:
    """``speech 3``: the third of a list."""
    key, space, number = part.partition(" ")
    return f"{table.get(key, key)}{space}{number}"


@cache
def _fact_table() -> dict[str, str]:
    return {row["key"]: row["korean"] for row in _rows("fact_names.csv")}


@cache
def _parameter_table() -> dict[tuple[str, str], ParameterName]:
    return {
        (row["leaf"], row["model"]): ParameterName(row["ko"], row["en"], row["unit"], row["basis"])
        for row in _rows("parameter_names.csv")
    }


def _rows(name: str) -> list[dict[str, str]]:
    with (_FOLDER / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
