"""From a corpus to talking faces: who learns from whom, what is reused, what is refused."""

from pathlib import Path

import numpy as np
import pytest
from talking_corpus import GATE, HEARING, SIZE, talking_store, video, write_corpus

from components.core.errors import DataError, ValidationBlockedError
from components.data.video.mp4 import writing
from components.features.faces.detection import boxes_beside, write_boxes
from components.features.talking.store import NO_FACE, TalkingStore


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("corpus"))


def test_learner_and_judge_share_no_voice_and_no_face(corpus: Path, tmp_path: Path) -> None:
    ours, _ = talking_store(corpus, tmp_path / "model")
    theirs, _ = talking_store(corpus, tmp_path / "evaluator", "evaluator")
    for name in ("speaker", "person"):
        learned = {getattr(row, name) for row in ours.rows if row.part != "test"}
        judged = {getattr(row, name) for row in theirs.rows if row.part != "test"}
        assert learned
        assert judged
        assert not learned & judged
    for store in (ours, theirs):
        parts = {part: {row.role for row in store.of_part(part)} for part in ("train", "test")}
        assert parts["test"] == {"unseen"}
        assert "unseen" not in parts["train"]
    assert not any(row.clip_id == "model-5" for row in ours.rows)  # a seen voice with a test sentence


def test_crops_and_mels_are_as_long_as_the_recording(corpus: Path, tmp_path: Path) -> None:
    store, made = talking_store(corpus, tmp_path / "store")
    assert made.accepted + len(made.rejected) == made.rows
    for row in store.rows:
        assert row.frames == int(14 * 0.14 * 25)
        assert store.crops(row).shape == (row.frames, SIZE, SIZE, 3)
        assert store.mel(row).shape == (HEARING.mel_frames(14 * 2240), 80)
        assert len(store.starts(row)) == row.frames - 4
    assert store.hearing == HEARING
    assert store.image_size == SIZE
    assert "minutes" in store.statistics[0]


def test_a_second_run_draws_nothing_and_gives_the_same(corpus: Path, tmp_path: Path) -> None:
    first, _ = talking_store(corpus, tmp_path / "store")
    before = {row.clip_id: np.array(first.crops(row)) for row in first.rows}
    again, made = talking_store(corpus, tmp_path / "store")
    assert made.reused == made.rows
    for row in again.rows:
        np.testing.assert_array_equal(again.crops(row), before[row.clip_id])
    _, other = talking_store(corpus, tmp_path / "store", params=video(pixels=96))
    assert other.reused == 0


def test_the_gate_refuses_before_anything_is_written(corpus: Path, tmp_path: Path) -> None:
    with pytest.raises(ValidationBlockedError, match="minutes"):
        talking_store(corpus, tmp_path / "store", params=video(GATE))
    assert TalkingStore.earlier(tmp_path / "store") is None


def film(path: Path, fps: float, faces: list[bool]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with writing(path, fps, 16000, {}, 20) as writer:
        for number, _ in enumerate(faces):
            image = np.full((80, 96, 3), 40 + number % 100, np.uint8)
            writer.write(image, np.full(round(16000 / fps), 0.1, np.float32))
    path.with_suffix(".txt").write_text("Text: hello", encoding="utf-8")
    square = np.array([[10, 10, 60, 60]], np.float32)
    write_boxes(boxes_beside(path), [square if there else np.zeros((0, 4)) for there in faces])


def test_recorded_videos_are_taken_and_frames_without_a_face_left_out(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "corpus")
    lost = [True] * 20 + [False] * 2 + [True] * 10 + [False] * 8 + [True] * 10
    speakers = [f"p{n}" for n in range(6)]
    for speaker in speakers:
        film(corpus / "video" / speaker / "good.mp4", 25, lost)
        film(corpus / "video" / speaker / "fast.mp4", 30, [True] * 40)
    store, made = talking_store(corpus, tmp_path / "store")
    judge, also = talking_store(corpus, tmp_path / "judge", "evaluator")
    filmed = {row.speaker: row for row in store.rows if row.role == "human"}
    others = {row.speaker for row in judge.rows if row.role == "human"}
    assert set(filmed) | others == set(speakers)
    assert not set(filmed) & others
    refused = {**made.rejected, **also.rejected}
    assert len(refused) == len(speakers)
    assert all("30 frames a second instead of 25" in reason for reason in refused.values())
    row = next(iter(filmed.values()))
    assert (row.frames, row.bridged, row.faceless) == (50, 2, 8)
    assert int((store.seen(row) == NO_FACE).sum()) == 8
    starts = set(store.starts(row).tolist())
    assert not any(start + offset in range(32, 40) for start in starts for offset in range(5))
    assert {18, 27, 40} <= starts


def test_a_video_without_a_way_to_find_the_face_says_so(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "corpus")
    for speaker in ("a", "b", "c", "d", "e"):
        film(corpus / "video" / speaker / "x.mp4", 25, [True] * 40)
        boxes_beside(corpus / "video" / speaker / "x.mp4").unlink()
    _, made = talking_store(corpus, tmp_path / "store")
    assert made.rejected
    assert all("face detector" in reason for reason in made.rejected.values())


def test_a_corpus_without_timings_is_refused(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "corpus")
    (corpus / "alignments.csv").write_text("utterance_id,symbol,start_s,end_s\n", encoding="utf-8")
    with pytest.raises(DataError, match="usable clip"):
        talking_store(corpus, tmp_path / "store")
