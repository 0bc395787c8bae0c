"""What is found out about conversions beside the KPIs: how far from the source, how close to its melody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from components.core.errors import DataError
from components.core.metrics import Evaluator
from components.core.params.data import ValidationParams
from components.evaluation.audio_faults import audio_fault
from components.evaluation.converting import into
from components.evaluation.pronunciation import Recogniser, Score, score_recordings
from components.evaluation.recordings import Recording, panel
from components.evaluation.sources import Source, heard_at
from components.evaluation.speaker_similarity import WORST, Gallery, cosine
from components.evaluation.verifier import Floats, SpeakerVerifier, unit
from components.features.pitch import PitchAnalysis, f0_where_voiced
from components.nn.contracts import Speech
from components.nn.conversion import VoiceConverter

#: Frames of the comparison, as WORLD's own default: 5 ms would say the same twice.
_FRAME_MS = 10
#: Voiced frames (0.1 s) below which a correlation says nothing.
_FRAMES_MIN = 10


def f0_judge(analysis: PitchAnalysis) -> Evaluator:
    """Who judges the melody."""
    return Evaluator(
        id=f"pyworld {analysis.method}",
        version=f"StoneMask, {_FRAME_MS} ms",
        weights_sha256="",
        kind="reference",
    )


def f0_correlation(source: Speech, made: Speech, analysis: PitchAnalysis) -> float | None:
    """Pearson's r of ln f0 over the frames that are voiced in both; a key changed by any interval is 1.

    Returns:
        None where the source has too few voiced frames, or a level pitch: there is no melody to keep. 0 where
        the conversion lost it.
    """
    said, kept = _course(source, analysis), _course(heard_at(made, source.sample_rate), analysis)
    kept = np.pad(kept[: len(said)], (0, max(0, len(said) - len(kept))))  # what is missing has no voice
    if np.sum(said > 0) < _FRAMES_MIN or np.ptp(said[said > 0]) == 0:
        return None
    both = (said > 0) & (kept > 0)
    if np.sum(both) < _FRAMES_MIN or np.ptp(kept[both]) == 0 or np.ptp(said[both]) == 0:
        return 0.0
    return float(np.corrcoef(np.log(said[both]), np.log(kept[both]))[0, 1])


def _course(speech: Speech, analysis: PitchAnalysis) -> Floats:
    """[T] Hz; nothing in audio that cannot be judged."""
    hop = speech.sample_rate * _FRAME_MS // 1000
    try:
        return f0_where_voiced(speech.samples, speech.sample_rate, hop, analysis)
    except DataError:
        return np.zeros(0, np.float32)


def source_similarities(
    sources: Sequence[Source], converted: Mapping[str, Floats], verifier: SpeakerVerifier, references_min: int
) -> tuple[dict[str, float], dict[str, float]]:
    """Cosine to the source's voice, of each source and of its conversion: what is left of who spoke.

    The centroid is that of the voice's other sources, never of the one that is compared.

    Args:
        converted: sentence id → vector of the conversion; one without a voice is no likeness to anybody.
        references_min: other sources with a voice, below which a sentence is not compared.

    Returns:
        Before and after, by the ids of the sentences that have both.
    """
    vectors = list(zip(sources, verifier.embed([one.speech for one in sources]), strict=True))
    before, after = {}, {}
    for source, vector in vectors:
        name = source.sentence.sentence_id
        others = [v for s, v in vectors if s.voice == source.voice and s is not source and v is not None]
        if vector is None or name not in converted or len(others) < references_min:
            continue
        centroid = unit(np.mean(others, axis=0))
        before[name], after[name] = cosine(vector, centroid), cosine(converted[name], centroid)
    return before, after


def between_people(
    people: Sequence[str], recordings: Sequence[Recording], at_most: int, seed: int
) -> list[tuple[Recording, str]]:
    """Held-out recordings of people and another of them as target; up to ``at_most`` for each target.

    Args:
        people: the recorded speakers among the targets.
        recordings: held-out ones.
    """
    pairs = []
    for target in people:
        others = [speaker for speaker in people if speaker != target]
        own = {speaker: panel(speaker, recordings, at_most, seed).references for speaker in others}
        turns = [own[s][i] for i in range(at_most) for s in others if i < len(own[s])]
        pairs += [(recording, target) for recording in turns[:at_most]]
    return pairs


def similarities(
    made: Mapping[str, tuple[str, Speech]],
    gallery: Gallery,
    verifier: SpeakerVerifier,
    limits: ValidationParams,
) -> dict[str, float]:
    """Cosine of conversions to their targets' centroids; without a usable voice the worst.

    Args:
        made: id → target and conversion.
    """
    sound = {name: made[name] for name in made if audio_fault(made[name][1].samples, limits) is None}
    vectors = verifier.embed([speech for _, speech in sound.values()])
    scores = dict.fromkeys(made, WORST)
    for (name, (target, _)), vector in zip(sound.items(), vectors, strict=True):
        if vector is not None:
            scores[name] = cosine(vector, gallery.centroids[target])
    return scores


def control(
    converter: VoiceConverter, transcribed: Sequence[Recording], at_most: int, seed: int, judge: Recogniser
) -> tuple[dict[str, Score], dict[str, Score]]:
    """The recogniser on the targets' own recordings, as they are and converted into the voice they are in.

    Nothing changes but the resynthesis, so this is what it costs; and it shows how the recogniser hears
    voices that it may not know.

    Args:
        transcribed: held-out recordings of the targets; up to ``at_most`` of each are taken.

    Returns:
        Scores by utterance id: as recorded, and resynthesised.
    """
    chosen = [
        r for target in converter.speakers for r in panel(target, transcribed, at_most, seed).references
    ]
    resynthesised = score_recordings(
        chosen, judge, lambda one: into(converter, one.load(), one.utterance.speaker_id)
    )
    return score_recordings(chosen, judge), resynthesised
