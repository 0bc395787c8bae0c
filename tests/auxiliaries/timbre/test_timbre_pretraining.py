"""Preparation, training, delivery and measurement of the timbre network through the real loop, tiny."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from by_heart import learned
from extractions import extraction
from pydantic import ValidationError
from tiny_codec import CPU

from components import catalogue
from components.auxiliaries.timbre.clips import SoundStore
from components.auxiliaries.timbre.new_voices import draw, spoken_by
from components.auxiliaries.timbre.params import NewVoices, Section
from components.auxiliaries.timbre.spec import SPEC
from components.core.errors import ConfigError, DataError
from components.core.progress import Progress
from components.nn.delivered import read_delivered

QUIET = Progress("test")
CENTRES = torch.linspace(50.0, 7000.0, 60)


def test_it_is_found_by_name() -> None:
    assert catalogue.auxiliary_spec("timbre").name == "timbre"


def test_preparation_takes_models_and_people_and_no_more_than_wanted(
    section: Section, corpus: Path, prepared: Path, tmp_path: Path
) -> None:
    store = SoundStore(prepared)
    assert {row.speaker for row in store.rows} == {"low", "mid", "high", "person"}
    assert SPEC.prepare(section, extraction([corpus], prepared)).reused == 46
    few = section.training.model_copy(update={"clips_per_voice": 2})
    SPEC.prepare(section.model_copy(update={"training": few}), extraction([corpus], tmp_path / "few"))
    found = [row for row in SoundStore(tmp_path / "few").rows if row.speaker == "low"]
    assert sorted(row.split for row in found) == [
        "test",
        "test",
        "train",
        "train",
        "validation",
        "validation",
    ]
    with pytest.raises(DataError, match="usable recording"):
        SPEC.prepare(section, extraction([], tmp_path / "none"))


def test_prompt_and_speech_are_two_utterances_of_one_voice(section: Section, prepared: Path) -> None:
    task = SPEC.training_task(section, prepared, 0, None)
    batch = task.collate([task.train[index] for index in range(4)])
    bands = len(batch["warp"][0])
    assert batch["mel"].shape == (4, section.training.speech_frames, bands)
    assert batch["prompt_mel"].shape == (4, section.training.prompt_frames, bands)
    for index in range(30):
        one = task.train[index]
        speech, prompt = (one[name][one[name] > 0.0].exp().mean() for name in ("log_f0", "prompt_log_f0"))
        assert 0.75 < speech / prompt < 1.33, "voices are 110, 160 and 220 Hz"
        assert not torch.equal(one["mel"][:20], one["prompt_mel"][:20])
    assert len({float(task.train[0]["warp"].sum()) for _ in range(8)}) > 1
    assert len({float(task.validation[0]["mel"].sum()) for _ in range(8)}) == 1


def test_a_new_voice_has_its_frequencies_elsewhere() -> None:
    """A tone of band 20 sounds in the band whose frequency is that much higher; zeros change nothing."""
    mel = torch.full((1, 3, 60), -9.0)
    mel[..., 20] = 0.0
    factor = float((CENTRES[30] / CENTRES[20]).log())
    moved = spoken_by(mel, torch.full((1, 60), factor), torch.zeros(1, 60), CENTRES, -11.5)
    assert moved.argmax(dim=-1).unique().tolist() == [30]
    same = spoken_by(mel, torch.zeros(1, 60), torch.zeros(1, 60), CENTRES, -11.5)
    torch.testing.assert_close(same, mel)
    louder = spoken_by(mel, torch.zeros(1, 60), torch.full((1, 60), 0.5), CENTRES, -11.5)
    torch.testing.assert_close(louder, mel + 0.5)
    assert float(spoken_by(mel, torch.zeros(1, 60), torch.full((1, 60), -5.0), CENTRES, -11.5).min()) == -11.5


def test_voices_are_drawn_in_the_share_that_is_asked_for() -> None:
    numbers = NewVoices(share=0.5, warp=0.2, bend=0.05, equaliser=0.4)
    drawn = [draw(numbers, CENTRES, torch.Generator().manual_seed(seed)) for seed in range(200)]
    new = [one for one in drawn if bool(one.warp.any())]
    assert 70 < len(new) < 130
    assert all(not one.equaliser.any() and not one.pitch for one in drawn if not one.warp.any())
    assert max(float(one.warp.abs().max()) for one in new) < 0.2 + 6 * 0.05
    again = draw(numbers, CENTRES, torch.Generator().manual_seed(3))
    assert torch.equal(again.warp, drawn[3].warp)


def test_it_learns_and_begins_where_averages_are_moved_alone(section: Section, prepared: Path) -> None:
    torch.manual_seed(0)
    task = SPEC.training_task(section, prepared, 0, None)
    history = learned(task, "timbre")
    assert history[0]["mel"] == pytest.approx(history[0]["average"])
    assert history[-1]["copy"] == pytest.approx(history[0]["copy"]), "nothing of the codec is trained"
    assert np.mean([one["mel"] for one in history[-5:]]) < 0.8 * history[0]["mel"]


def test_every_parameter_learns(section: Section, prepared: Path) -> None:
    torch.manual_seed(0)
    task = SPEC.training_task(section, prepared, 0, None)
    with torch.no_grad():
        for parameter in task.network.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    task.network("timbre", task.collate([task.train[index] for index in range(4)]), 0)["total"].backward()
    silent = [n for n, p in task.network.named_parameters() if p.grad is None or not p.grad.any()]
    assert silent == []
    assert not any("codec" in name for name in task.network.state_dict())


def test_figures_are_of_the_test_split(section: Section, prepared: Path, delivered: Path) -> None:
    figures = dict(SPEC.measure(section, delivered, prepared, CPU, QUIET))
    assert figures["n"] == section.training.validation_clips
    assert all(0 < figures[name] < 20 for name in ("mel_l1", "copy_l1", "average_l1"))
    assert figures == dict(SPEC.measure(section, delivered, prepared, CPU, QUIET))


def test_it_goes_on_from_a_delivered_one(section: Section, prepared: Path, delivered: Path) -> None:
    task = SPEC.training_task(section, prepared, 7, delivered)
    for name, value in read_delivered(delivered, "timbre").weights.items():
        assert torch.equal(value, task.network.network.state_dict()[name]), name
    other = section.architecture.model_copy(update={"channels": 12})
    with pytest.raises(ConfigError, match="channels"):
        SPEC.training_task(section.model_copy(update={"architecture": other}), prepared, 0, delivered)


def test_what_is_asked_for_and_what_is_there(section: Section, delivered: Path) -> None:
    card = dict(read_delivered(delivered, "timbre").card)
    assert section.misfit(card) is None
    assert section.misfit(None) is not None
    other = section.architecture.model_copy(update={"layers": 3})
    assert section.model_copy(update={"architecture": other}).misfit(card) == ("layers 3", "layers 2")


def test_impossible_parameters_are_refused(section: Section) -> None:
    values = section.model_dump()
    values["architecture"]["kernel"] = 4
    with pytest.raises(ValidationError, match="odd"):
        Section.model_validate(values)
