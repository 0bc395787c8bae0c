"""Promoters in processes of their own on one SQLite registry; ``make races`` runs 200 such rounds."""

from __future__ import annotations

from pathlib import Path

from racing_promoter import run_rounds


def test_the_best_of_the_racing_promoters_is_champion_every_time(tmp_path: Path) -> None:
    races = run_rounds(tmp_path, (2, 2, 2, 2, 2, 5), seed=3)
    assert races.findings == []
    assert races.rounds == 6
