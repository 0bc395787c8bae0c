"""Crops of faces and the mel of what they say, on disk.

``crops.npy`` uint8 [frames, S, S, 3] RGB, ``seen.npy`` uint8 [frames] (0: no face, 1: found, 2: bridged),
``mel.npy`` float32 [frames, n_mels] in [-4, 4]; ``index.csv`` one row a clip.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from components.features.faces.gate import ClipFacts
from components.features.lip_mel import LipHearing
from components.features.mel import MelAnalysis
from components.features.placed_store import FRAMES, Place, PlacedStore, counted
from components.features.scratch import Features

NO_FACE, FOUND, BRIDGED = 0, 1, 2


@dataclass(frozen=True)
class TalkingRow:
    """One clip; offsets are into the flat arrays.

    Attributes:
        clip_id: of the utterance, or ``<speaker>/<name>`` of a video.
        speaker_id: the voice.
        person: the face; a drawn identity, or the speaker.
        role, part, language: whose voice, what it serves, what is spoken.
        consent: id of the record that allows voice and, of a video, face.
        fingerprint: of the recording and of all that the arrays follow from.
        fps_milli, steady, late_us: see `components.features.faces.gate.ClipFacts`.
    """

    clip_id: str
    speaker_id: str
    person: str
    role: str
    part: str
    language: str
    consent: str
    fingerprint: str
    fps_milli: int = 0
    steady: int = 1
    late_us: int = 0
    faceless: int = 0
    bridged: int = 0
    frame_start: int = 0
    frames: int = 0
    mel_start: int = 0
    mels: int = 0

    @property
    def facts(self) -> ClipFacts:
        """For the data gate."""
        fps = self.fps_milli / 1000.0
        return ClipFacts(
            clip_id=self.clip_id,
            speaker=self.speaker_id,
            fps=fps,
            steady=bool(self.steady),
            seconds=self.frames / fps if fps else 0.0,
            frames=self.frames,
            faceless=self.faceless,
            bridged=self.bridged,
            sound_late_s=self.late_us / 1e6,
        )


class TalkingStore(PlacedStore[TalkingRow]):
    """Reads a store; ``store.json`` tells hearing, image size and the statistics of the training part."""

    row_type = TalkingRow
    fields = MappingProxyType({"crops": np.uint8, "seen": np.uint8, "mel": np.float32})
    places = MappingProxyType({"crops": FRAMES, "seen": FRAMES, "mel": Place("mel_start", "mels")})
    format = 2
    remedy = "delete the folder and make it again; it draws and crops what is missing"

    @cached_property
    def hearing(self) -> LipHearing:
        """What the mels were made with."""
        values = dict(self.summary["hearing"])
        return LipHearing(MelAnalysis(**values.pop("mel")), **values)

    @property
    def image_size(self) -> int:
        """S, pixels."""
        return int(self.summary["image_size"])

    @property
    def statistics(self) -> tuple[str, ...]:
        """Of the training part, lines for a person."""
        return tuple(self.summary["statistics"])

    @property
    def consents(self) -> dict[str, str]:
        """Speaker id → id of the consent record of the first clip; of train and validation."""
        learned = [row for row in self.rows if row.part != "test"]
        return {row.speaker_id: row.consent for row in reversed(learned)}

    def of_part(self, part: str) -> list[TalkingRow]:
        """The clips of ``train``, ``validation`` or ``test``, in index order."""
        return [row for row in self.rows if row.part == part]

    def crops(self, row: TalkingRow) -> NDArray[np.uint8]:
        """[T, S, S, 3], a view."""
        return self.part("crops", row)

    def seen(self, row: TalkingRow) -> NDArray[np.uint8]:
        """[T] whether there is a face."""
        return self.part("seen", row)

    def mel(self, row: TalkingRow) -> NDArray[np.float32]:
        """[M, n_mels], a view."""
        return self.part("mel", row)

    def as_computed(self, row: TalkingRow) -> Features:
        """With ``facts``: frames a second, steady (1 or 0) and how late the sound is, seconds."""
        facts = np.array([row.fps_milli / 1000.0, row.steady, row.late_us / 1e6])
        return {**self.views(row), "facts": facts}

    def starts(self, row: TalkingRow) -> NDArray[np.int64]:
        """First frames of the windows of ``span`` frames that show a face throughout."""
        span = self.hearing.span
        if row.frames < span:
            return np.zeros(0, np.int64)
        faces = np.concatenate([[0], np.cumsum(self.seen(row) != NO_FACE)])
        return np.flatnonzero(faces[span:] - faces[:-span] == span)


def measured(row: TalkingRow, made: Features) -> TalkingRow:
    """The row with its counts; the offsets follow when all are known."""
    fps, steady, late = (float(value) for value in made["facts"])
    seen = made["seen"]
    return replace(
        counted(TalkingStore, row, made),
        fps_milli=round(fps * 1000),
        steady=int(steady),
        late_us=round(late * 1e6),
        faceless=int((seen == NO_FACE).sum()),
        bridged=int((seen == BRIDGED).sum()),
    )
