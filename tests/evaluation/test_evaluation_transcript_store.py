"""Transcripts that are kept: read back as heard, and heard again when anything is another."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from components.core.metrics import Evaluator
from components.core.utterance import Language
from components.evaluation.pronunciation import Transcript
from components.evaluation.transcript_store import RememberingRecogniser
from components.nn.contracts import Speech


class Listener:
    """Hears how loud a clip is; counts how often it is asked."""

    def __init__(self, weights: str = "a" * 64) -> None:
        self.identity = Evaluator(id="ear", version="1", weights_sha256=weights, kind="proxy")
        self.asked = 0

    def transcribe(self, clips: Sequence[Speech], language: Language) -> list[Transcript]:
        self.asked += 1
        return [Transcript((str(one.samples.max()), language), ("4",), ("w",)) for one in clips]

    def reference(self, text: str, language: Language) -> Transcript:
        return Transcript((text,))


CLIPS = [Speech(np.full(8, level, np.float32), 16000) for level in (0.25, 0.5)]


def test_the_same_clips_are_heard_once(tmp_path: Path) -> None:
    one, two = Listener(), Listener()
    heard = RememberingRecogniser(one, tmp_path, "code").transcribe(CLIPS, "ko")
    again = RememberingRecogniser(two, tmp_path, "code")
    assert again.transcribe(CLIPS, "ko") == heard == one.transcribe(CLIPS, "ko")
    assert two.asked == 0
    assert (again.identity, again.reference("a", "ko")) == (two.identity, Transcript(("a",)))


def test_anything_else_is_heard_anew(tmp_path: Path) -> None:
    RememberingRecogniser(Listener(), tmp_path, "code").transcribe(CLIPS, "ko")
    same, other = Listener(), Listener("b" * 64)
    RememberingRecogniser(other, tmp_path, "code").transcribe(CLIPS, "ko")
    RememberingRecogniser(same, tmp_path, "changed").transcribe(CLIPS, "ko")
    known = RememberingRecogniser(same, tmp_path, "code")
    known.transcribe(CLIPS, "zh")
    known.transcribe(CLIPS[::-1], "ko")
    known.transcribe([CLIPS[0], Speech(CLIPS[1].samples, 22050)], "ko")
    assert (other.asked, same.asked) == (1, 4)


@pytest.mark.parametrize("torn", ["", "[]", '[{"symbols": ["a"]}]', '{"a": 1}', "[1, 2]"])
def test_a_torn_file_is_made_again(tmp_path: Path, torn: str) -> None:
    listener = Listener()
    known = RememberingRecogniser(listener, tmp_path, "code")
    heard = known.transcribe(CLIPS, "ko")
    (kept,) = tmp_path.glob("*.json")
    kept.write_text(torn, encoding="utf-8")
    assert known.transcribe(CLIPS, "ko") == heard
    assert listener.asked == 2
