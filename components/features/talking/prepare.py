"""Recordings and videos → a store of talking faces, behind the data gate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from components.core.errors import DataError
from components.core.extraction import Extraction, FeatureReport
from components.core.params.video import VideoParams
from components.core.storage import recover_folder, sha256_json, sha256_path
from components.data.talking_face.talk import talk
from components.data.video.media import facts_of, frames_at, sound
from components.features.audio import read_audio
from components.features.faces.detection import FaceDetector, YuNet, boxes_beside, read_boxes
from components.features.faces.gate import clip_problem, require_learnable, statistics_of
from components.features.faces.offset import measured_offset
from components.features.faces.track import TrackReport, cropped, tracked
from components.features.flat_store import nothing_usable
from components.features.incremental import Job, Known
from components.features.lip_mel import LipHearing, lip_mel
from components.features.placed_store import placed, write_placed
from components.features.scratch import Features
from components.features.talking.sources import ClipSource, DrawnSource, Learner, VideoSource, sources
from components.features.talking.store import (
    BRIDGED,
    FOUND,
    NO_FACE,
    TalkingRow,
    TalkingStore,
    measured,
)

_OFFSET_CLIPS, _OFFSET_CLIPS_MIN, _OFFSET_REACH_S = 96, 16, 0.4
#: What pixels and mels follow from; the gate and the measured offset change neither.
_SOURCES = (
    "components/data/talking_face",
    "components/features/faces/detection.py",
    "components/features/faces/track.py",
    "components/features/lip_mel.py",
)


@dataclass(frozen=True)
class TalkingJob(Job[TalkingRow]):
    """One clip on its way to a worker."""

    clip: ClipSource


def prepare(extraction: Extraction, learner: Learner, hearing: LipHearing, image_size: int) -> FeatureReport:
    """Write the store; incremental, as every store here.

    Args:
        extraction: the corpora's generated recordings get a drawn face, and ``video/`` below a corpus is read
            in the style of LRS2.
        learner: whose voices and faces.

    Raises:
        DataError: no usable clip.
        ValidationBlockedError: the data gate refuses the training part.
    """
    target, video, shard = extraction.target, extraction.data.video, extraction.shard
    if shard is None:
        recover_folder(target)
    splits, seed = extraction.data.splits, extraction.seed
    clips, rejected = sources(extraction.corpora, learner, video.drawn, splits, seed)
    key = _key(hearing, image_size, video)
    jobs = [TalkingJob(_row(one, key), one) for one in clips]
    if shard is not None:
        jobs, rejected = jobs[shard[0] :: shard[1]], {}
    known = Known(TalkingStore, target)
    pending = known.lacks(jobs)
    make = partial(_arrays, hearing=hearing, image_size=image_size, video=video)
    rejected |= known.compute(pending, make, extraction.workers, extraction.progress, "clips")
    if shard is not None:
        usable = sum(j.row.clip_id not in rejected for j in jobs)
        return FeatureReport(usable + len(rejected), usable, len(jobs) - len(pending), rejected)

    rows = [measured(j.row, known.features_of(j.row)) for j in jobs if j.row.clip_id not in rejected]
    found = {row.clip_id: clip_problem(row.facts, video.fps, video.gate) for row in rows}
    rejected |= {name: reason for name, reason in found.items() if reason}
    rows = placed(TalkingStore, [row for row in rows if row.clip_id not in rejected])
    if not rows:
        raise nothing_usable("talking faces", f"usable clip of {learner} voices", len(jobs), rejected)
    lines = _judged(rows, known.features_of, hearing, video, str(target))
    summary = {"hearing": asdict(hearing), "image_size": image_size, "learner": learner, "statistics": lines}
    write_placed(target, TalkingStore, rows, known.features_of, lambda arrays: summary)
    known.scratch.remove()
    return FeatureReport(
        len(rows) + len(rejected), len(rows), len(jobs) - len(pending), dict(sorted(rejected.items()))
    )


def _judged(
    rows: Sequence[TalkingRow],
    features_of: Callable[[TalkingRow], Features],
    hearing: LipHearing,
    video: VideoParams,
    who: str,
) -> list[str]:
    """Statistics of the training part, which has passed the gate."""
    train = [row for row in rows if row.part == "train"]
    some = train[:: max(1, len(train) // _OFFSET_CLIPS)]
    offset = None
    if len(some) >= _OFFSET_CLIPS_MIN:
        pairs = [(made["crops"], made["mel"]) for made in map(features_of, some)]
        offset = measured_offset(pairs, hearing, round(_OFFSET_REACH_S * hearing.fps))
    found = statistics_of([row.facts for row in train], offset)
    require_learnable(found, video.gate, who)
    return found.lines()


def _row(clip: ClipSource, key: str) -> TalkingRow:
    source = clip.source
    if isinstance(source, DrawnSource):
        said = [(phone.symbol, phone.start_s, phone.end_s) for phone in source.timings]
        made: object = {"audio": source.sha256, "timings": said, "person": clip.person}
    else:
        boxes = boxes_beside(source.path)
        made = [sha256_path(path) for path in (source.path, boxes) if path.is_file()]
    fingerprint = sha256_json({"key": key, "clip": clip.clip_id, "of": made})
    return TalkingRow(
        clip.clip_id,
        clip.speaker,
        clip.person,
        clip.role,
        clip.part,
        clip.language,
        clip.consent,
        fingerprint,
    )


def _key(hearing: LipHearing, image_size: int, video: VideoParams) -> str:
    root = Path(__file__).parents[3]
    files = [
        path
        for name in _SOURCES
        for path in ([root / name] if (root / name).is_file() else sorted((root / name).iterdir()))
        if path.suffix in (".py", ".csv")
    ]
    detector = Path(video.detector)
    return sha256_json(
        {
            "hearing": asdict(hearing),
            "image_size": image_size,
            "frame_pixels": video.drawn.frame_pixels,
            "max_gap": video.max_gap_frames,
            "detector": sha256_path(detector) if video.detector and detector.is_file() else "",
            "pad": video.pad_pixels,
            "source": [sha256_path(path) for path in files],
        }
    )


def _arrays(job: TalkingJob, hearing: LipHearing, image_size: int, video: VideoParams) -> Features:
    """What is stored of a clip, and its facts; see `made_clip`."""
    made = made_clip(job.clip, hearing, image_size, video)
    mel = lip_mel(made.samples, 0, hearing.mel_frames(len(made.samples)), hearing)
    return {"crops": made.crops, "seen": made.seen, "mel": mel, "facts": made.facts}


@dataclass(frozen=True)
class TalkingClip:
    """A clip, made.

    Attributes:
        crops: [T, S, S, 3] RGB; black where there is no face.
        seen: [T] whether there is one; see `components.features.talking.store`.
        samples: [N] of its sound, at the analysis' rate.
        facts: frames a second, steady (1 or 0) and how late the sound is, seconds.
    """

    crops: NDArray[np.uint8]
    seen: NDArray[np.uint8]
    samples: NDArray[np.float32]
    facts: NDArray[np.float64]


def made_clip(
    clip: ClipSource, hearing: LipHearing, image_size: int, video: VideoParams, frames: int | None = None
) -> TalkingClip:
    """Draw a clip's face, or crop what was filmed.

    Args:
        frames: pictures wanted, the first of the clip; None: all. The sound is whole.

    Raises:
        DataError: a recording or a video that cannot be used, or no way to find the face.
    """
    if isinstance(clip.source, DrawnSource):
        return _drawn(clip, clip.source, hearing, image_size, video, frames)
    return _filmed(clip.source, hearing, image_size, video, frames)


def _drawn(
    clip: ClipSource,
    source: DrawnSource,
    hearing: LipHearing,
    image_size: int,
    video: VideoParams,
    frames: int | None,
) -> TalkingClip:
    samples = read_audio(source.audio, source.sha256, hearing.mel)
    seconds = len(samples) / hearing.mel.sample_rate
    pictures = talk(
        source.timings,
        clip.language,  # type: ignore[arg-type]
        seconds,
        clip.person,
        clip.clip_id,
        hearing.fps,
        video.drawn.frame_pixels,
    )
    crops = np.stack([cropped(one.image, one.box, image_size) for one in islice(pictures, frames)])
    seen = np.full(len(crops), FOUND, np.uint8)
    return TalkingClip(crops, seen, samples, np.array([hearing.fps, 1.0, 0.0]))


def _filmed(
    source: VideoSource, hearing: LipHearing, image_size: int, video: VideoParams, frames: int | None
) -> TalkingClip:
    facts = facts_of(source.path)
    samples = np.concatenate(list(sound(source.path, hearing.mel.sample_rate)))
    nothing = np.zeros((image_size, image_size, 3), np.uint8)
    crops, seen = [], []
    pictures = frames_at(source.path, hearing.fps)
    followed = tracked(pictures, detector_of(source.path, video), video.max_gap_frames, TrackReport())
    for frame in islice(followed, frames):
        crops.append(nothing if frame.box is None else cropped(frame.image, frame.box, image_size))
        seen.append(NO_FACE if frame.box is None else BRIDGED if frame.bridged else FOUND)
    known = np.array([facts.fps, float(facts.steady), facts.sound_late_s])
    return TalkingClip(np.stack(crops), np.array(seen, np.uint8), samples, known)


def detector_of(path: Path, video: VideoParams) -> FaceDetector:
    """How faces are found in a video: boxes that lie beside it, else the detector that is configured.

    Raises:
        DataError: neither is there.
        EnvironmentFaultError: the detector's file is none.
    """
    if boxes_beside(path).is_file():
        return read_boxes(boxes_beside(path))
    if video.detector:
        return YuNet(Path(video.detector), video.pad_pixels)
    raise DataError(
        who=path.name,
        expected=f"{boxes_beside(path).name} beside it, or a face detector",
        found="neither",
        action="set data.video.detector to a file of YuNet's weights, or mark the faces",
    )
