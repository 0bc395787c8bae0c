"""From a corpus to talking faces: who learns from whom, what is reused, what is refused."""

import datetime
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pytest
from talking_corpus import GATE, HEARING, SIZE, talking_store, video, write_corpus

from components.core.errors import DataError, ValidationBlockedError
from components.data.consent import CONSENT_NAME, ConsentRecord, consent_text, read_consents
from components.data.video.mp4 import writing
from components.data.withdrawal import withdraw
from components.features.faces.detection import boxes_beside, write_boxes
from components.features.talking.sources import Learner
from components.features.talking.store import NO_FACE, TalkingStore
from components.stages.consents import refusals

TODAY = datetime.date(2026, 11, 28)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("corpus"))


def test_learner_and_judge_share_no_voice_and_no_face(corpus: Path, tmp_path: Path) -> None:
    ours, _ = talking_store(corpus, tmp_path / "model")
    theirs, _ = talking_store(corpus, tmp_path / "evaluator", "evaluator")
    for name in ("speaker_id", "person"):
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


def agree(corpus: Path, speakers: Iterable[str], scope: tuple[str, ...] = ("train", "face")) -> None:
    """Everybody signs; what is agreed to is added to the corpus' consents."""
    signed = {
        f"doc-{speaker}": ConsentRecord(
            consent_id=f"doc-{speaker}",
            speaker_id=speaker,
            basis="document",
            document_sha256="d" * 64,
            scope=scope,
            signed=datetime.date(2026, 1, 1),
            expires=None,
            withdrawn=None,
        )
        for speaker in speakers
    }
    path = corpus / CONSENT_NAME
    path.write_text(consent_text({**read_consents(path), **signed}), encoding="utf-8")


def test_a_face_needs_a_consent_that_covers_it_and_training_asks_whether_it_holds(tmp_path: Path) -> None:
    corpus, people = write_corpus(tmp_path / "data" / "people"), [f"p{n}" for n in range(6)]
    agree(corpus, people[:4])
    agree(corpus, people[4:5], ("train",))  # nothing of a face; and p5 signed nothing
    for name in people:
        film(corpus / "video" / name / "x.mp4", 25, [True] * 40)
    learners: tuple[Learner, ...] = ("model", "evaluator")
    stores = [talking_store(corpus, tmp_path / name, name) for name in learners]
    refused = {name: why for _, made in stores for name, why in made.rejected.items()}
    assert set(refused) == {"people/p4/x", "people/p5/x"}
    assert all("covers the face" in why for why in refused.values())
    filmed = {row.speaker_id: row.consent for store, _ in stores for row in store.rows if row.role == "human"}
    assert filmed == {name: f"doc-{name}" for name in people[:4]}

    assert not {who for store, _ in stores for who, _ in _ended(store, corpus)} & set(people)
    done = [one for name in people[:4] for one in withdraw(corpus.parent, tmp_path / "locks", name, TODAY)]
    assert {who for store, _ in stores for who, _ in _ended(store, corpus)} >= set(people[:4])
    assert sorted(video for one in done for video in one.videos) == [f"{name}/x" for name in people[:4]]
    assert sorted(path.name for path in (corpus / "video").iterdir()) == ["p4", "p5"]


def _ended(store: TalkingStore, corpus: Path) -> Mapping[tuple[str, str], int]:
    """Whom a training on the store would be refused for."""
    return refusals(store.folder, corpus.parent, TODAY)


def test_recorded_videos_are_taken_and_frames_without_a_face_left_out(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "corpus")
    lost = [True] * 20 + [False] * 2 + [True] * 10 + [False] * 8 + [True] * 10
    speakers = [f"p{n}" for n in range(6)]
    agree(corpus, speakers)
    for speaker in speakers:
        film(corpus / "video" / speaker / "good.mp4", 25, lost)
        film(corpus / "video" / speaker / "fast.mp4", 30, [True] * 40)
    store, made = talking_store(corpus, tmp_path / "store")
    judge, also = talking_store(corpus, tmp_path / "judge", "evaluator")
    filmed = {row.speaker_id: row for row in store.rows if row.role == "human"}
    others = {row.speaker_id for row in judge.rows if row.role == "human"}
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
    agree(corpus, "abcde")
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
