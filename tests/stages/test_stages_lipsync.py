"""The tool lipsync, on what was delivered: a tiny Wav2Lip with drawn weights and a drawn face."""

from __future__ import annotations

import json
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
import torch
from talking_corpus import HEARING

from components import catalogue
from components.core.errors import DataError
from components.core.params import Params
from components.core.paths import Workspace, project_root
from components.core.progress import Progress
from components.data.talking_face.talk import talk
from components.data.video.media import frames_at
from components.data.video.mp4 import writing
from components.features.faces.detection import boxes_beside, write_boxes
from components.models.wav2lip.delivery import Card, deliver
from components.models.wav2lip.network import Generator, QualityJudge
from components.models.wav2lip.params import Section
from components.stages.lipsync import LipSyncWish, lipsync


@pytest.fixture(scope="module")
def params() -> Params:
    return catalogue.load(project_root(), "ci")


@pytest.fixture(scope="module")
def project(params: Params, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with pretrained/wav2lip."""
    root, section = tmp_path_factory.mktemp("project"), params.models["wav2lip"]
    assert isinstance(section, Section)
    torch.manual_seed(0)
    parts = {"generator.": Generator(section.architecture), "judge.": QualityJudge(section.architecture)}
    weights = {
        prefix + name: value.contiguous()
        for prefix, network in parts.items()
        for name, value in network.state_dict().items()
    }
    folder = root / "pretrained" / "wav2lip"
    folder.mkdir(parents=True)
    card = Card(section.architecture, HEARING, "0" * 64)
    deliver(weights, folder, card=card, consents={}, dtype=torch.float16)
    return root


def drawn(path: Path) -> Path:
    pictures = list(talk((), "ko", 0.4, "unseen-0", "clip", 25, 80))
    with writing(path, 25, 0, {}, 1) as writer:
        for one in pictures:
            writer.write(one.image, np.zeros(0, np.float32))
    write_boxes(boxes_beside(path), [one.box for one in pictures])
    return path


def test_a_face_says_a_recording_in_a_labelled_mp4(params: Params, project: Path, tmp_path: Path) -> None:
    video, speech, out = drawn(tmp_path / "face.mp4"), tmp_path / "s.wav", tmp_path / "out.mp4"
    draw = np.random.default_rng(0)
    soundfile.write(speech, 0.1 * draw.standard_normal((17640, 2)), 44100)
    wish = LipSyncWish("wav2lip", video, speech, face="unseen-0", consent="synthetic", language="ko")
    workspace = Workspace.embedded(tmp_path / "workspace")
    version, made = lipsync(project, params, workspace, wish, out, Progress("test"))
    before, after = list(frames_at(video, 25)), list(frames_at(out, 25))
    assert made.frames == len(before) == len(after) == 10
    assert version == "pretrained"
    assert made.track.lines() == []
    differing = np.abs(np.stack(after).astype(int) - np.stack(before)).mean(axis=(0, 3))
    assert differing[50:60, 30:50].mean() > 5 * differing[:20].mean()
    label = json.loads(made.label.read_text(encoding="utf-8"))
    assert (label["speaker"], label["consent"], label["language"]) == ("unseen-0", "synthetic", "ko")
    with av.open(str(out)) as container:
        assert json.loads(container.metadata["comment"])["model"] == "wav2lip"
        assert {stream.codec_context.name for stream in container.streams} == {"h264", "aac"}


def test_a_video_without_a_way_to_find_the_face_is_refused(
    params: Params, project: Path, tmp_path: Path
) -> None:
    video = drawn(tmp_path / "face.mp4")
    boxes_beside(video).unlink()
    wish = LipSyncWish("wav2lip", video, video)
    with pytest.raises(DataError, match="face detector"):
        lipsync(project, params, Workspace.embedded(tmp_path / "w"), wish, tmp_path / "o.mp4", Progress("t"))
    assert not (tmp_path / "o.mp4").exists()
