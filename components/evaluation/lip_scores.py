"""A model that moves lips, from held-out clips to findings: render, time, judge, record."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from components.auxiliaries.syncnet.distances import SyncScore, sync_score
from components.auxiliaries.syncnet.loading import REACH, LoadedSyncNet
from components.core.errors import NothingScoredError
from components.core.params import Params
from components.core.progress import Progress
from components.evaluation.latency import SentenceLatency
from components.evaluation.lip_sync import MouthLikeness, mouth_likeness
from components.evaluation.talking_clips import HeldOutClip
from components.features.pcm import as_pcm
from components.inference import exact_clip
from components.inference.exact_clip import references_apart
from components.nn.lip_sync import LipSynchroniser

Crops = NDArray[np.uint8]


@dataclass(frozen=True)
class Judgement:
    """What the judge says of a clip.

    Attributes:
        made: of the rendered pictures with the clip's sound.
        real: of the real pictures with it.
        wrong: of the rendered pictures with the sound of another clip: the control.
        other: that clip.
    """

    made: SyncScore
    real: SyncScore
    wrong: SyncScore
    other: HeldOutClip


@dataclass(frozen=True)
class ScoredClip:
    """A clip with everything that was found about its rendering; without a judge no ``judgement``."""

    clip: HeldOutClip
    made: Crops
    likeness: MouthLikeness
    latency: SentenceLatency
    judgement: Judgement | None = None


def score_clips(
    model: LipSynchroniser,
    clips: Sequence[HeldOutClip],
    judge: LoadedSyncNet | None,
    params: Params,
    progress: Progress,
) -> list[ScoredClip]:
    """Render every clip once, the first batch of each again and again, and judge what came out.

    A whole round over all clips comes before the next, so a disturbance of the machine meets many clips once.

    Raises:
        NothingScoredError: clips too short to be judged, or only one with a judge.
    """
    apart, repeats = params.evaluation.lip_sync.reference_frames, params.evaluation.latency_repeats
    for _ in range(params.evaluation.latency_warmup):
        rendered(model, clips[0], apart, model.batch_frames)
    takes: dict[str, list[float]] = {one.clip_id: [] for one in clips}
    made: dict[str, Crops] = {}
    rounds = [(one, number) for number in range(repeats) for one in clips]
    for one, number in progress.track(rounds, len(rounds), "clips rendered"):
        frames = None if number == 0 else model.batch_frames
        started = time.perf_counter()
        pictures = rendered(model, one, apart, frames)  # numpy: the device has delivered it
        takes[one.clip_id].append((time.perf_counter() - started) / len(pictures))
        made.setdefault(one.clip_id, pictures)
    lasting = params.kpi.latency.utterance_seconds
    scored = [
        ScoredClip(
            clip=one,
            made=made[one.clip_id],
            likeness=mouth_likeness(made[one.clip_id], one.crops),
            latency=_latency(one, takes[one.clip_id], lasting, model.fps),
        )
        for one in clips
    ]
    if judge is None:
        return scored
    judgements = _judged(judge, scored, progress)
    return [replace(one, judgement=judgements[one.clip.clip_id]) for one in scored]


def rendered(model: LipSynchroniser, clip: HeldOutClip, apart: int, frames: int | None = None) -> Crops:
    """The clip's lower faces made anew from its sound.

    Args:
        apart: a frame looks like the one so many later, or before.
        frames: only so many of the first; None: all.

    Returns:
        [T, S, S, 3].
    """
    count = len(clip.crops) if frames is None else min(frames, len(clip.crops))
    references = references_apart(len(clip.crops), apart)
    return exact_clip.rendered(model, clip.crops, references, as_pcm(clip.samples), count)


def _latency(clip: HeldOutClip, takes: Sequence[float], lasting: float, fps: int) -> SentenceLatency:
    """Of ``lasting`` seconds of video: frames cost the same each, and clips are of all lengths.

    Args:
        takes: seconds a frame.
    """
    took = median(takes) * fps * lasting
    return SentenceLatency(
        language=clip.language,
        audio_s=lasting,
        repeats=len(takes),
        total_ms=1000.0 * took,
        first_ms=1000.0 * took,
        real_time_factor=took / lasting,
    )


def _judged(
    judge: LoadedSyncNet, scored: Sequence[ScoredClip], progress: Progress
) -> Mapping[str, Judgement]:
    if len(scored) < 2:
        raise NothingScoredError(
            who="control of lip sync",
            expected="two clips, for a wrong sound",
            found=f"{len(scored)}",
            action="raise evaluation.lip_sync.clips",
        )
    real = [
        judge.embeddings(one.clip.crops, one.clip.mel)
        for one in progress.track(scored, len(scored), "real clips judged")
    ]
    found = {}
    for place, one in enumerate(progress.track(scored, len(scored), "rendered clips judged")):
        other = (place + len(scored) // 2) % len(scored)
        seen, _ = judge.embeddings(one.made, one.clip.mel)
        name = one.clip.clip_id
        found[name] = Judgement(
            made=_score(seen, real[place][1], name),
            real=_score(*real[place], name),
            wrong=_score(seen, real[other][1], name),
            other=scored[other].clip,
        )
    return found


def _score(seen: Tensor, heard: Tensor, who: str) -> SyncScore:
    return sync_score(seen, heard, REACH, who)
