"""From file to mp4: as many frames as came in, each with its own sound, and nothing else touched."""

from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import pytest
import soundfile
import torch
from numpy.typing import NDArray

from components.core.errors import DataError
from components.core.progress import Progress
from components.data.video.media import frames_at, sound
from components.data.video.mp4 import writing
from components.features.faces.detection import KnownBoxes
from components.inference import LipSynced, MediaLabel, Rendering, lipsync_file
from components.inference.lipsync import soft_mask

LABEL = MediaLabel("wav2lip", "1", "0" * 64, "und", "und", "ko")
BOX = np.array([[16, 8, 48, 40]], np.float32)
NONE = np.zeros((0, 4), np.float32)
CPU = torch.device("cpu")


@dataclass
class GreenMouths:
    """Paints each face green, the brighter the louder its frame is; remembers what it was asked."""

    fps: int = 25
    sample_rate: int = 16000
    image_size: int = 32
    batch_frames: int = 4
    device: torch.device = CPU
    dtype: str = "float32"
    weights_sha256: str = "0" * 64
    asked: list[int] = field(default_factory=list)
    largest: int = 0

    def video_frames(self, samples: int) -> int:
        return max(1, -(-samples * 25 // 16000))

    def faces(
        self, crops: NDArray[np.uint8], samples: NDArray[np.int16], frames: NDArray[np.int64]
    ) -> NDArray[np.uint8]:
        self.asked += frames.tolist()
        self.largest = max(self.largest, len(crops))
        made = np.zeros_like(crops)
        for place, frame in enumerate(frames):
            part = np.asarray(samples[frame * 640 : (frame + 1) * 640]).astype(np.float64) / 32767
            level = np.sqrt(np.mean(part**2)) if len(part) else 0.0
            made[place, :, :, 1] = min(255, round(500 * level))
        return made


def film(path: Path, count: int, fps: float = 25, size: tuple[int, int] = (64, 48)) -> Path:
    with writing(path, fps, 0, {}, 1) as writer:
        for number in range(count):
            image = np.full((size[1], size[0], 3), 60 + 2 * number, np.uint8)
            writer.write(image, np.zeros(0, np.float32))
    return path


def speak(path: Path, seconds: float, loud_from: float = 0.0, rate: int = 16000) -> Path:
    samples = np.zeros(round(seconds * rate), np.float32)
    samples[round(loud_from * rate) :] = 0.4
    soundfile.write(path, samples, rate)
    return path


def render(
    tmp_path: Path, picture: Path, speech: Path, boxes: list[np.ndarray]
) -> tuple[LipSynced, GreenMouths, list]:
    model, out = GreenMouths(), tmp_path / "out.mp4"
    made = lipsync_file(
        model, picture, speech, out, LABEL, KnownBoxes(boxes), Rendering(2, 0.1, 1), Progress("test")
    )
    return made, model, list(frames_at(out, 25))


@pytest.mark.parametrize("count", [1, 10, 50])
def test_as_many_frames_come_out_as_went_in_each_with_its_own_sound(tmp_path: Path, count: int) -> None:
    speech = speak(tmp_path / "s.wav", count / 25, loud_from=count / 50)
    made, model, frames = render(tmp_path, film(tmp_path / "v.mp4", count), speech, [BOX])
    assert made.frames == len(frames) == count
    assert model.asked == list(range(count))
    assert model.largest <= model.batch_frames
    greens = [float(frame[32:38, 28:36, 1].mean()) for frame in frames]
    for number, green in enumerate(greens):
        if abs(number + 0.5 - count / 2) > 1:
            assert (green > 100) == (number + 0.5 > count / 2), (number, green)
    assert (tmp_path / "out.mp4.json").is_file()
    assert np.concatenate(list(sound(tmp_path / "out.mp4", 16000))).size == pytest.approx(
        count * 640, abs=2048
    )


def test_nothing_but_the_lower_half_of_the_face_is_touched(tmp_path: Path) -> None:
    speech = speak(tmp_path / "s.wav", 0.4)
    _, _, frames = render(tmp_path, film(tmp_path / "v.mp4", 10), speech, [BOX])
    for number, frame in enumerate(frames):
        outside = np.ones(frame.shape[:2], bool)
        outside[18:44, 12:52] = False
        assert np.abs(frame[outside].astype(int) - (60 + 2 * number)).max() <= 4


def test_longer_speech_holds_the_last_picture_and_shorter_speech_is_followed_by_silence(
    tmp_path: Path,
) -> None:
    video = film(tmp_path / "v.mp4", 10)
    made, _, frames = render(tmp_path, video, speak(tmp_path / "long.wav", 1.0), [BOX])
    assert (made.frames, made.held, len(frames)) == (25, 15, 25)
    assert abs(float(frames[-1][:6].mean()) - 78) <= 3
    made, _, frames = render(tmp_path, video, speak(tmp_path / "short.wav", 0.2), [BOX])
    assert (made.frames, made.held) == (10, 0)
    assert float(frames[-1][32:38, 28:36, 1].mean()) < 60 < 100 < float(frames[2][32:38, 28:36, 1].mean())
    made, _, _ = render(tmp_path, video, speak(tmp_path / "padded.wav", 0.45), [BOX])
    assert (made.frames, made.held) == (10, 0)  # a codec's padding adds no frame


def test_a_still_lasts_as_long_as_the_speech_and_other_rates_are_converted(tmp_path: Path) -> None:
    still = tmp_path / "face.png"
    cv2.imwrite(str(still), np.full((49, 63), 90, np.uint8))  # grey and odd
    made, _, frames = render(tmp_path, still, speak(tmp_path / "s.wav", 1.3, rate=44100), [BOX])
    assert (made.frames, made.held, len(frames)) == (33, 0, 33)
    assert frames[0].shape == (50, 64, 3)
    made, _, frames = render(tmp_path, film(tmp_path / "fast.mp4", 50, fps=50), tmp_path / "s.wav", [BOX])
    assert made.held == 8
    assert len(frames) == 33


def test_frames_without_a_face_pass_untouched_and_are_told(tmp_path: Path) -> None:
    boxes = [BOX, BOX, NONE, BOX, NONE, NONE, NONE, NONE, BOX, BOX]
    speech = speak(tmp_path / "s.wav", 0.4)
    made, model, frames = render(tmp_path, film(tmp_path / "v.mp4", 10), speech, boxes)
    assert made.frames == len(frames) == 10
    assert model.asked == [0, 1, 2, 3, 8, 9]
    assert (made.track.bridged, made.track.missing) == (1, 4)
    assert np.ptp(frames[5].reshape(-1, 3).astype(int), axis=0).max() <= 4
    made, model, _ = render(tmp_path, tmp_path / "v.mp4", speech, [NONE])
    assert (made.track.missing, model.asked) == (10, [])


def test_of_two_faces_one_is_followed_at_any_rate(tmp_path: Path) -> None:
    """30 frames a second become 25; the larger face speaks, and that there were two is told."""
    small = np.array([[2, 2, 10, 10]], np.float32)
    speech = speak(tmp_path / "s.wav", 1.0)
    boxes = [np.concatenate([small, BOX])]
    made, model, frames = render(tmp_path, film(tmp_path / "v.mp4", 30, fps=30), speech, boxes)
    assert made.frames == len(frames) == 25
    assert model.asked == list(range(25))
    assert made.track.lines() == ["25 of 25 frames with several faces, of which one was followed"]
    assert frames[12][32:38, 28:36, 1].mean() > 100
    assert np.ptp(frames[12][2:10, 2:10].reshape(-1, 3).astype(int), axis=0).max() <= 6


def test_unusable_files_leave_nothing(tmp_path: Path) -> None:
    video, speech = film(tmp_path / "v.mp4", 3), speak(tmp_path / "s.wav", 0.2)
    bad = tmp_path / "bad.mp4"
    bad.write_bytes(b"no video")
    for picture, heard in ((bad, speech), (video, bad), (video, video)):
        with pytest.raises(DataError):
            render(tmp_path, picture, heard, [BOX])
    assert not list(tmp_path.glob("out*"))


def test_the_mask_is_soft_and_covers_the_lower_half() -> None:
    mask = soft_mask(64, 0.1)
    assert mask[48, 32] == 1.0
    assert np.all(mask[:24] == 0)
    assert mask[48, 0] < 0.2
    assert np.abs(np.diff(mask, axis=0)).max() < 0.2
    assert np.abs(np.diff(mask, axis=1)).max() < 0.2
