"""Consent records: who agreed to what, whether it holds on a day, and what a withdrawal reaches."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from components.core.errors import DataError
from components.core.utterance import ConsentBasis, Utterance
from components.data.csv_table import bad_row, records, table_text

CONSENT_NAME = "consent.csv"
_SCOPE_SEPARATOR = ";"
#: What a recording must be allowed for before a model learns from it.
TRAINING = "train"
#: What a video must be allowed for besides.
FACE = "face"


class ConsentRecord(BaseModel):
    """One agreement of one speaker; the columns of ``consent.csv`` in this order.

    A document must be named by its sha256, be signed, and name its scope (train, clone, publish, languages,
    face); generated voices (``synthetic``) and licensed recordings (``licence``) need none of these.
    """

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    consent_id: str = Field(min_length=1)
    speaker_id: str = Field(min_length=1)
    basis: ConsentBasis
    document_sha256: str = Field(pattern=r"^([0-9a-f]{64})?$")
    scope: tuple[str, ...]
    signed: datetime.date | None
    expires: datetime.date | None = Field(description="last day on which it holds")
    withdrawn: datetime.date | None = Field(description="first day on which it no longer holds")

    @classmethod
    def of_licence(cls, consent_id: str, speaker_id: str) -> Self:
        """A published corpus: whoever spoke agreed to its licence, and no document is in our hands."""
        return cls._without_document(consent_id, speaker_id, "licence")

    @classmethod
    def of_synthetic(cls, consent_id: str, speaker_id: str) -> Self:
        """A generated voice: nobody's."""
        return cls._without_document(consent_id, speaker_id, "synthetic")

    @classmethod
    def _without_document(cls, consent_id: str, speaker_id: str, basis: ConsentBasis) -> Self:
        return cls(
            consent_id=consent_id,
            speaker_id=speaker_id,
            basis=basis,
            document_sha256="",
            scope=(),
            signed=None,
            expires=None,
            withdrawn=None,
        )

    @model_validator(mode="after")
    def _document_is_complete(self) -> Self:
        if self.basis == "document" and not (self.document_sha256 and self.scope and self.signed):
            message = "basis document needs document_sha256, scope and signed"
            raise ValueError(message)
        return self

    def objection(self, speaker_id: str, day: datetime.date) -> str:
        """Why a recording of ``speaker_id`` may not train on ``day``; "" when it may."""
        if speaker_id != self.speaker_id:
            return f"{self.consent_id} is the consent of {self.speaker_id}"
        if self.withdrawn and self.withdrawn <= day:
            return f"{self.consent_id} was withdrawn on {self.withdrawn}"
        if self.expires and self.expires < day:
            return f"{self.consent_id} expired on {self.expires}"
        if self.signed and self.signed > day:
            return f"{self.consent_id} is signed for {self.signed}"
        if self.basis == "document" and TRAINING not in self.scope:
            return f"{self.consent_id} covers {', '.join(self.scope)} only"
        return ""


    def covers_face(self) -> bool:
        """Whether pictures may be used; nobody's face and a licensed one are no question of a document."""
        return self.basis != "document" or FACE in self.scope


CONSENT_COLUMNS: tuple[str, ...] = tuple(ConsentRecord.model_fields)
Consents = Mapping[str, ConsentRecord]


def consent_text(consents: Consents) -> str:
    """Consent records as CSV text, sorted by id."""
    return table_text(CONSENT_COLUMNS, (_cells(consents[consent_id]) for consent_id in sorted(consents)))


def read_consents(path: Path) -> dict[str, ConsentRecord]:
    """Consent id → record; empty where the file does not exist.

    Raises:
        DataError: unreadable, an invalid record or an id that stands twice, named by its row.
    """
    if not path.exists():
        return {}
    consents: dict[str, ConsentRecord] = {}
    for number, cells in records(path, CONSENT_COLUMNS):
        try:
            record = _record(cells)
        except ValidationError as error:
            first = error.errors()[0]
            column = ".".join(map(str, first["loc"])) or cells["consent_id"]
            raise bad_row(path, number, f"{column}: {first['msg']}", repr(first["input"])) from error
        except ValueError as error:
            raise bad_row(path, number, "dates as YYYY-MM-DD", str(error)) from error
        if record.consent_id in consents:
            raise bad_row(path, number, "a consent_id that stands once", f"{record.consent_id} again")
        consents[record.consent_id] = record
    return consents


