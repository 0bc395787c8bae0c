"""A listening test from folders of samples and from a registered version, out and in again."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from fakes.report_inputs import write_samples
from fixture_evidence import NOW, evidence, laptop_params
from memory_registry import MemoryRegistry, run_id

from components.core.errors import ConfigError, DataError
from components.core.params.review import CatchParams
from components.core.ports import MetricPoint
from components.promotion.gate import decide
from components.reporting.listening_ratings import read_key, read_ratings
from components.reporting.listening_results import MOS, RESULTS_TAG
from components.stages.listening_test import ListeningWish, lines, make, read

BASE = laptop_params()
ASKED = BASE.review.listening.model_copy(
    update={
        "sentences_per_language": 1,
        "abx_per_language": 1,
        "raters_min": 2,
        "catch": CatchParams(trials=1, mos_max=2, failures_max=0),
    }
)
PARAMS = BASE.model_copy(update={"review": BASE.review.model_copy(update={"listening": ASKED})})
OPINION = {"system": 4, "reference": 5, "low_anchor": 2, "catch": 1}


class Store:
    """A tracker whose only artefacts are samples, and who remembers what is added to runs."""

    def __init__(self, samples: Path) -> None:
        self.samples = samples
        self.added: dict[str, tuple[list[MetricPoint], dict[str, str]]] = {}

    def fetch(self, run_id: str, folder: str, target: Path) -> Path:
        assert folder == "evaluation/samples"
        return self.samples

    def annotate(self, run_id: str, points: list[MetricPoint], tags: dict[str, str]) -> None:
        self.added[run_id] = (points, tags)


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_samples(tmp_path_factory.mktemp("samples") / "a", 8, seconds=0.3)


@pytest.fixture
def shop(samples: Path) -> tuple[Any, Any]:
    registry = MemoryRegistry()
    registry.candidate(evidence(run_id=run_id()))
    return Store(samples), registry


def made(shop: tuple[Any, Any], samples: Path, out: Path, **changes: Any) -> Path:
    tracker, registry = shop
    wish = ListeningWish(["fastpitch:1"], [], [("기준선", samples)], 5)
    make(PARAMS, tracker, registry, replace(wish, **changes), out)
    return out


def answers(out: Path) -> dict[str, str]:
    test, _ = read_key(out / "operator" / "key.json")
    found = {one.trial: str(OPINION[one.role]) for one in test.mos}
    return found | {one.trial: one.x_is for one in test.abx}


def page_ratings(out: Path, rater: str, given: dict[str, str]) -> Path:
    test, _ = read_key(out / "operator" / "key.json")
    rows = [{"trial": trial, "answer": answer, "plays": 1, "seconds": 1} for trial, answer in given.items()]
    value = {"format": "iris-listening-ratings/1", "test_id": test.test_id, "rater": rater, "answers": rows}
    path = out / f"{rater}.json"
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


def test_what_listeners_get_names_no_system_and_the_key_lies_apart(
    shop: tuple[Any, Any], samples: Path, tmp_path: Path
) -> None:
    out = made(shop, samples, tmp_path / "평가")
    page = (out / "listeners" / "listening-test.html").read_text(encoding="utf-8")
    form = openpyxl.load_workbook(out / "listeners" / "listening-form.xlsx")
    cells = [str(cell) for row in form["청취 평가"].iter_rows(values_only=True) for cell in row]
    shown = re.sub(r"base64,[A-Za-z0-9+/=]+", "", page) + " ".join(cells)
    for secret in ("fastpitch", "기준선", "reference", "anchor", "x_is", "ko_00", "ref.wav"):
        assert secret not in shown, secret
    assert not list((out / "listeners").rglob("*key*"))
    key = (out / "operator" / "key.json").read_text(encoding="utf-8")
    assert "fastpitch:1" in key
    test, systems = read_key(out / "operator" / "key.json")
    assert systems["fastpitch:1"]["version"] == "1"
    assert len(list((out / "listeners" / "clips").iterdir())) == len(test.mos) + 3 * len(test.abx)
    assert not re.search(r"(?:src|href)=[\"']?https?:|@import|fetch\(|<link", shown)
    again = made(shop, samples, tmp_path / "again")
    for name in ("listening-test.html", "listening-form.xlsx"):
        assert (again / "listeners" / name).read_bytes() == (out / "listeners" / name).read_bytes()


def test_ratings_of_page_table_and_form_become_evidence_that_gates_nothing(
    shop: tuple[Any, Any], samples: Path, tmp_path: Path
) -> None:
    tracker, registry = shop
    out = made(shop, samples, tmp_path / "t")
    given = answers(out)
    key = out / "operator" / "key.json"
    files = [page_ratings(out, "P1", given)]
    table = out / "P2.csv"
    with table.open("w", encoding="utf-8-sig", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("test_id", "rater", "trial", "answer", "plays", "seconds"))
        rows.writerows(
            (read_key(key)[0].test_id, "P2", trial, answer, 1, 1) for trial, answer in given.items()
        )
    book = openpyxl.load_workbook(out / "listeners" / "listening-form.xlsx")
    sheet = book["청취 평가"]
    sheet["E3"] = "P3"
    for row in sheet.iter_rows(min_row=6):
        answer = given[str(row[1].value)]
        row[4].value = int(answer) if answer.isdigit() else answer.lower()
    book.save(out / "P3.xlsx")
    lazy = dict.fromkeys(given, "5")
    found = read(
        PARAMS,
        tracker,
        registry,
        [*files, table, out / "P3.xlsx", page_ratings(out, "lazy", lazy)],
        key,
        True,
    )
    assert found.raters == ("P1", "P2", "P3")
    told = "\n".join(lines(found))
    assert "left out lazy" in told
    assert "MOS 4.00 [4.00, 4.00]  fastpitch:1" in told
    version = registry.by_version("fastpitch", "1")
    kept = registry.evidence_of(version)
    assert kept is not None
    opinion = kept.metric(MOS)
    assert opinion is not None
    assert (opinion.value, opinion.evidence, opinion.evaluator.id) == (4.0, "measured", "listeners")
    assert (opinion.ceiling, opinion.floor) == (5.0, 2.0)
    assert opinion.run_id == version.run_id
    tags = tracker.added[version.run_id][1]
    assert tags["listening.raters"] == "3"
    (pair,) = json.loads(tags[RESULTS_TAG])["abx"]
    assert (pair["first"], pair["second"], pair["correct"]) == ("fastpitch:1", "기준선", pair["n"])
    written = json.loads((key.parent / "results.json").read_text(encoding="utf-8"))
    assert written["evidence"] == ["fastpitch v1"]
    reasons = decide(
        model="fastpitch", evidence=kept, kpi=PARAMS.kpi, evaluation=PARAMS.evaluation, champion=None,
        champion_version=None, now=NOW, seed=1,
    ).reasons  # fmt: skip
    assert MOS not in {reason.kpi for reason in reasons}


def test_too_few_raters_stay_out_of_the_evidence_and_nobody_left_is_an_error(
    shop: tuple[Any, Any], samples: Path, tmp_path: Path
) -> None:
    tracker, registry = shop
    out = made(shop, samples, tmp_path / "t")
    key = out / "operator" / "key.json"
    found = read(PARAMS, tracker, registry, [page_ratings(out, "P1", answers(out))], key, True)
    assert "at least 2" in "\n".join(lines(found))
    assert not tracker.added
    lazy = page_ratings(out, "lazy", dict.fromkeys(answers(out), "5"))
    with pytest.raises(DataError, match="passed the catch trials"):
        read(PARAMS, tracker, registry, [lazy], key, True)


def test_ratings_of_another_test_twice_or_broken_are_named(
    shop: tuple[Any, Any], samples: Path, tmp_path: Path
) -> None:
    out = made(shop, samples, tmp_path / "t")
    test, _ = read_key(out / "operator" / "key.json")
    good = page_ratings(out, "P1", answers(out))
    for name, content in (("x.json", "{"), ("x.csv", "a,b\n1,2\n"), ("x.xlsx", "no zip"), ("x.txt", "")):
        (out / name).write_text(content, encoding="utf-8")
        with pytest.raises(DataError, match=re.escape(name)):
            read_ratings([out / name], test.test_id)
    with pytest.raises(DataError, match="second time"):
        read_ratings([good, good], test.test_id)
    with pytest.raises(DataError, match="ratings of test other"):
        read_ratings([good], "other")


def test_a_folder_with_files_is_not_written_over(
    shop: tuple[Any, Any], samples: Path, tmp_path: Path
) -> None:
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "ratings.json").write_text("precious", encoding="utf-8")
    with pytest.raises(ConfigError, match="empty folder"):
        made(shop, samples, tmp_path / "t")
