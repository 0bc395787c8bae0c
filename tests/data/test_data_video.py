"""Videos in and out: frames are neither lost nor made, whatever their rate, size or colour."""

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from components.core.errors import DataError
from components.data.video.lrs2 import read_lrs2
from components.data.video.media import facts_of, frames, frames_at, sound
from components.data.video.mp4 import writing

RATE = 16000


def grey_level(image: np.ndarray) -> int:
    return round(float(image.mean()))


def written(
    path: Path, count: int, fps: float = 25, size: tuple[int, int] = (64, 48), seconds: float = 0
) -> Path:
    """Frame i has the grey level 10 + 4 i, so that its number can be read from it."""
    with writing(path, fps, RATE if seconds else 0, {"made": "by a test"}, 1) as writer:
        left = round(seconds * RATE)
        for number in range(count):
            image = np.full((size[1], size[0], 3), 10 + 4 * number, np.uint8)
            share = min(left, round(RATE / fps))
            writer.write(image, np.full(share, 0.1, np.float32))
            left -= share
    return path


def numbers(path: Path, fps: float) -> list[int]:
    return [round((grey_level(image) - 10) / 4) for image in frames_at(path, fps)]


@pytest.mark.parametrize("count", [1, 2, 60])
def test_what_is_written_is_read_frame_by_frame(tmp_path: Path, count: int) -> None:
    path = written(tmp_path / "x.mp4", count)
    assert numbers(path, 25) == list(range(count))
    assert facts_of(path).fps == pytest.approx(25)
    assert facts_of(path).steady


def test_other_rates_lose_or_repeat_frames_and_never_drift(tmp_path: Path) -> None:
    path = written(tmp_path / "x.mp4", 60, fps=50)
    assert numbers(path, 25) == [1 + 2 * i for i in range(30)]
    slow = written(tmp_path / "slow.mp4", 10, fps=12.5)
    assert numbers(slow, 25) == [i // 2 for i in range(20)]
    film = written(tmp_path / "film.mp4", 48, fps=24)
    found = numbers(film, 25)
    assert len(found) == 50
    assert all(abs(number - i * 24 / 25) <= 1 for i, number in enumerate(found))


def test_a_varying_rate_is_told_and_converted_by_time(tmp_path: Path) -> None:
    path = tmp_path / "vfr.mkv"
    moments = [0, 40, 80, 240, 280, 320, 400]  # ms
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt, stream.options = 64, 48, "yuv420p", {"crf": "1"}
        stream.codec_context.time_base = Fraction(1, 1000)
        for number, moment in enumerate(moments):
            frame = av.VideoFrame.from_ndarray(
                np.full((48, 64, 3), 10 + 4 * number, np.uint8), format="rgb24"
            )
            frame.pts, frame.time_base = moment, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert numbers(path, 25) == [0, 1, 2, 2, 2, 2, 3, 4, 5, 5, 6, 6]


@pytest.mark.parametrize("size", [(65, 47), (64, 47), (33, 33)])
def test_odd_sizes_are_made_even_by_one_line(tmp_path: Path, size: tuple[int, int]) -> None:
    (image,) = frames_at(written(tmp_path / "x.mp4", 1, size=size), 25)
    assert image.shape == (size[1] + size[1] % 2, size[0] + size[0] % 2, 3)


def test_grey_pictures_and_stills_become_rgb(tmp_path: Path) -> None:
    picture = tmp_path / "grey.png"
    cv2.imwrite(str(picture), np.full((20, 30), 77, np.uint8))
    (image,) = frames_at(picture, 25)
    assert image.shape == (20, 30, 3)
    assert np.all(image == 77)
    colour = tmp_path / "red.png"
    cv2.imwrite(str(colour), np.full((20, 30, 3), (0, 0, 200), np.uint8))
    assert next(iter(frames(colour))).image[0, 0].tolist() == [200, 0, 0]


def test_a_rotated_video_is_read_upright(tmp_path: Path) -> None:
    path = tmp_path / "turned.mp4"
    image = np.zeros((48, 64, 3), np.uint8)
    image[:24] = 200
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        if not hasattr(stream, "set_display_rotation"):
            pytest.skip("this PyAV cannot write a rotation")
        stream.set_display_rotation(90)
        container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode(None))
    (found,) = frames_at(path, 25)
    assert found.shape == (64, 48, 3)


def test_sound_comes_back_at_any_rate_and_its_absence_is_told(tmp_path: Path) -> None:
    path = written(tmp_path / "x.mp4", 50, seconds=2.0)
    samples = np.concatenate(list(sound(path, 8000)))
    assert len(samples) == pytest.approx(16000, abs=1024)
    assert abs(facts_of(path).sound_late_s) < 0.05
    with pytest.raises(DataError, match="sound"):
        list(sound(written(tmp_path / "mute.mp4", 3), 8000))


def test_what_is_no_video_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.mp4"
    path.write_bytes(b"no video at all")
    for read in (facts_of, lambda p: list(frames(p)), lambda p: list(sound(p, 8000))):
        with pytest.raises(DataError, match=r"x\.mp4"):
            read(path)


def test_an_error_leaves_no_half_video(tmp_path: Path) -> None:
    path = tmp_path / "x.mp4"

    def fail_on_the_way() -> None:
        with writing(path, 25, 0, {}, 23) as writer:
            writer.write(np.zeros((16, 16, 3), np.uint8), np.zeros(0, np.float32))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_on_the_way()
    assert list(tmp_path.iterdir()) == []


def test_lrs2_folders_are_read_and_what_is_wrong_is_named(tmp_path: Path) -> None:
    for name, text in {"s1/a": "Text:  HELLO  WORLD\nConf:  4\n", "s1/b": "그냥 글", "s2/c": None}.items():
        path = tmp_path / f"{name}.mp4"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"")
        if text is not None:
            path.with_suffix(".txt").write_text(text, encoding="utf-8")
    (tmp_path / "stray.mp4").write_bytes(b"")
    found = read_lrs2(tmp_path)
    assert [(c.clip_id, c.speaker, c.text) for c in found.clips] == [
        ("s1/a", "s1", "HELLO WORLD"),
        ("s1/b", "s1", "그냥 글"),
    ]
    assert set(found.rejected) == {f"{tmp_path.name}/stray", "s2/c"}
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(DataError, match="none"):
        read_lrs2(empty)
