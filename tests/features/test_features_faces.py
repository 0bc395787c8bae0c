"""Faces through a video, and the gate that refuses what cannot be learned from."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from talking_corpus import GATE, HEARING

from components.core.errors import DataError, EnvironmentFaultError, ValidationBlockedError
from components.data.talking_face.talk import talk
from components.features.faces.detection import KnownBoxes, YuNet, boxes_beside, read_boxes, write_boxes
from components.features.faces.gate import ClipFacts, clip_problem, problems, require_learnable, statistics_of
from components.features.faces.offset import OffsetFound, measured_offset
from components.features.faces.track import TrackReport, cropped, pasted, tracked

NONE = np.zeros((0, 4), np.float32)
IMAGE = np.random.default_rng(1).integers(0, 255, (60, 80, 3), dtype=np.uint8)


def box(left: float, size: float = 20) -> np.ndarray:
    return np.array([[left, 10, left + size, 10 + size]], np.float32)


def follow(found: list[np.ndarray], gap: int) -> tuple[list[float | None], TrackReport]:
    report = TrackReport()
    frames = tracked([IMAGE] * len(found), KnownBoxes(found), gap, report)
    return [None if f.box is None else float(f.box[0]) for f in frames], report


def test_a_short_gap_is_bridged_on_a_straight_line_and_a_long_one_is_left() -> None:
    lefts, report = follow([box(10), NONE, NONE, box(16)], gap=2)
    assert lefts == pytest.approx([10, 12, 14, 16])
    assert (report.bridged, report.missing) == (2, 0)
    lefts, report = follow([box(10), NONE, NONE, NONE, box(16)], gap=2)
    assert lefts == [10, None, None, None, 16]
    assert (report.bridged, report.missing) == (0, 3)
    assert "3 of 5 frames without a face" in report.lines()[0]


def test_no_face_at_either_end_or_at_all_aborts_nothing() -> None:
    assert follow([NONE, box(5), NONE], gap=3)[0] == [None, 5, None]
    lefts, report = follow([NONE] * 4, gap=3)
    assert lefts == [None] * 4
    assert report.missing == 4
    assert follow([], gap=3)[1].lines() == []


def test_of_two_faces_the_larger_is_taken_and_then_kept() -> None:
    small, large = box(50, 12), box(5, 30)
    grown = box(50, 40)
    lefts, report = follow([np.concatenate([small, large]), np.concatenate([grown, large])], gap=1)
    assert lefts == [5, 5]
    assert report.crowded == 2


@given(st.lists(st.booleans(), max_size=30), st.integers(0, 4))
def test_every_frame_comes_out_once_and_is_counted_once(seen: list[bool], gap: int) -> None:
    lefts, report = (
        follow([box(i) if s else NONE for i, s in enumerate(seen)], gap) if seen else ([], TrackReport())
    )
    assert len(lefts) == report.frames == len(seen)
    assert sum(left is None for left in lefts) == report.missing
    assert all(left is not None for left, s in zip(lefts, seen, strict=True) if s)


def test_a_crop_goes_back_to_its_place_and_nothing_else_changes() -> None:
    where = np.array([20, 10, 52, 42], np.float32)
    crop = cropped(IMAGE, where, 32)
    np.testing.assert_array_equal(crop, IMAGE[10:42, 20:52])
    mask = np.ones((32, 32), np.float32)
    np.testing.assert_array_equal(pasted(IMAGE, crop, where, mask), IMAGE)
    changed = pasted(IMAGE, 255 - crop, where, mask)
    outside = np.ones(IMAGE.shape[:2], bool)
    outside[9:43, 19:53] = False
    np.testing.assert_array_equal(changed[outside], IMAGE[outside])
    np.testing.assert_array_equal(changed[12:40, 22:50], 255 - IMAGE[12:40, 22:50])


@pytest.mark.parametrize(
    "where", [(-20, -9, 12, 23), (20.4, 10.7, 52.9, 43.2), (60, 40, 140, 120), (90, 5, 99, 14)]
)
def test_a_face_is_pasted_as_if_the_whole_picture_were_blended(where: tuple[float, ...]) -> None:
    box, crop = np.array(where, np.float32), np.full((32, 32, 3), 200, np.uint8)
    mask = np.random.default_rng(2).random((32, 32)).astype(np.float32)
    wide = np.pad(IMAGE, ((200, 200), (200, 200), (0, 0)))
    whole = pasted(wide, crop, box + 200, mask)[200:-200, 200:-200]
    assert np.abs(pasted(IMAGE, crop, box, mask).astype(int) - whole).max() <= 1


def test_a_large_face_is_averaged_down() -> None:
    """A chequered one becomes grey, whatever pixel would have been picked."""
    chequers = np.indices((64, 64)).sum(axis=0) % 2 * 255
    image = np.repeat(chequers.astype(np.uint8)[:, :, None], 3, axis=2)
    crop = cropped(image, np.array([0, 0, 64, 64], np.float32), 16)
    assert np.abs(crop.astype(int) - 127).max() <= 1


def test_a_face_that_leaves_the_picture_is_cropped_with_its_border_repeated() -> None:
    crop = cropped(IMAGE, np.array([-20, -20, 12, 12], np.float32), 32)
    np.testing.assert_array_equal(crop[:20, :20], np.broadcast_to(IMAGE[0, 0], (20, 20, 3)))


def test_known_boxes_lie_beside_a_video(tmp_path: Path) -> None:
    path = boxes_beside(tmp_path / "a.mp4")
    write_boxes(path, [box(1), NONE, np.concatenate([box(2), box(3)])])
    back = read_boxes(path)
    assert [len(back.find(n, IMAGE)) for n in range(4)] == [1, 0, 2, 2]
    path.write_text("frame,left\n", encoding="utf-8")
    with pytest.raises(DataError):
        read_boxes(path)


def test_a_detector_without_its_weights_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFaultError, match=r"boxes\.csv"):
        YuNet(tmp_path / "none.onnx", (0, 0, 0, 0))
    (tmp_path / "bad.onnx").write_bytes(b"no network")
    with pytest.raises(EnvironmentFaultError, match="YuNet"):
        YuNet(tmp_path / "bad.onnx", (0, 0, 0, 0))


def clip(**changes: object) -> ClipFacts:
    values = {
        "clip_id": "c", "speaker": "s", "fps": 25.0, "steady": True, "seconds": 30.0, "frames": 750,
        "faceless": 0, "bridged": 0, "sound_late_s": 0.0,
    }  # fmt: skip
    return ClipFacts(**{**values, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"fps": 29.97}, "29.97 frames a second instead of 25"),
        ({"steady": False}, "varying frame rate"),
        ({"sound_late_s": 0.09}, r"\+2.2 frames"),
        ({"sound_late_s": -0.09}, r"-2.2 frames"),
        ({"faceless": 750}, "no face"),
    ],
)  # fmt: skip
def test_a_clip_is_refused_with_its_reason(changes: dict[str, object], reason: str) -> None:
    import re

    assert re.search(reason, clip_problem(clip(**changes), 25, GATE))
    assert clip_problem(clip(), 25, GATE) == ""


def offset(frames: int, clear: bool = True) -> OffsetFound:
    return OffsetFound(frames, 0.2, clear, (), (), ())


def test_a_set_is_refused_with_every_reason_and_its_statistics() -> None:
    clips = [clip(faceless=400)]
    with pytest.raises(ValidationBlockedError) as caught:
        require_learnable(statistics_of(clips, offset(3)), GATE, "set")
    told = "\n".join(caught.value.details)
    for part in ("1 speakers, at least 2", "0.5 minutes, at least 0.9", "46.7%", "+3 frames", "1 clips"):
        assert part in told
    good = [clip(speaker=s) for s in ("a", "b")]
    assert problems(statistics_of(good, offset(1)), GATE) == []
    assert problems(statistics_of(good, offset(5, clear=False)), GATE) == []
    assert problems(statistics_of(good, None), GATE) == []


@pytest.mark.parametrize("late", [0, 3, -4])
def test_the_offset_between_sound_and_lips_is_measured(late: int) -> None:
    """Lips that follow a made-up sound; the sound is moved by whole video frames."""
    from components.core.utterance import PhonemeTiming

    draw = np.random.default_rng(5)
    clips = []
    for number in range(16):
        symbols = draw.choice(["ᅡ", "ᄆ", "ᅵ", "ᅮ", "ᄉ"], 12)
        timings = [
            PhonemeTiming(utterance_id="u", symbol=s, start_s=0.16 * i, end_s=0.16 * (i + 1))
            for i, s in enumerate(symbols)
        ]
        pictures = talk(timings, "ko", 1.92, f"model-{number % 3}", str(number), 25, 64)
        crops = np.stack([cropped(one.image, one.box, 64) for one in pictures])
        bands = {"ᅡ": 10, "ᄆ": 25, "ᅵ": 40, "ᅮ": 55, "ᄉ": 70}
        mel = np.full((154, 80), -4.0, np.float32)
        for i, symbol in enumerate(symbols):
            first = round(0.16 * i * 80 + 3.2 * late)
            mel[max(0, first) : max(0, first + 13), bands[symbol] : bands[symbol] + 8] = 2.0
        clips.append((crops, mel + 0.1 * draw.standard_normal(mel.shape).astype(np.float32)))
    found = measured_offset(clips, HEARING, 8)
    assert found.clear
    assert abs(found.frames - late) <= 1
    assert sum(abs(one - found.frames) <= 1 for one in found.of_clips) >= 14  # of 16
    assert f"{found.frames:+d}: " in found.histogram()
