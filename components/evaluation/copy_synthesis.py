"""Copy synthesis: recordings through mel and back, so that a vocoder is judged apart from a model.

Every figure stands beside what the recordings themselves score, on the same clips. Similarity alone
hides pitch errors, hence gross f0 error and voicing error beside it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import soxr
import torch
from torch import Tensor

from components.auxiliaries.vocoder.fidelity import Fidelity, fidelity, mean_fidelity
from components.core.edit_distance import EditCounts, edit_counts
from components.core.errors import DataError, NothingScoredError
from components.core.utterance import LANGUAGES
from components.evaluation.pronunciation import Recogniser
from components.evaluation.recordings import Panel, Recording
from components.evaluation.speaker_similarity import WORST
from components.evaluation.verifier import Floats, SpeakerVerifier
from components.features.mel import MelAnalysis, log_mel, magnitudes
from components.features.pitch import PitchAnalysis, f0
from components.nn.contracts import Speech
from components.nn.device import one_thread

#: (log_mel [T, n_mels], f0 [T]) → samples [(T - 1) · hop].
System = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Clip:
    """A recording at the vocoder's rate, and what systems are given of it.

    Attributes:
        recording: its row and file.
        speech: at the analysis' rate.
        mel: [T, n_mels] of the recording.
        f0: [T] Hz of the recording, 0 where unvoiced.
        given_mel, given_f0: what the systems get; the same, or made worse on purpose.
    """

    recording: Recording
    speech: Speech
    mel: Floats
    f0: Floats
    given_mel: Floats
    given_f0: Floats


@dataclass(frozen=True)
class CopyFigures:
    """One system over all clips.

    Attributes:
        values: speaker_similarity, mel_l1, gross_f0_error, voicing_error, n, rtf (CPU seconds per second of
            audio, one thread); phoneme_error_rate where a recogniser judges.
    """

    system: str
    values: Mapping[str, float]


@dataclass(frozen=True)
class CopyReport:
    """All systems on the same clips, and the recordings themselves.

    Attributes:
        ceiling: speaker_similarity and, with a recogniser, phoneme_error_rate of the recordings.
        systems: in the order they were given.
    """

    ceiling: Mapping[str, float]
    systems: tuple[CopyFigures, ...]


def load_clips(
    recordings: Sequence[Recording], analysis: MelAnalysis, pitch: PitchAnalysis
) -> tuple[list[Clip], dict[str, str]]:
    """Clips of recordings; those without a voiced frame, which nobody can be judged by, with the reason.

    Raises:
        DataError: a recording that cannot be read.
    """
    clips, left_out = [], {}
    for recording in recordings:
        speech = recording.load()
        samples = speech.samples
        if speech.sample_rate != analysis.sample_rate:
            samples = soxr.resample(samples, speech.sample_rate, analysis.sample_rate, quality="HQ")
        try:
            mel = log_mel(magnitudes(samples, analysis), analysis)
            course = f0(samples, analysis.sample_rate, analysis.hop_length, pitch)
        except DataError as error:
            left_out[recording.utterance.utterance_id] = f"{error.expected}: {error.found}"
            continue
        clips.append(Clip(recording, Speech(samples, analysis.sample_rate), mel, course, mel, course))
    return clips, left_out


def probes(panels: Sequence[Panel], at_most: int) -> list[Recording]:
    """Up to ``at_most`` recordings of each speaker that are not behind its centroid."""
    return [recording for panel in panels for recording in panel.probes[:at_most]]


def compare(
    systems: Mapping[str, System],
    clips: Sequence[Clip],
    centroids: Mapping[str, Floats],
    verifier: SpeakerVerifier,
    recogniser: Recogniser | None,
    analysis: MelAnalysis,
    pitch: PitchAnalysis,
) -> CopyReport:
    """Copy every clip with every system, in turns, and score the copies.

    Args:
        systems: name → vocoder.
        clips: from `load_clips`.
        centroids: of each clip's speaker.
        recogniser: hears copies and recordings; transcribed clips only.

    Raises:
        NothingScoredError: no clip, or a system whose copies have no voice.
    """
    if not clips:
        raise NothingScoredError(
            who="copy synthesis", expected="at least one clip", found="none", action="give it recordings"
        )
    copies, seconds = _copies(systems, clips)
    recordings = [clip.speech for clip in clips]
    ceiling = {"speaker_similarity": _similarity(recordings, clips, centroids, verifier)}
    ceiling |= _error_rate(recordings, clips, recogniser)
    duration = sum(speech.duration_s for speech in recordings)
    figures = []
    for name, made in copies.items():
        values = {
            "speaker_similarity": _similarity(made, clips, centroids, verifier),
            **mean_fidelity(_fidelities(made, clips, analysis, pitch)),
            **_error_rate(made, clips, recogniser),
            "rtf": seconds[name] / duration,
        }
        figures.append(CopyFigures(name, values))
    return CopyReport(ceiling, tuple(figures))


def _copies(
    systems: Mapping[str, System], clips: Sequence[Clip]
) -> tuple[dict[str, list[Speech]], dict[str, float]]:
    """Copies and CPU seconds; systems take turns, so that a busy neighbour disturbs all alike."""
    copies: dict[str, list[Speech]] = {name: [] for name in systems}
    seconds = dict.fromkeys(systems, 0.0)
    with one_thread():
        for place, clip in enumerate(clips):
            mel, course = torch.from_numpy(clip.given_mel), torch.from_numpy(clip.given_f0)
            for name, system in systems.items():
                if place == 0:
                    system(mel, course)  # the first call pays for plans and memory
                started = time.thread_time()
                samples = system(mel, course)
                seconds[name] += time.thread_time() - started
                copies[name].append(Speech(samples.cpu().numpy(), clip.speech.sample_rate))
    return copies, seconds


def _fidelities(
    made: Sequence[Speech], clips: Sequence[Clip], analysis: MelAnalysis, pitch: PitchAnalysis
) -> list[Fidelity]:
    return [
        fidelity(clip.mel, clip.f0, copy.samples, analysis, pitch)
        for clip, copy in zip(clips, made, strict=True)
    ]


def _similarity(
    made: Sequence[Speech], clips: Sequence[Clip], centroids: Mapping[str, Floats], verifier: SpeakerVerifier
) -> float:
    """Mean cosine to the own speaker's centroid; a copy in which the verifier hears nobody scores worst."""
    scores = [
        WORST if vector is None else float(vector @ centroids[clip.recording.utterance.speaker_id])
        for clip, vector in zip(clips, verifier.embed(made), strict=True)
    ]
    return float(np.mean(scores))


def _error_rate(
    made: Sequence[Speech], clips: Sequence[Clip], recogniser: Recogniser | None
) -> dict[str, float]:
    """Edits per reference symbol over all transcribed clips; nothing without recogniser or transcripts."""
    if recogniser is None:
        return {}
    counts: list[EditCounts] = []
    said = [(clip.recording.utterance, copy) for clip, copy in zip(clips, made, strict=True)]
    for language in LANGUAGES:
        group = [(row, copy) for row, copy in said if row.text and row.language == language]
        heard = recogniser.transcribe([copy for _, copy in group], language) if group else []
        counts += [
            edit_counts(recogniser.reference(row.text, language).symbols, transcript.symbols)
            for (row, _), transcript in zip(group, heard, strict=True)
        ]
    if not counts:
        return {}
    return {"phoneme_error_rate": sum(c.edits for c in counts) / sum(c.length for c in counts)}
