"""A delivered Wav2Lip at work."""

from pathlib import Path

import numpy as np
import pytest
import torch

from components import inference
from components.core.errors import ConfigError, CorruptFileError
from components.features.talking.store import TalkingStore
from components.models.wav2lip.params import Section
from components.models.wav2lip.rendering import Wav2LipRenderer
from components.models.wav2lip.task import training_task


@pytest.fixture(scope="module")
def delivered(
    section: Section, store: TalkingStore, syncnet: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    target = tmp_path_factory.mktemp("delivered")
    task = training_task(section, store.folder, 0, None, syncnet)
    state = {name: value.detach().clone() for name, value in task.network.state_dict().items()}
    task.deliver(state, target)
    return target


def test_a_face_depends_on_its_frame_alone_and_silence_is_no_nan(section: Section, delivered: Path) -> None:
    model = inference.load_lip_sync("wav2lip", section, delivered, torch.device("cpu"))
    assert isinstance(model, Wav2LipRenderer)
    draw = np.random.default_rng(0)
    crops = draw.integers(0, 255, (6, 64, 64, 3), dtype=np.uint8)
    samples = (3000 * draw.standard_normal(16000)).astype(np.int16)
    frames = np.array([0, 1, 2, 10, 24, 40])  # the last two hear the end and nothing
    together = model.faces(crops, samples, frames)
    assert together.shape == crops.shape
    assert together.dtype == np.uint8
    for place, frame in enumerate(frames):
        alone = model.faces(crops[place : place + 1], samples, np.array([frame]))
        assert np.abs(alone[0].astype(int) - together[place]).max() <= 1
    silent = model.faces(crops, np.zeros(16000, np.int16), frames)
    np.testing.assert_array_equal(silent[5], together[5])
    assert not np.array_equal(silent[3], together[3])
    assert model.faces(crops[:0], samples, frames[:0]).shape == (0, 64, 64, 3)


def test_damaged_weights_and_other_models_are_refused(
    section: Section, delivered: Path, tmp_path: Path
) -> None:
    for name in ("model.safetensors", "model.json"):
        (tmp_path / name).write_bytes((delivered / name).read_bytes())
    damaged = bytearray((tmp_path / "model.safetensors").read_bytes())
    damaged[-5] ^= 1
    (tmp_path / "model.safetensors").write_bytes(bytes(damaged))
    with pytest.raises(CorruptFileError):
        inference.load_lip_sync("wav2lip", section, tmp_path, torch.device("cpu"))
    with pytest.raises(ConfigError, match="moves lips"):
        inference.load_lip_sync("fastpitch", section, delivered, torch.device("cpu"))


def test_it_renders_on_the_threads_that_are_asked_for_and_gives_them_back(
    section: Section, delivered: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = section.model_copy(update={"inference": section.inference.model_copy(update={"cpu_threads": 1})})
    model = Wav2LipRenderer(asked, delivered, torch.device("cpu"))
    before, met = torch.get_num_threads(), []
    model._generator.register_forward_pre_hook(lambda *_: met.append(torch.get_num_threads()))
    torch.set_num_threads(2)
    try:
        model.faces(np.zeros((2, 64, 64, 3), np.uint8), np.zeros(16000, np.int16), np.arange(2))
        assert met == [1]
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
