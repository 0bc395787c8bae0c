"""The design of a blind listening test: which clips are heard, and what each of them really is.

MOS trials after ITU-T P.800 (five-point absolute category rating), with hidden recordings as the high anchor
and recordings under modulated noise (ITU-T P.810) as the low one. ABX trials are the classic kind: X is the
very clip A or the very clip B, and the listener says which (Munson & Gardner 1950). Catch trials have an
answer that nobody misses who listens.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from typing import Literal

from components.core.errors import DataError
from components.core.params.review import ListeningParams
from components.core.storage import sha256_json

MosRole = Literal["system", "reference", "low_anchor", "catch"]
AbxRole = Literal["pair", "catch"]


@dataclass(frozen=True)
class Take:
    """A sentence as a system said it; ``reference`` is a recording of the same speaker, None without one."""

    sentence_id: str
    language: str
    clip: Path
    reference: Path | None


@dataclass(frozen=True)
class System:
    """What is compared: a version of a model, or a folder of samples. ``name`` stands in the key only."""

    name: str
    takes: Mapping[str, Take]


@dataclass(frozen=True)
class MosTrial:
    """One clip to rate from 1 to 5; ``q_db`` is the modulated noise laid over it, None for none."""

    trial: str
    role: MosRole
    system: str
    sentence_id: str
    language: str
    clip: Path
    q_db: float | None


@dataclass(frozen=True)
class AbxTrial:
    """Two clips and a third that is one of them. ``x_is`` is the right answer."""

    trial: str
    role: AbxRole
    first: str
    second: str
    sentence_id: str
    language: str
    a: Path
    b: Path
    x_is: Literal["A", "B"]


@dataclass(frozen=True)
class Plan:
    """A whole test, its trials in the order of the form. ``test_id`` stands on every sheet and in the key."""

    test_id: str
    seed: int
    systems: tuple[str, ...]
    mos: tuple[MosTrial, ...]
    abx: tuple[AbxTrial, ...]


def plan(systems: Sequence[System], asked: ListeningParams, seed: int) -> Plan:
    """Choose sentences and trials; the same systems and seed give the same test.

    Args:
        systems: at least one; every system says the same sentences.
        asked: how many of which.
        seed: of every choice and every order.

    Raises:
        DataError: no system, a name twice, no sentence in common, or no recording for the anchors.
    """
    _check(systems)
    dice = random.Random(seed)
    shared = _shared(systems)
    sentences = _chosen(shared, asked.sentences_per_language, dice)
    recordings = _recordings(systems)
    mos = [*_rated(systems, sentences), *_anchors(recordings, asked, dice)]
    abx = [*_pairs(systems, shared, asked, dice), *_abx_catches(systems, shared, asked, dice)]
    dice.shuffle(mos)
    dice.shuffle(abx)
    named = [MosTrial(**{**vars(one), "trial": f"m{number:03d}"}) for number, one in enumerate(mos, start=1)]
    compared = [
        AbxTrial(**{**vars(one), "trial": f"x{number:03d}"}) for number, one in enumerate(abx, start=1)
    ]
    names = tuple(system.name for system in systems)
    content = [seed, names, [*map(asdict, named), *map(asdict, compared)]]
    test_id = sha256_json(_plain(content))[:12]
    return Plan(test_id, seed, names, tuple(named), tuple(compared))


def _check(systems: Sequence[System]) -> None:
    names = [system.name for system in systems]
    if not names or len(set(names)) < len(names):
        raise DataError(
            who="listening test",
            expected="one system or more, each once",
            found=", ".join(names) or "none",
            action="name them with --versions, --model or --samples",
        )


def _shared(systems: Sequence[System]) -> dict[str, list[str]]:
    """Language → sentences that every system said."""
    common = set.intersection(*(set(system.takes) for system in systems))
    first = systems[0].takes
    shared: dict[str, list[str]] = {}
    for name in sorted(common):
        shared.setdefault(first[name].language, []).append(name)
    if not shared:
        raise DataError(
            who="listening test",
            expected="sentences that all systems said",
            found="none",
            action="evaluate them on the same sentences first",
        )
    return shared


def _chosen(shared: Mapping[str, list[str]], count: int, dice: random.Random) -> list[str]:
    """``count`` sentences of each language, or all where there are fewer."""
    return [
        name
        for language in sorted(shared)
        for name in sorted(dice.sample(shared[language], min(count, len(shared[language]))))
    ]


def _recordings(systems: Sequence[System]) -> list[Take]:
    """A take for each reference recording, once."""
    found: dict[tuple[str, str], Take] = {}
    for system in systems:
        for name in sorted(system.takes):
            take = system.takes[name]
            if take.reference is not None:
                found.setdefault((take.language, take.reference.name), take)
    if not found:
        raise DataError(
            who="listening test",
            expected="recordings for the anchors (column reference of the samples)",
            found="none",
            action="evaluate again, or name samples with references",
        )
    return list(found.values())


def _rated(systems: Sequence[System], sentences: Sequence[str]) -> list[MosTrial]:
    return [
        MosTrial("", "system", system.name, name, system.takes[name].language, system.takes[name].clip, None)
        for system in systems
        for name in sentences
    ]


def _anchors(recordings: Sequence[Take], asked: ListeningParams, dice: random.Random) -> list[MosTrial]:
    """High and low anchors of each language, and the catch trials, all from recordings."""
    by_language: dict[str, list[Take]] = {}
    for take in recordings:
        by_language.setdefault(take.language, []).append(take)
    trials = []
    for language in sorted(by_language):
        for number in range(asked.anchors_per_language):
            take = by_language[language][number % len(by_language[language])]
            trials.append(_recorded("reference", take, None, number))
            trials.append(_recorded("low_anchor", take, asked.low_anchor_q_db, number))
    for number in range(asked.catch.trials):
        trials.append(_recorded("catch", dice.choice(recordings), asked.catch_q_db, number))
    return trials


def _recorded(role: MosRole, take: Take, q_db: float | None, number: int) -> MosTrial:
    if take.reference is None:
        raise LookupError(take.sentence_id)
    return MosTrial("", role, "", f"{role}-{take.language}-{number}", take.language, take.reference, q_db)


def _pairs(
    systems: Sequence[System], shared: Mapping[str, list[str]], asked: ListeningParams, dice: random.Random
) -> list[AbxTrial]:
    trials = []
    for first, second in combinations(systems, 2):
        for name in _chosen(shared, asked.abx_per_language, dice):
            ours, theirs = (first, second) if dice.random() < 0.5 else (second, first)
            a, b = ours.takes[name], theirs.takes[name]
            x_is: Literal["A", "B"] = "A" if dice.random() < 0.5 else "B"
            trials.append(
                AbxTrial("", "pair", ours.name, theirs.name, name, a.language, a.clip, b.clip, x_is)
            )
    return trials


def _abx_catches(
    systems: Sequence[System], shared: Mapping[str, list[str]], asked: ListeningParams, dice: random.Random
) -> list[AbxTrial]:
    """A and B say different sentences: X tells itself. Only where there is an ABX test at all."""
    names = [name for language in sorted(shared) for name in shared[language]]
    if len(systems) < 2 or not asked.abx_per_language or len(names) < 2:
        return []
    trials = []
    for _ in range(asked.catch.trials):
        takes = dice.choice(systems).takes
        one, other = (takes[name] for name in dice.sample(names, 2))
        x_is: Literal["A", "B"] = "A" if dice.random() < 0.5 else "B"
        trials.append(
            AbxTrial("", "catch", "", "", one.sentence_id, one.language, one.clip, other.clip, x_is)
        )
    return trials


def _plain(value: object) -> object:
    """Paths by their names: where a folder lies does not change a test."""
    if isinstance(value, Path):
        return value.name
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value
