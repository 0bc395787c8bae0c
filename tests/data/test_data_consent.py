"""Consent records: complete, dated, and never revived."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest
from source_folder import CONSENT

from components.core.errors import DataError
from components.core.paths import project_root
from components.data.consent import (
    CONSENT_COLUMNS,
    CONSENT_NAME,
    ConsentRecord,
    consent_text,
    merged,
    reach,
    read_consents,
    register_with_shipped,
)
from components.delivery.consents import consents_of

DAY = datetime.date(2026, 1, 15)
DOCUMENT = ConsentRecord(
    consent_id="c2",
    speaker_id="s2",
    basis="document",
    document_sha256="a" * 64,
    scope=("train", "clone"),
    signed=DAY,
    expires=DAY + datetime.timedelta(days=10),
    withdrawn=None,
)


def test_records_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "consent.csv"
    path.write_text(consent_text({"c2": DOCUMENT, "c1": CONSENT}), encoding="utf-8")
    assert read_consents(path) == {"c1": CONSENT, "c2": DOCUMENT}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("c1,s1,promise,,,,,", "row 2.*basis"),
        ("c1,s1,document,,train,2026-01-01,,", "row 2.*document_sha256"),
        (f"c1,s1,document,{'a' * 64},,2026-01-01,,", "row 2.*scope"),
        ("c1,s1,licence,,,yesterday,,", "row 2.*YYYY-MM-DD"),
        ("c1,s1,licence,,,,,\nc1,s1,licence,,,,,", "row 3.*c1 again"),
    ],
)
def test_a_bad_record_is_named_by_its_row(row: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "consent.csv"
    path.write_text(f"{','.join(CONSENT_COLUMNS)}\n{row}\n")
    with pytest.raises(DataError, match=message):
        read_consents(path)


@pytest.mark.parametrize(("days", "holds"), [(-1, False), (0, True), (10, True), (11, False)])
def test_it_holds_from_signing_to_expiry(days: int, holds: bool) -> None:
    assert (DOCUMENT.objection("s2", DAY + datetime.timedelta(days=days)) == "") is holds


def test_a_withdrawal_is_final() -> None:
    withdrawn = DOCUMENT.model_copy(update={"withdrawn": DAY})
    assert merged({"c2": DOCUMENT}, {"c2": withdrawn})["c2"].objection("s2", DAY)
    with pytest.raises(DataError, match="withdrawn on"):
        merged({"c2": withdrawn}, {"c2": DOCUMENT})
    with pytest.raises(DataError, match="speaker s2"):
        merged({"c2": DOCUMENT}, {"c2": DOCUMENT.model_copy(update={"speaker_id": "s3"})})


def test_reach_lists_what_a_speaker_recorded() -> None:
    from test_data_splits import row

    rows = [row(1, "a", "train"), row(2, "b", "test", speaker="s2"), row(3, "c", "test", speaker="s2")]
    assert [reached.utterance_id for reached in reach(rows, "s2")] == ["u2", "u3"]


def test_an_agreement_of_a_person_does_not_travel_with_weights(tmp_path: Path) -> None:
    (tmp_path / CONSENT_NAME).write_text(consent_text({"c2": DOCUMENT}), encoding="utf-8")
    with pytest.raises(DataError, match="an agreement of a person"):
        register_with_shipped(tmp_path / "data", tmp_path)


def test_every_voice_behind_shipped_weights_stands_in_their_register() -> None:
    shipped = project_root() / "pretrained"
    known, today = register_with_shipped(shipped / "nowhere", shipped), datetime.date(2026, 11, 29)
    for folder in sorted(path.parent for path in shipped.glob("*/model.json")):
        for speaker, consent_id in consents_of(folder).items():
            assert consent_id in known, f"{folder.name}: add {consent_id} to pretrained/consent.csv"
            assert known[consent_id].objection(speaker, today) == "", folder.name
