"""The data gate: a set of videos is refused with reasons before a GPU hour is spent on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from components.core.errors import ValidationBlockedError
from components.core.params.video import VideoGate
from components.features.faces.offset import OffsetFound

_FPS_TOLERANCE = 0.01


@dataclass(frozen=True)
class ClipFacts:
    """What is known of one clip.

    Attributes:
        fps, steady: see `components.data.video.media.VideoFacts`.
        seconds: of the pictures.
        frames, faceless, bridged: counts.
        sound_late_s: of the container's streams.
    """

    clip_id: str
    speaker: str
    fps: float
    steady: bool
    seconds: float
    frames: int
    faceless: int
    bridged: int
    sound_late_s: float


@dataclass(frozen=True)
class Statistics:
    """Of a training set; they explain a SyncNet that does not learn."""

    clips: int
    speakers: int
    minutes: float
    face_share: float
    bridged_share: float
    offset: OffsetFound | None

    def lines(self) -> list[str]:
        """For a person."""
        offset = "not measured (too few clips)"
        if self.offset is not None:
            clear = (
                "" if self.offset.clear else ", no clear maximum: sound and lips may have nothing in common"
            )
            offset = f"{self.offset.frames:+d} frames ({self.offset.explained:.3f} explained{clear})"
        lines = [
            f"{self.clips} clips, {self.speakers} speakers, {self.minutes:.1f} minutes",
            f"frames with a face {self.face_share:.1%}, of them bridged {self.bridged_share:.1%}",
            f"sound against lips {offset}",
        ]
        if self.offset is not None and self.offset.of_clips:
            lines.append(f"clips at each offset, frames: {self.offset.histogram()}")
        return lines


def statistics_of(clips: Sequence[ClipFacts], offset: OffsetFound | None) -> Statistics:
    """Added up over clips."""
    frames = sum(clip.frames for clip in clips)
    return Statistics(
        clips=len(clips),
        speakers=len({clip.speaker for clip in clips}),
        minutes=sum(clip.seconds for clip in clips) / 60.0,
        face_share=1.0 - sum(clip.faceless for clip in clips) / max(1, frames),
        bridged_share=sum(clip.bridged for clip in clips) / max(1, frames),
        offset=offset,
    )


def clip_problem(clip: ClipFacts, fps: int, gate: VideoGate) -> str:
    """Why one clip cannot be learned from; empty where it can."""
    late = clip.sound_late_s * fps
    if abs(clip.fps - fps) > _FPS_TOLERANCE * fps:
        return f"{clip.fps:g} frames a second instead of {fps}: convert it"
    if not clip.steady:
        return f"a varying frame rate: convert it to {fps} frames a second"
    if abs(late) > gate.max_offset_frames:
        return f"sound begins {late:+.1f} frames after the pictures, allowed ±{gate.max_offset_frames:g}"
    if clip.frames - clip.faceless == 0:
        return "no face found in any frame"
    return ""


def problems(found: Statistics, gate: VideoGate) -> list[str]:
    """Why the whole set cannot be learned from; empty where it can."""
    reasons = []
    if found.speakers < gate.min_speakers:
        reasons.append(f"{found.speakers} speakers, at least {gate.min_speakers} needed")
    if found.minutes < gate.min_minutes:
        reasons.append(f"{found.minutes:.1f} minutes, at least {gate.min_minutes:g} needed")
    if found.face_share < gate.min_face_share:
        reasons.append(
            f"a face in {found.face_share:.1%} of the frames, at least {gate.min_face_share:.0%} needed"
        )
    offset = found.offset
    if offset is not None and offset.clear and abs(offset.frames) > gate.max_offset_frames:
        reasons.append(
            f"sound comes {offset.frames:+d} frames after the lips, allowed ±{gate.max_offset_frames:g}: "
            "shift the sound by that much"
        )
    return reasons


def require_learnable(found: Statistics, gate: VideoGate, who: str) -> None:
    """Refuse what cannot be learned from.

    Raises:
        ValidationBlockedError: ``details`` holds every reason, and the statistics.
    """
    reasons = problems(found, gate)
    if reasons:
        raise ValidationBlockedError(
            who=who,
            expected="videos that lip sync can be learned from (data.video.gate)",
            found=f"{len(reasons)} reason(s) against it: {reasons[0]}",
            action="mend the data; the reasons stand below",
            details=[*reasons, *found.lines()],
        )
