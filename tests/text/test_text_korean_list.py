"""How many of 500 words and phrases are pronounced as the standard has it (표준 발음법 and its dictionary).

The list was written from the standard's rules and examples before any rule was changed for it; the rules were
then improved on the half ``tuned`` alone. Alternatives that the standard allows are parted by a slash.
"""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest

from components.text import spoken

LIST = Path(__file__).with_name("korean_pronunciation_list.csv")
RULES = ("연음", "비음화", "유음화", "경음화", "격음화", "구개음화", "ㄴ-첨가", "겹받침")


def _rows() -> list[dict[str, str]]:
    with LIST.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def _is_standard(row: dict[str, str]) -> bool:
    return spoken(row["written"], "ko") in row["pronounced"].split("/")


def test_the_list_is_large_and_covers_every_rule() -> None:
    rows = _rows()
    counts = Counter(row["rule"] for row in rows)
    assert len(rows) >= 300
    assert len({row["written"] for row in rows}) == len(rows)
    assert all(counts[rule] >= 30 for rule in RULES)


@pytest.mark.parametrize("half", ["tuned", "blind"])
def test_at_least_97_in_100_are_standard(half: str) -> None:
    rows = [row for row in _rows() if row["half"] == half]
    wrong = [row["written"] for row in rows if not _is_standard(row)]
    assert len(wrong) / len(rows) <= 0.03, f"not standard: {', '.join(wrong)}"


@pytest.mark.parametrize("rule", RULES)
def test_no_rule_falls_behind(rule: str) -> None:
    rows = [row for row in _rows() if row["rule"] == rule]
    assert sum(map(_is_standard, rows)) / len(rows) >= 0.9
