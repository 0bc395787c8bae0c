"""A track of captions in an mp4: what is written is read again, at its time."""

from pathlib import Path

import av
import numpy as np
from av.stream import Disposition

from components.data.video.mp4 import writing
from components.data.video.subtitles import Subtitle, SubtitleTrack


def read(path: Path) -> list[tuple[int, int, str]]:
    with av.open(str(path)) as container:
        packets = [(p.pts, p.duration, bytes(p)[2:].decode()) for p in container.demux(subtitles=0) if p.size]
    return [(start, start + length, text) for start, length, text in packets if text]


def test_texts_come_back_at_their_times_and_are_shown_by_default(tmp_path: Path) -> None:
    path = tmp_path / "x.mp4"
    told = [
        Subtitle(0, 900, "안녕하세요.\n오늘은"),
        Subtitle(900, 1500, "<i>좋습니다</i> & 😀"),
        Subtitle(1800, 5000, "끝"),  # longer than the pictures
    ]
    with writing(path, 25, 8000, {"a": "b"}, 23, SubtitleTrack("ko", told)) as writer:
        for _ in range(50):
            writer.write(np.zeros((48, 64, 3), np.uint8), np.zeros(320, np.float32))
    assert read(path) == [(one.start_ms, one.end_ms, one.text) for one in told]
    with av.open(str(path)) as container:
        (track,) = container.streams.subtitles
        assert track.metadata["language"] == "kor"
        assert track.disposition & Disposition.default
        assert container.streams.video[0].frames == 50


def test_a_film_of_one_frame_keeps_its_texts(tmp_path: Path) -> None:
    path = tmp_path / "x.mp4"
    with writing(path, 25, 0, {}, 23, SubtitleTrack("en", [Subtitle(0, 400, "one")])) as writer:
        writer.write(np.zeros((16, 16, 3), np.uint8), np.zeros(0, np.float32))
    assert read(path) == [(0, 400, "one")]
