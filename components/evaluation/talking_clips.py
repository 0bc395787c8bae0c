"""Held-out talking faces: voices, faces and sentences that no model learns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from components.core.errors import DataError, NothingScoredError
from components.core.params import Params
from components.core.storage import sha256_bytes, sha256_json
from components.data.corpus import Corpus
from components.features.lip_mel import LipHearing, lip_mel
from components.features.talking.prepare import made_clip
from components.features.talking.sources import ClipSource, sources
from components.features.talking.store import NO_FACE

_UNKNOWN = "undetermined"


@dataclass(frozen=True)
class HeldOutClip:
    """One clip.

    Attributes:
        clip_id, speaker, language, text: of the recording; the last two may be unknown of a video.
        consent: id of the record that allows the voice.
        crops: [T, S, S, 3] RGB, a face in every one.
        samples: [N] of the same time, at the judge's rate.
        mel: [M, n_mels] of the samples.
    """

    clip_id: str
    speaker: str
    language: str
    text: str
    consent: str
    crops: NDArray[np.uint8]
    samples: NDArray[np.float32]
    mel: NDArray[np.float32]

    def seconds(self, fps: int) -> float:
        """Of the pictures."""
        return len(self.crops) / fps

    @property
    def fingerprint(self) -> str:
        """Of what is seen and heard."""
        return sha256_bytes(self.crops.tobytes() + self.samples.tobytes())


def held_out_clips(
    params: Params, corpora: Sequence[Corpus], hearing: LipHearing, image_size: int
) -> list[HeldOutClip]:
    """At most ``evaluation.lip_sync.clips`` clips, as many of each language as there are.

    Clips that cannot be used, or that lose the face, are left out.

    Raises:
        NothingScoredError: none is left.
    """
    asked, video = params.evaluation.lip_sync, params.data.video
    folders = [corpus.folder for corpus in corpora]
    found, _ = sources(folders, "model", video.drawn, params.data.splits, params.seed)
    rows = {row.utterance_id: row for corpus in corpora for row in corpus.rows}
    frames = round(asked.max_seconds * hearing.fps)
    clips = []
    for one in _chosen([one for one in found if one.part == "test"], asked.clips):
        try:
            made = made_clip(one, hearing, image_size, video, frames)
        except DataError:
            continue
        crops, seen = made.crops, made.seen
        samples = made.samples[: hearing.samples_of(len(crops))]
        if np.any(seen == NO_FACE) or len(crops) <= 2 * asked.reference_frames:
            continue
        row = rows.get(one.clip_id)
        clips.append(
            HeldOutClip(
                clip_id=one.clip_id,
                speaker=one.speaker,
                language=one.language or _UNKNOWN,
                text=row.text if row else "",
                consent=one.consent,
                crops=crops,
                samples=samples,
                mel=lip_mel(samples, 0, hearing.mel_frames(len(samples)), hearing),
            )
        )
    if not clips:
        raise NothingScoredError(
            who="lip sync",
            expected="held-out clips with a face: voices of the role unseen, with timings, or videos",
            found="none",
            action="keep the embedded corpus in data.corpora, or add videos of speakers who are held out",
        )
    return clips


def clips_sha256(clips: Sequence[HeldOutClip]) -> str:
    """Of the whole set: figures of another one are not compared."""
    return sha256_json({one.clip_id: one.fingerprint for one in clips})


def _chosen(found: Sequence[ClipSource], count: int) -> list[ClipSource]:
    """``count`` of them, in turn from each language, evenly over its clips."""
    groups: dict[str, list[ClipSource]] = {}
    for one in sorted(found, key=lambda one: one.clip_id):
        groups.setdefault(one.language, []).append(one)
    left, chosen = count, []
    for place, group in enumerate(sorted(groups.values(), key=len)):
        share = min(len(group), -(-left // (len(groups) - place)))
        chosen += [group[int(pick)] for pick in np.linspace(0, len(group) - 1, share).round()]
        left -= share
    return sorted(chosen, key=lambda one: one.clip_id)