def register(data: Path) -> dict[str, ConsentRecord]:
    """The consent records of every corpus below ``data``, by id; empty where there is none.

    Raises:
        DataError: a table that cannot be read, or one id for two speakers.
    """
    found: dict[str, ConsentRecord] = {}
    for path in sorted(data.glob(f"*/{CONSENT_NAME}")):
        if not path.parent.name.startswith("."):
            _add(found, read_consents(path))
    return found


def register_with_shipped(data: Path, shipped: Path) -> dict[str, ConsentRecord]:
    """The same, and the records that travel with the weights in ``shipped``: their recordings may not be here.

    Such a record says under which licence somebody spoke, or that nobody did, and whether that was withdrawn
    when the weights were shipped. An agreement (``document``) does not travel: whether it still stands only
    the register knows that the person's word reaches.

    Raises:
        DataError: as `register`, or an agreement among the shipped records.
    """
    found, travelling = register(data), read_consents(shipped / CONSENT_NAME)
    for consent_id, record in travelling.items():
        if record.basis == "document":
            raise DataError(
                who=f"consent {consent_id} in {shipped / CONSENT_NAME}",
                expected="a licence or a generated voice",
                found="an agreement of a person, whose withdrawal would not be heard of there",
                action="take the row out; keep the agreement in the register of its corpus",
            )
    _add(found, travelling)
    return found


def _add(found: dict[str, ConsentRecord], records: Consents) -> None:
    for consent_id, record in records.items():
        known = found.setdefault(consent_id, record)
        if known.speaker_id != record.speaker_id:
            raise _conflict(consent_id, f"speaker {known.speaker_id} everywhere", record.speaker_id)
        if record.withdrawn and not known.withdrawn:
            found[consent_id] = record  # withdrawn in one place is withdrawn


def merged(known: Consents, offered: Consents) -> dict[str, ConsentRecord]:
    """``known`` updated by ``offered``; an update may end a consent, never revive a withdrawn one.

    Raises:
        DataError: ``offered`` gives a consent to another speaker, or takes a withdrawal back.
    """
    for consent_id, new in offered.items():
        old = known.get(consent_id)
        if old and old.speaker_id != new.speaker_id:
            raise _conflict(consent_id, f"speaker {old.speaker_id} as recorded", new.speaker_id)
        if old and old.withdrawn and new.withdrawn is None:
            raise _conflict(consent_id, f"withdrawn on {old.withdrawn} as recorded", "no withdrawal")
    return {**known, **offered}


def reach(rows: Iterable[Utterance], speaker_id: str) -> tuple[Utterance, ...]:
    """Every recording that a withdrawal by ``speaker_id`` reaches."""
    return tuple(row for row in rows if row.speaker_id == speaker_id)


def _record(cells: Mapping[str, str]) -> ConsentRecord:
    days = {
        name: datetime.date.fromisoformat(cells[name]) if cells[name] else None
        for name in ("signed", "expires", "withdrawn")
    }
    scope = tuple(part.strip() for part in cells["scope"].split(_SCOPE_SEPARATOR) if part.strip())
    return ConsentRecord.model_validate({**cells, **days, "scope": scope})


def _cells(record: ConsentRecord) -> list[str]:
    cells = []
    for name in CONSENT_COLUMNS:
        value = getattr(record, name)
        cells.append(_SCOPE_SEPARATOR.join(value) if name == "scope" else "" if value is None else str(value))
    return cells


def _conflict(consent_id: str, expected: str, found: str) -> DataError:
    return DataError(
        who=f"consent {consent_id}",
        expected=expected,
        found=found,
        action="record a new agreement under a new consent_id",
    )
