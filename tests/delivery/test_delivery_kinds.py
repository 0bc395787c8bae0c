"""What is exported of the other kinds works in a clean process: converts, moves lips, speaks by a prompt."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from tiny_rvc import gliding

from components import catalogue
from components.core.paths import project_root
from components.core.ports import ModelVersion
from components.data.talking_face.talk import talk
from components.data.video.mp4 import writing
from components.delivery.bundle import ENTRY, seal, write_bundle
from components.features.faces.detection import boxes_beside, write_boxes
from components.stages.deliverable import contents

ROOT = project_root()
RATE = 16000


def exported(model: str, folder: Path) -> Path:
    """The shipped weights, exported with the profile that they are used with."""
    params = catalogue.load(ROOT, "laptop")
    version = ModelVersion(model, "7", "run", "", {})
    what = contents(ROOT, params, version, ROOT / "pretrained" / model, folder.parent / "none", "laptop", {})
    folder.mkdir()
    write_bundle(folder, what)
    seal(folder)
    return folder


def used(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """``python -I use.py …`` in another folder, with nothing of this process's environment."""
    command = [sys.executable, "-I", "-B", str(folder / ENTRY), *words]
    place = {"PATH": "/usr/bin:/bin", "HOME": str(folder.parent), "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, capture_output=True, text=True, cwd=folder.parent, env=place, check=False)


def label_of(media: Path) -> tuple[str, str, str, str]:
    told = json.loads(media.with_name(f"{media.name}.json").read_text(encoding="utf-8"))
    assert told["synthetic"] is True
    return told["model"], told["model_version"], told["speaker"], told["consent"]


@pytest.fixture(scope="module")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("소리") / "speech.wav"
    soundfile.write(path, gliding(1.6, 150.0), RATE)
    return path


def test_rvc_converts_and_keeps_the_length(speech: Path, tmp_path: Path) -> None:
    folder, out = exported("rvc", tmp_path / "rvc"), tmp_path / "said.wav"
    done = used(
        folder, "convert", "--input", str(speech), "--speaker", "human_carlo_flora", "--out", str(out)
    )
    assert done.returncode == 0, done.stderr
    made, rate = soundfile.read(out)
    assert abs(len(made) / rate - 1.6) < 0.05
    assert np.abs(made).max() > 0.01
    assert label_of(out) == ("rvc", "7", "human_carlo_flora", "licence-human_carlo_flora")


def test_vallex_speaks_in_the_voice_of_a_prompt_and_says_the_same_by_the_same_seed(
    speech: Path, tmp_path: Path
) -> None:
    folder = exported("vallex", tmp_path / "vallex")
    words = ("--text", "네.", "--language", "ko", "--prompt", str(speech), "--prompt-text", "아")
    said = tmp_path / "said.wav"
    done = used(folder, "synthesise", *words, "--seed", "3", "--out", str(said))
    assert done.returncode == 0, done.stderr
    assert len(soundfile.read(said)[0]) > 0
    assert label_of(said) == ("vallex", "7", "und", "und")
    from components.core.exported import PARTS
    from components.inference.exported import Exported, VoicePrompt, read_speech

    prompt = VoicePrompt(read_speech(speech), "아", "ko", 3)
    again = Exported(folder / PARTS).synthesise_prompted("네.", "ko", prompt)
    assert np.allclose(again.samples, soundfile.read(said)[0], atol=2e-3)


def test_wav2lip_moves_the_lips_of_a_face(speech: Path, tmp_path: Path) -> None:
    face, out = tmp_path / "face.mp4", tmp_path / "said.mp4"
    pictures = list(talk((), "ko", 0.2, "unseen-0", "clip", 25, 96))
    with writing(face, 25, 0, {}, 1) as writer:
        for one in pictures:
            writer.write(one.image, np.zeros(0, np.float32))
    write_boxes(boxes_beside(face), [one.box for one in pictures])
    words = ("--video", str(face), "--audio", str(speech), "--face", "unseen-0", "--consent", "synthetic")
    done = used(exported("wav2lip", tmp_path / "wav2lip"), "lipsync", *words, "--out", str(out))
    assert done.returncode == 0, done.stderr
    assert out.stat().st_size > 1000
    assert label_of(out) == ("wav2lip", "7", "unseen-0", "synthetic")
