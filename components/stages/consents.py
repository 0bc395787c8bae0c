"""Whether the people behind a feature store still allow training: asked before a training begins.

The register is ``consent.csv`` of the corpora as they lie in ``data/`` today, not as a data version has them:
a withdrawal counts from the day it is written down.
"""

from __future__ import annotations

import datetime
from collections import Counter
from pathlib import Path

from components.core.errors import ConsentError
from components.core.storage import sha256_json
from components.data.consent import ConsentRecord, register
from components.data.csv_table import cell_rows
from components.features.flat_store import INDEX_NAME
from components.stages.contract import StageContext

_SPEAKER, _CONSENT = "speaker_id", "consent"


def require(context: StageContext) -> None:
    """Refuse features of a speaker who does not allow training today.

    Raises:
        ConsentError: names each speaker, since when, and what to do.
    """
    store, day = context.input("features", "store"), _today()
    ended = refusals(store, context.workspace.data, day)
    if not ended:
        return
    speakers = sorted({speaker for speaker, _ in ended})
    raise ConsentError(
        who=f"speaker {', '.join(speakers)} in the features of {context.model}",
        expected=f"a consent that holds on {day}",
        found="; ".join(dict.fromkeys(objection for _, objection in ended)),
        action=f"`python -m components withdraw --speaker {speakers[0]}` takes the recordings out (`lineage` "
        "tells what else they reached), or take in a new agreement under a new consent_id; then run ingest, "
        "version, validate and features again. Nothing was trained",
        details=[f"{speaker}: {count} rows, {why}" for (speaker, why), count in ended.items()],
    )


def fingerprint(context: StageContext) -> dict[str, str]:
    """Nothing while every consent holds; afterwards another key, so that training is asked again."""
    ended = refusals(context.input("features", "store"), context.workspace.data, _today())
    return {"consents": sha256_json(sorted(f"{who}: {why}" for who, why in ended))} if ended else {}


def refusals(store: Path, data: Path, day: datetime.date) -> dict[tuple[str, str], int]:
    """(speaker, objection) → rows of a feature store; a consent that no register holds is an objection.

    Raises:
        DataError: a store or a register that cannot be read.
    """
    if not (store / INDEX_NAME).is_file():
        return {}
    rows = cell_rows(store / INDEX_NAME)
    header = next(rows, [])
    if not {_SPEAKER, _CONSENT} <= set(header):
        return {}
    who, by = header.index(_SPEAKER), header.index(_CONSENT)
    counted = Counter((cells[who], cells[by]) for cells in rows)
    known = register(data)
    found = {
        (speaker, _objection(known.get(consent), consent, speaker, day)): count
        for (speaker, consent), count in counted.items()
    }
    return {key: count for key, count in sorted(found.items()) if key[1]}


def _objection(record: ConsentRecord | None, consent: str, speaker: str, day: datetime.date) -> str:
    if record is None:
        return f"{consent or 'no consent'} stands in no consent.csv"
    return record.objection(speaker, day)


def _today() -> datetime.date:
    """As ingest counts days: UTC."""
    return datetime.datetime.now(datetime.UTC).date()
