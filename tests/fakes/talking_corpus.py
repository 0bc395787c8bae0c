"""Small talking faces for tests: a tone corpus whose sounds differ, drawn and cropped."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from extractions import extraction
from numpy.typing import NDArray
from tone_corpus import ToneCorpus

from components.core.extraction import FeatureReport
from components.core.params.data import SplitParams
from components.core.params.video import DrawnFaces, VideoGate, VideoParams
from components.features.lip_mel import LipHearing
from components.features.mel import MelAnalysis
from components.features.talking.prepare import prepare
from components.features.talking.sources import Learner
from components.features.talking.store import TalkingStore

RATE = 16000
SIZE = 64
HEARING = LipHearing(MelAnalysis(RATE, 800, 200, 800, 80, 55.0, 7600.0, 1e-5), 0.97, 25, 16, 5)
GATE = VideoGate(max_offset_frames=1.0, min_speakers=2, min_minutes=0.9, min_face_share=0.9)
LOOSE = VideoGate(max_offset_frames=1.0, min_speakers=1, min_minutes=0.01, min_face_share=0.5)
SPLITS = SplitParams(validation=0.2, test=0.2)
_HERTZ = {"ᅡ": 300.0, "ᅵ": 1500.0, "ᄆ": 120.0, "ᅮ": 700.0, "ᄉ": 4000.0}


def video(gate: VideoGate = LOOSE, pixels: int = 80) -> VideoParams:
    """``data.video`` of the tests."""
    drawn = DrawnFaces(frame_pixels=pixels, identities=3, max_minutes=60.0)
    return VideoParams(fps=25, max_gap_frames=2, detector="", pad_pixels=(0, 0, 0, 0), gate=gate, drawn=drawn)


def babble(symbols: list[str], each_s: float) -> NDArray[np.float32]:
    """Each symbol as a tone of its own."""
    t = np.arange(round(each_s * RATE)) / RATE
    return np.concatenate([0.2 * np.sin(2 * np.pi * _HERTZ[s] * t) for s in symbols]).astype(np.float32)


def write_corpus(
    folder: Path, clips: int = 3, symbols: int = 14, each_s: float = 0.14, foreign: bool = False
) -> Path:
    """Recordings of the roles model, evaluator and unseen; each says something else.

    Args:
        foreign: what is heard is not what the timings, and so the lips, say.
    """
    corpus, draw = ToneCorpus(folder), np.random.default_rng(3)
    for role, splits in {
        "model": ["train"] * clips + ["validation"] * 2 + ["test"],
        "evaluator": ["train"] * clips + ["validation"] * 2,
        "unseen": ["test"] * 2 + ["train"],
    }.items():
        for place, split in enumerate(splits):
            said = [str(s) for s in draw.choice(list(_HERTZ), symbols)]
            heard = [str(s) for s in draw.choice(list(_HERTZ), symbols)] if foreign else said
            corpus.add(
                f"{role}-{place}",
                babble(heard, each_s),
                RATE,
                said,
                speaker_id=f"{role}_{place % 2}",
                role=role,
                split=split,
                text=f"{role} {split} {place}",
            )
    return corpus.write()


def talking_store(
    corpus: Path,
    target: Path,
    learner: Learner = "model",
    params: VideoParams | None = None,
    size: int = SIZE,
) -> tuple[TalkingStore, FeatureReport]:
    """A prepared store of the corpus."""
    asked = extraction([corpus], target, seed=0)
    data = asked.data.model_copy(update={"video": params or video(), "splits": SPLITS})
    made = prepare(replace(asked, data=data), learner, HEARING, size)
    return TalkingStore(target), made
