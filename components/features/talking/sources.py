"""Which clips a network learns from, and what each is made of."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from components.core.params.data import SplitParams
from components.core.params.video import DrawnFaces
from components.core.utterance import Language, PhonemeTiming
from components.data.corpus import Corpus
from components.data.splits import sentence_key, split_of
from components.data.video.lrs2 import VIDEO_FOLDER, read_lrs2

Learner = Literal["model", "evaluator"]
"""Who learns: what is judged, or what judges. They share no voice and no face."""
_UNSEEN = "unseen"
_NO_CONSENT = "no consent of {speaker} in consent.csv covers the face (scope) / 얼굴 사용 동의 없음"
_TO_EVALUATORS = 4
"""One recorded speaker in so many serves the evaluators."""


@dataclass(frozen=True)
class DrawnSource:
    """A generated recording, to which a face is drawn."""

    audio: Path
    sha256: str
    timings: tuple[PhonemeTiming, ...]


@dataclass(frozen=True)
class VideoSource:
    """A recorded video."""

    path: Path


@dataclass(frozen=True)
class ClipSource:
    """One clip to be made; see `components.features.talking.store.TalkingRow`."""

    clip_id: str
    speaker: str
    person: str
    role: str
    part: str
    language: str
    duration_s: float
    consent: str
    source: DrawnSource | VideoSource


def sources(
    corpora: Sequence[Path], learner: Learner, drawn: DrawnFaces, splits: SplitParams, seed: int
) -> tuple[list[ClipSource], dict[str, str]]:
    """Clips of a learner, sorted, and those that cannot be used with the reason.

    Drawn: recordings whose sounds are timed. Voices of the learner's role train and validate, by the split of
    the sentence; ``test`` are the unseen voices with sentences that the learner's voices never say in
    training, and with faces of their own. Recorded: whole speakers are held out, and a speaker without a
    consent that covers the face is left out.
    """
    read = [Corpus(folder) for folder in corpora]
    trained = {
        sentence_key(row.text, row.language)
        for corpus in read
        for row in corpus.rows
        if row.role == learner and row.split == "train"
    }
    found = [one for corpus in read for one in _drawn(corpus, learner, drawn, trained)]
    kept = [one for part in ("train", "validation", "test") for one in _thinned(found, part, drawn)]
    rejected: dict[str, str] = {}
    for corpus in read:
        folder = corpus.folder / VIDEO_FOLDER
        if folder.is_dir():
            videos = read_lrs2(folder)
            rejected |= videos.rejected
            for clip in videos.clips:
                if not _serves(clip.speaker, learner):
                    continue
                name, consent = f"{corpus.name}/{clip.clip_id}", _of_face(corpus, clip.speaker)
                if not consent:
                    rejected[name] = _NO_CONSENT.format(speaker=clip.speaker)
                    continue
                part = split_of(clip.speaker, "", clip.speaker, splits, seed)
                source = VideoSource(clip.path)
                kept.append(
                    ClipSource(name, clip.speaker, clip.speaker, "human", part, "", 0.0, consent, source)
                )
    return sorted(kept, key=lambda one: one.clip_id), rejected


def _drawn(corpus: Corpus, learner: Learner, drawn: DrawnFaces, trained: set[str]) -> Iterator[ClipSource]:
    for row in corpus.rows:
        timings = corpus.timings.get(row.utterance_id, ())
        if not timings:
            continue
        part: str
        if row.role == learner and row.split != "test":
            part = row.split
        elif row.role == _UNSEEN and sentence_key(row.text, row.language) not in trained:
            part = "test"
        else:
            continue
        person = f"{row.role}-{_number(row.utterance_id) % drawn.identities}"
        source = DrawnSource(corpus.audio(row), row.sha256, timings)
        yield ClipSource(
            row.utterance_id,
            row.speaker_id,
            person,
            row.role,
            part,
            cast("Language", row.language),
            row.duration_s,
            row.consent,
            source,
        )


def _of_face(corpus: Corpus, speaker: str) -> str:
    """Id of a speaker's consent that covers the face, the latest by its id; "" without one.

    Whether it still holds is asked before a training, as of every recording.
    """
    own = (one for one in corpus.consents.values() if one.speaker_id == speaker)
    return max((one.consent_id for one in own if one.covers_face()), default="")


def _thinned(clips: Sequence[ClipSource], part: str, drawn: DrawnFaces) -> list[ClipSource]:
    """At most ``max_minutes`` of a part, evenly over the sorted clips."""
    own = sorted((one for one in clips if one.part == part), key=lambda one: one.clip_id)
    minutes = sum(one.duration_s for one in own) / 60.0
    share = min(1.0, drawn.max_minutes / minutes) if minutes else 1.0
    return [
        one for place, one in enumerate(own) if math.floor((place + 1) * share) > math.floor(place * share)
    ]


def _serves(speaker: str, learner: Learner) -> bool:
    evaluates = _number(f"evaluator|{speaker}") % _TO_EVALUATORS == 0
    return evaluates == (learner == "evaluator")


def _number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
