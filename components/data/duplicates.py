"""Rows held against each other: one id, one recording, one text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from components.core.utterance import Utterance
from components.data.rejection import Refused, Rejection
from components.data.source import RawRow
from components.data.splits import sentence_key


@dataclass(frozen=True)
class Candidate:
    """A row that is fine by itself, its utterance, and where its audio lies in the source."""

    row: RawRow
    utterance: Utterance
    audio: Path


def settle(
    candidates: Iterable[Candidate], standing: Mapping[str, Utterance]
) -> tuple[list[Candidate], list[Rejection]]:
    """Leave one row for each id and for each recording.

    Of rows with one id, and of rows with the same audio and text, the first stays. Of rows with the same
    audio and different texts none stays, because nothing tells which text is right. What already stands in
    the corpus (``standing``) wins over any row.
    """
    first, rejected = _one_for_each_id(candidates)
    owners = {row.sha256: row for row in standing.values()}
    accepted: list[Candidate] = []
    for group in _by_audio(first):
        for place, candidate in enumerate(group):
            try:
                _check_standing(candidate, standing.get(candidate.utterance.utterance_id), owners)
                _check_group(candidate, place, group)
            except Refused as refused:
                rejected.append(refused.of(candidate.row))
            else:
                accepted.append(candidate)
    return accepted, rejected


def _one_for_each_id(candidates: Iterable[Candidate]) -> tuple[list[Candidate], list[Rejection]]:
    first: dict[str, Candidate] = {}
    rejected = []
    for candidate in candidates:
        holder = first.setdefault(candidate.utterance.utterance_id, candidate)
        if holder is not candidate:
            refused = Refused("duplicate_id", "an id that stands once", f"also row {holder.row.number}")
            rejected.append(refused.of(candidate.row))
    return list(first.values()), rejected


def _by_audio(candidates: Iterable[Candidate]) -> list[list[Candidate]]:
    groups: dict[str, list[Candidate]] = {}
    for candidate in candidates:
        groups.setdefault(candidate.utterance.sha256, []).append(candidate)
    return list(groups.values())


def _check_standing(candidate: Candidate, same_id: Utterance | None, owners: Mapping[str, Utterance]) -> None:
    if same_id is not None and same_id.sha256 != candidate.utterance.sha256:
        raise Refused("id_taken", "a new id for a new recording", "this id names another recording here")
    owner = owners.get(candidate.utterance.sha256)
    if owner is None:
        return
    if _said(owner) != _said(candidate.utterance):
        raise Refused("audio_with_two_texts", "one text for a recording", f"{owner.utterance_id} has another")
    if owner.utterance_id != candidate.utterance.utterance_id:
        raise Refused("duplicate_audio", "a recording that stands once", f"also {owner.utterance_id}")


def _check_group(candidate: Candidate, place: int, group: list[Candidate]) -> None:
    others = ", ".join(str(other.row.number) for other in group if other is not candidate)
    if len({_said(member.utterance) for member in group}) > 1:
        raise Refused("audio_with_two_texts", "one text for a recording", f"another text in row {others}")
    if place > 0:
        raise Refused("duplicate_audio", "a recording that stands once", f"also row {others}")


def _said(utterance: Utterance) -> str:
    return sentence_key(utterance.text, utterance.language)
