"""The whole way from a text to a video. The models are fakes; files, captions, labels and times are real."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
import torch
from fixture_evidence import laptop_params
from numpy.typing import NDArray
from registry_store import delivered

from components import inference
from components.core.errors import BadInputError, ConfigError, DataError
from components.core.params import Params
from components.core.paths import Workspace, project_root
from components.core.progress import Progress
from components.core.utterance import LANGUAGES, Language
from components.data.video.media import frames_at
from components.data.video.mp4 import writing
from components.nn.contracts import Speech
from components.nn.control import Control
from components.nn.timed_speech import Timed, TimedSpeech
from components.stages import pipeline_work
from components.stages.contract import Record
from components.stages.pipeline import Piped, pipeline
from components.stages.pipeline_times import PARTS, part_times
from components.stages.pipeline_work import PipelineWish
from components.stages.runner import Request, run_stage

TEXTS: dict[Language, str] = {
    "ko": "오늘은 날씨가 아주 좋습니다.",
    "en": "The weather is fine.",
    "ja": "今日は良い天気ですね。",
    "zh": "今天天气非常好。",
}
CPU = torch.device("cpu")
RATE = 8000


@dataclass
class Models:
    """Speaks 0.3 s a word, converts by turning it down, and paints mouths green; counts its loadings."""

    loaded: list[str] = field(default_factory=list)
    speakers: tuple[str, ...] = ("a", "b")
    consents: Mapping[str, str] = field(default_factory=lambda: {"a": "ca", "b": "cb", "z": "cz"})
    weights_sha256: str = "w" * 64
    device: torch.device = CPU
    fps: int = 25
    sample_rate: int = 16000
    image_size: int = 32
    batch_frames: int = 4

    def load(self, model: str, section: object, folder: Path, *_: object) -> Models:
        assert folder.is_dir()
        self.loaded.append(model)
        return self

    def synthesise_timed(
        self, text: str, language: Language, speaker: str, control: Control, words: Mapping[int, Control]
    ) -> TimedSpeech:
        said = text.split() if language in ("ko", "en") else [text]
        timed = tuple(Timed(word, 0.3 * n, 0.3 * n + 0.3) for n, word in enumerate(said))
        samples = np.full(round(0.3 * len(said) * RATE) + 100, 0.1, np.float32)
        return TimedSpeech(samples, RATE, timed, timed)

    def faces(
        self, crops: NDArray[np.uint8], samples: NDArray[np.int16], frames: NDArray[np.int64]
    ) -> NDArray[np.uint8]:
        made = np.zeros_like(crops)
        made[..., 1] = 200
        return made


@pytest.fixture
def models(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Models:
    models = Models()
    for name in ("load", "load_converter", "load_lip_sync"):
        monkeypatch.setattr(inference, name, models.load)
    monkeypatch.setattr(
        pipeline_work, "convert", lambda _, speech, speaker: Speech(speech.samples / 2, speech.sample_rate)
    )
    for name in ("fastpitch", "rvc"):
        delivered(tmp_path / "project" / "pretrained" / name)
    return models


@pytest.fixture(scope="module")
def params() -> Params:
    """With a small face, and one run to warm up."""
    found = laptop_params()
    pipeline = found.pipeline.model_copy(update={"drawn_face_pixels": 96})
    evaluation = found.evaluation.model_copy(update={"latency_warmup": 1})
    return found.model_copy(update={"pipeline": pipeline, "evaluation": evaluation})


def make(tmp_path: Path, params: Params, **wish: object) -> Piped:
    asked = {"text": TEXTS["ko"], "language": "ko", "without": ("lips",)} | wish
    out, workspace = tmp_path / "out.mp4", Workspace.embedded(tmp_path / "workspace")
    return pipeline(tmp_path / "project", params, workspace, PipelineWish(**asked), out, Progress("t"))  # type: ignore[arg-type]


def film(path: Path, count: int, fps: float = 25) -> Path:
    with writing(path, fps, 0, {}, 1) as writer:
        for number in range(count):
            writer.write(np.full((47, 65, 3), 40 + number % 200, np.uint8), np.zeros(0, np.float32))
    return path


def track_of(path: Path) -> list[tuple[int, str]]:
    with av.open(str(path)) as container:
        packets = [(p.pts, bytes(p)[2:].decode()) for p in container.demux(subtitles=0) if p.size]
    return [(start, text) for start, text in packets if text]


@pytest.mark.parametrize("face", ["grey.png", "1", "10", "300", "60@30", "drawn"])
def test_the_video_lasts_as_long_as_the_speech(
    tmp_path: Path, params: Params, models: Models, face: str
) -> None:
    path: Path | None = tmp_path / "face.mp4"
    if face == "drawn":
        path = None
    elif face.endswith(".png"):
        path = tmp_path / face
        cv2.imwrite(str(path), np.full((33, 51), 90, np.uint8))
    else:
        count, _, fps = face.partition("@")
        film(tmp_path / "face.mp4", int(count), float(fps or 25))
    made = make(tmp_path, params, face=path)
    seconds = 1.2 + 100 / RATE
    assert made.frames == len(list(frames_at(tmp_path / "out.mp4", 25))) == math.ceil(seconds * 25)
    with av.open(str(tmp_path / "out.mp4")) as container:
        sound = container.streams.audio[0]
        assert float(sound.duration * sound.time_base) == pytest.approx(seconds, abs=0.07)
        assert container.streams.video[0].codec_context.name == "h264"
        assert sound.codec_context.name == "aac"


@pytest.mark.parametrize("language", LANGUAGES)
def test_captions_have_the_times_of_the_speech(
    tmp_path: Path, params: Params, models: Models, language: Language
) -> None:
    text = TEXTS[language]
    make(tmp_path, params, text=text, language=language, captions=("srt", "vtt"))
    track = track_of(tmp_path / "out.mp4")
    assert track[0][0] == 0
    assert "".join(shown for _, shown in track).replace("\n", "").replace(" ", "") == text.replace(" ", "")
    srt = (tmp_path / "out.srt").read_text(encoding="utf-8")
    assert srt.startswith("1\n00:00:00,000 --> ")
    assert all(shown in srt for _, shown in track)
    assert (tmp_path / "out.vtt").read_text(encoding="utf-8").startswith("WEBVTT")


def test_burned_captions_are_in_the_picture_and_in_no_track(
    tmp_path: Path, params: Params, models: Models
) -> None:
    cv2.imwrite(str(tmp_path / "face.png"), np.full((180, 320, 3), 128, np.uint8))
    made = make(tmp_path, params, face=tmp_path / "face.png", captions=("burn",), text=f"{TEXTS['ko']} 🙂")
    first = next(iter(frames_at(tmp_path / "out.mp4", 25))).astype(int)
    assert first[130:].max() > 200
    assert first[130:].min() < 60
    assert np.abs(first[:100] - 128).max() < 12
    assert made.undrawn == "🙂"
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert not container.streams.subtitles


def test_lips_and_another_voice_are_in_the_picture_the_label_and_the_times(
    tmp_path: Path, params: Params, models: Models
) -> None:
    delivered(tmp_path / "project" / "pretrained" / "wav2lip")
    made = make(tmp_path, params, without=(), convert_to="z", repeat=2)
    assert models.loaded == ["fastpitch", "rvc", "wav2lip"]
    image = next(iter(frames_at(tmp_path / "out.mp4", 25))).astype(int)
    assert (image[:, :, 1] - image[:, :, 0]).max() > 100
    assert [one.part for one in made.times.parts] == list(PARTS)
    assert made.times.total.p95_ms >= max(one.p50_ms for one in made.times.parts)
    assert (made.times.n, made.times.warm_up) == (2, 1)
    told = json.loads((tmp_path / "out.mp4.times.json").read_text(encoding="utf-8"))
    assert (told["evidence"], told["target_ms"]) == ("measured", 500.0)
    assert told["device"].startswith("cpu")
    label = json.loads((tmp_path / "out.mp4.json").read_text(encoding="utf-8"))
    assert label["model"] == "fastpitch + rvc + wav2lip"
    assert (label["speaker"], label["consent"]) == ("z, face: drawn", "ca + cz + synthetic")


@pytest.mark.parametrize(
    ("missing", "instead"), [("wav2lip", "--without lips"), ("fastpitch", "make pretrain")]
)
def test_a_part_without_weights_is_named_before_anything_is_loaded(
    tmp_path: Path, params: Params, models: Models, missing: str, instead: str
) -> None:
    weights = tmp_path / "project" / "pretrained" / missing / "model.safetensors"
    weights.unlink(missing_ok=True)
    with pytest.raises(ConfigError, match=rf"pipeline, \w+ \({missing}\): .*{instead}"):
        make(tmp_path, params, without=(), face=tmp_path / "no.png")
    assert not models.loaded
    assert not list(tmp_path.glob("out*"))


def test_what_cannot_be_made_leaves_nothing(tmp_path: Path, params: Params, models: Models) -> None:
    bad: list[tuple[type[Exception], dict[str, object]]] = [
        (BadInputError, {"captions": ("ass",)}),
        (BadInputError, {"without": ("speech",)}),
        (BadInputError, {"repeat": 0}),
        (BadInputError, {"captions": ("srt",), "without": ("lips", "captions")}),
        (DataError, {"language": "fr"}),
        (DataError, {"face": tmp_path / "no.mp4"}),
        (DataError, {"convert_to": "nobody"}),
    ]
    for kind, wish in bad:
        with pytest.raises(kind):
            make(tmp_path, params, **wish)
    assert not list(tmp_path.glob("out*"))


def test_the_stage_leaves_a_record_and_is_skipped_while_nothing_changed(
    tmp_path: Path, models: Models
) -> None:
    workspace = Workspace.embedded(tmp_path / "workspace")

    def run(**options: str) -> Record:
        return run_stage(Request("pipeline", None, "ci", workspace, project_root(), extra=options))

    asked = {"text": TEXTS["ko"], "language": "ko", "speaker": "", "convert-to": "", "face": ""}
    record = run(**asked)
    assert set(record.outputs) == {"video", "label", "times", "captions"}
    assert record.summary["frames"] == 31
    assert record.summary["times"]["command"] == "python -m components pipeline"
    assert (workspace.demonstration / "demo.mp4").stat().st_size > 1000
    assert run(**asked).state == "skipped"
    assert run(**asked | {"text": "한 말"}).state == "done"


def test_quantiles_are_over_runs_and_the_total_is_of_each_run() -> None:
    runs = [{"speech": 0.1, "lips": 0.3}, {"speech": 0.3, "lips": 0.1}, {"speech": 0.2, "lips": 0.2}]
    parts, total = part_times(runs, {"lips": ("wav2lip", "3")})
    assert [(one.part, one.model, one.p50_ms, one.p95_ms) for one in parts] == [
        ("speech", "", 200.0, 290.0),
        ("lips", "wav2lip", 200.0, 290.0),
    ]
    assert (total.p50_ms, total.p95_ms) == (400.0, 400.0)
