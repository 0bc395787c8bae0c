"""Does it sound like the speaker: each sentence against the centroid of other recordings of the speaker."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from components.core.errors import NothingScoredError, VoicesNotRecordedError
from components.evaluation.embedding_store import EmbeddingStore
from components.evaluation.recordings import Panel
from components.evaluation.speaking import Spoken
from components.evaluation.verifier import MIN_CLIP_S, Floats, SpeakerVerifier, unit

#: Score of a sentence without usable voice: GE2E vectors have no negative entry, so no cosine is lower.
WORST = 0.0


@dataclass(frozen=True)
class Gallery:
    """The speakers' centroids, and what real recordings score against them. Never written anywhere.

    Attributes:
        centroids: unit vector [256] per speaker.
        references: recordings behind each centroid.
        ceiling: cosines of a speaker's other recordings to the own centroid.
        floor: cosines of recordings to another speaker's centroid.
    """

    centroids: Mapping[str, Floats] = field(repr=False)
    references: Mapping[str, int]
    ceiling: tuple[float, ...]
    floor: tuple[float, ...]


@dataclass(frozen=True)
class SimilarityScores:
    """Cosine per sentence id; ``voiceless`` were scored `WORST`, ``short`` had less than one window.

    ``vectors`` are of the sentences with a voice, by id; like the gallery's, never written anywhere.
    """

    per_sentence: Mapping[str, float]
    voiceless: tuple[str, ...]
    short: tuple[str, ...]
    vectors: Mapping[str, Floats] = field(repr=False)


def build_gallery(
    targets: Sequence[Panel],
    others: Sequence[Panel],
    store: EmbeddingStore,
    references_min: int,
    impostor_pairs: int,
    seed: int,
) -> Gallery:
    """Centroids of the target speakers, the ceiling, and the impostor floor.

    Args:
        targets: the candidate's speakers.
        others: further voices, impostors only.
        store: embeds recordings.
        references_min: recordings that a centroid needs.
        impostor_pairs: at most so many (recording, other speaker's centroid) pairs, drawn by ``seed``.

    Raises:
        VoicesNotRecordedError: targets with fewer references in which the verifier hears a voice.
    """
    references = {panel.speaker: _voiced(store.embed(panel.references)) for panel in targets}
    wanting = {name: len(found) for name, found in references.items() if len(found) < references_min}
    if wanting:
        raise _too_few(wanting, references_min)
    centroids = {speaker: unit(np.mean(vectors, axis=0)) for speaker, vectors in references.items()}
    probes = {panel.speaker: _voiced(store.embed(panel.probes)) for panel in [*targets, *others]}
    pairs = [
        (vector, centroid)
        for speaker, vectors in probes.items()
        for target, centroid in centroids.items()
        if target != speaker
        for vector in vectors
    ]
    drawn = random.Random(seed).sample(pairs, min(impostor_pairs, len(pairs)))
    return Gallery(
        centroids=centroids,
        references={speaker: len(vectors) for speaker, vectors in references.items()},
        ceiling=tuple(cosine(v, centroids[speaker]) for speaker in centroids for v in probes[speaker]),
        floor=tuple(cosine(vector, centroid) for vector, centroid in drawn),
    )


def score_similarity(
    spoken: Sequence[Spoken], gallery: Gallery, verifier: SpeakerVerifier
) -> SimilarityScores:
    """Cosine of each sentence to its speaker's centroid.

    A sentence with a fault, or in which the verifier hears no voice, scores `WORST`: leaving it out would
    raise the mean. A clip under one window is scored padded, as GE2E does, for the same reason.

    Raises:
        NothingScoredError: no sentence has a voice.
    """
    judged = [s for s in spoken if s.fault is None]
    vectors = verifier.embed([s.take.speech for s in judged])
    scores = dict.fromkeys((s.sentence.sentence_id for s in spoken), WORST)
    voiceless, heard = [], {}
    for sentence, vector in zip(judged, vectors, strict=True):
        if vector is None:
            voiceless.append(sentence.sentence.sentence_id)
        else:
            centroid = gallery.centroids[sentence.speaker]
            scores[sentence.sentence.sentence_id] = cosine(vector, centroid)
            heard[sentence.sentence.sentence_id] = vector
    if len(voiceless) == len(judged):
        raise NothingScoredError(
            who="speaker_similarity",
            expected="at least one sentence with a voice",
            found=f"{len(spoken)} sentences spoken, {len(spoken) - len(judged)} of them faulty, none voiced",
            action="listen to the samples, and look at the faults in the per-sentence table",
            details=[f"{s.sentence.sentence_id}: {s.fault}" for s in spoken if s.fault][:10],
        )
    short = [s.sentence.sentence_id for s in judged if s.take.speech.duration_s < MIN_CLIP_S]
    return SimilarityScores(scores, tuple(voiceless), tuple(short), heard)


def _voiced(vectors: Sequence[Floats | None]) -> list[Floats]:
    return [vector for vector in vectors if vector is not None]


def cosine(one: Floats, other: Floats) -> float:
    """Of two unit vectors."""
    return float(np.clip(one @ other, -1.0, 1.0))


def _too_few(found: Mapping[str, int], needed: int) -> VoicesNotRecordedError:
    """Names every voice: a model that was trained elsewhere may lack all of its recordings here."""
    absent = not any(found.values())
    return VoicesNotRecordedError(
        who=f"speaker_similarity of {', '.join(found)}",
        expected=f"at least {needed} held-out recordings each, of {MIN_CLIP_S} s or more and with a voice",
        found="none" if absent else ", ".join(f"{count} of {name}" for name, count in found.items()),
        action="ingest a corpus with recordings of these voices and name it in data.corpora, or retrain: "
        "that learns the voices that are here"
        if absent
        else "give them more test recordings, or raise data.splits.test",
    )
