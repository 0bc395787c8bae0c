"""Reads what came back from listeners (JSON, CSV or the xlsx form), and keeps the key that unblinds it."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from components.core.errors import CorruptFileError, DataError
from components.core.storage import write_json
from components.evaluation.listening_plan import AbxTrial, MosTrial, Plan
from components.evaluation.listening_scores import Ratings
from components.reporting.listening_sheet import FORM_HEADER_ROW, FORM_SHEET, RATER_CELL, TEST_CELL

KEY_FORMAT, RATINGS_FORMAT = "iris-listening-key/1", "iris-listening-ratings/1"
_Found = tuple[str, str, dict[str, str]]
_UNREADABLE = (
    OSError, ValueError, KeyError, TypeError, AttributeError, csv.Error, zipfile.BadZipFile,
    InvalidFileException,
)  # fmt: skip


def write_key(path: Path, test: Plan, systems: Mapping[str, Mapping[str, str]]) -> None:
    """Keep what each trial is.

    Args:
        path: apart from what listeners get.
        test: the plan.
        systems: name → model, version, run_id; empty for a folder of samples.
    """
    value = {
        "format": KEY_FORMAT,
        "test_id": test.test_id,
        "seed": test.seed,
        "order": list(test.systems),
        "systems": {name: dict(facts) for name, facts in systems.items()},
        "mos": [{**asdict(one), "clip": str(one.clip)} for one in test.mos],
        "abx": [{**asdict(one), "a": str(one.a), "b": str(one.b)} for one in test.abx],
    }
    write_json(path, value)


def read_key(path: Path) -> tuple[Plan, dict[str, dict[str, str]]]:
    """The plan, and what each system is.

    Raises:
        CorruptFileError: it is no key.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        if value["format"] != KEY_FORMAT:
            raise ValueError(f"format {value['format']!r}")
        plan = Plan(
            test_id=str(value["test_id"]),
            seed=int(value["seed"]),
            systems=tuple(value["order"]),
            mos=tuple(MosTrial(**{**one, "clip": Path(one["clip"])}) for one in value["mos"]),
            abx=tuple(AbxTrial(**{**one, "a": Path(one["a"]), "b": Path(one["b"])}) for one in value["abx"]),
        )
        return plan, {str(name): dict(facts) for name, facts in value["systems"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CorruptFileError(
            who=str(path),
            expected="the key that `listening-test make` wrote",
            found=f"{type(error).__name__}: {error}",
            action="name the file operator/key.json of that test with --key",
        ) from error


def read_ratings(paths: Iterable[Path], test_id: str) -> tuple[Ratings, ...]:
    """One `Ratings` a rater, in the order of the files.

    Raises:
        DataError: a file of another test, without a rater, unreadable, or a rater who stands in two files.
    """
    found: dict[str, Ratings] = {}
    for path in paths:
        test, rater, answers = _read(path)
        if test != test_id:
            raise _refused(path, f"ratings of test {test_id}", f"test {test or '(none)'}")
        if not rater:
            raise _refused(path, "the number of a rater", "none")
        if rater in found:
            raise _refused(path, "each rater in one file", f"rater {rater} a second time")
        found[rater] = Ratings(rater, answers)
    return tuple(found.values())


def _read(path: Path) -> _Found:
    readers = {".json": _from_json, ".csv": _from_csv, ".xlsx": _from_form}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise _refused(path, "a .json, .csv or .xlsx file", path.suffix or "no ending")
    try:
        return reader(path)
    except _UNREADABLE as error:
        told = f"{type(error).__name__}: {error}"
        raise _refused(path, "ratings as the page or the form saves them", told) from error


def _from_json(path: Path) -> _Found:
    value = json.loads(path.read_text(encoding="utf-8"))
    if value["format"] != RATINGS_FORMAT:
        raise ValueError(f"format {value['format']!r}")
    answers = {str(one["trial"]): _answer(one["answer"]) for one in value["answers"]}
    return str(value["test_id"]), str(value["rater"]).strip(), answers


def _from_csv(path: Path) -> _Found:
    text = path.read_text(encoding="utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    heads = {(row["test_id"], row["rater"].strip()) for row in rows}
    if len(heads) != 1:
        raise ValueError(f"{len(heads)} raters or tests in one file")
    ((test, rater),) = heads
    return test, rater, {row["trial"]: _answer(row["answer"]) for row in rows}


def _from_form(path: Path) -> _Found:
    sheet = openpyxl.load_workbook(path, data_only=True)[FORM_SHEET]
    answers = {}
    for row in sheet.iter_rows(min_row=FORM_HEADER_ROW + 1, values_only=True):
        if row[1]:
            answers[str(row[1])] = _answer(row[4])
    return str(sheet[TEST_CELL].value or ""), _answer(sheet[RATER_CELL].value), answers


def _answer(value: Any) -> str:
    """``4``, ``"4"`` and ``4.0`` (a spreadsheet's) alike; None is no answer."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if value is None else str(value).strip().upper()


def _refused(path: Path, expected: str, found: str) -> DataError:
    return DataError(
        who=str(path), expected=expected, found=found, action="ask the rater for the file, or leave it out"
    )
