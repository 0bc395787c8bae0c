"""The hooks: a task that learns, warm starts, a delivered model that speaks the same again."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from components import catalogue
from components.core.errors import ConfigError, CorruptFileError, DataError
from components.core.paths import project_root
from components.features.store import FeatureStore
from components.models.fastpitch.control import SymbolControls
from components.models.fastpitch.params import Section
from components.models.fastpitch.speaker import FastPitchSpeaker
from components.models.fastpitch.spec import SPEC
from components.models.fastpitch.symbol_table import SymbolTable
from components.nn.delivered import read_delivered
from components.stages.shipped import auxiliaries
from components.text.symbols import INVENTORY_VERSION, inventory

CPU = torch.device("cpu")
SERVING = auxiliaries(project_root(), catalogue.load(project_root(), "ci"))


@pytest.fixture(scope="session")
def delivered(learned, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """That network, delivered."""
    folder = tmp_path_factory.mktemp("delivered")
    learned[0].deliver(learned[0].network.state_dict(), folder)
    return folder


@pytest.fixture
def speaker(section: Section, delivered: Path) -> FastPitchSpeaker:
    """That network, speaking."""
    return FastPitchSpeaker(section, delivered, SERVING, CPU)


def test_the_catalogue_finds_the_hooks() -> None:
    assert "fastpitch" in catalogue.trainable()
    assert catalogue.spec("fastpitch") is SPEC


def test_it_learns_one_batch_by_heart(learned) -> None:
    first, last = learned[1][0], learned[1][-1]
    assert last["mel"] < 0.05 * first["mel"]
    assert last["duration"] < 0.2 * first["duration"]
    assert last["pitch"] < 0.2 * first["pitch"]
    assert last["duration_frames"] < 0.5


def test_training_tells_speakers_apart_in_mel_pitch_and_duration(learned) -> None:
    network = learned[0].network.eval()
    table = SymbolTable.current()
    ids, language = torch.tensor([table.ids(("a1", "a2", "a3", "a4", "_"))]), torch.zeros(1, dtype=torch.long)
    usual = SymbolControls.unchanged(ids)
    a, b = (network.speak(ids, torch.tensor([one]), language, usual, 75) for one in (0, 1))
    assert int(b.durations.sum()) > int(a.durations.sum())
    assert (a.mel.mean() - b.mel.mean()).abs() > 0.3
    assert (a.pitch - b.pitch).abs().max() > 0.05


def test_the_seed_decides_the_first_weights(section: Section, store: FeatureStore) -> None:
    one, same, other = (SPEC.training_task(section, store.folder, seed, None).network for seed in (1, 1, 2))
    first = one.state_dict()
    assert all(torch.equal(value, same.state_dict()[name]) for name, value in first.items())
    assert not torch.equal(first["to_mel.weight"], other.state_dict()["to_mel.weight"])


def test_recipe_and_identity_come_from_the_parameters(section: Section, store: FeatureStore) -> None:
    task = SPEC.training_task(section, store.folder, 7, None)
    assert task.recipe.batch_size == section.training.batch_size
    assert task.recipe.seed == 7
    assert task.identity["voices"]["speakers"] == ["a", "b"]
    assert task.identity["voices"]["symbols"] == list(inventory())
    assert task.identity["symbols_version"] == INVENTORY_VERSION
    assert task.identity["pitch"]["b"]["mean"] > task.identity["pitch"]["a"]["mean"] + 0.5
    assert task.train.lengths == tuple(
        len(sample["mel"]) for sample in map(task.train.__getitem__, range(16))
    )
    schedule, warm_up = task.phases[0].schedule, section.training.warmup_steps
    assert schedule(warm_up - 1) == 1.0
    assert schedule(4 * warm_up - 1) == pytest.approx(0.5)


def test_a_warm_start_goes_on_where_the_other_stopped(
    section: Section, store: FeatureStore, learned, delivered: Path
) -> None:
    task = SPEC.training_task(section, store.folder, 3, delivered)
    batch = task.collate([task.train[index] for index in range(len(task.train))])
    with torch.no_grad():
        assert task.network.eval()("generator", batch, 0)["mel"] < 0.1 * learned[1][0]["mel"]


def test_a_new_speaker_keeps_what_the_others_have_learned(
    section: Section, delivered: Path, tmp_path: Path, write_store_of: Callable[..., FeatureStore]
) -> None:
    folder = write_store_of(tmp_path / "store", ("_new", "a", "b")).folder
    table = SPEC.training_task(section, folder, 3, delivered).network.state_dict()["speaker_table.weight"]
    known = read_delivered(delivered, "fastpitch").weights["speaker_table.weight"]
    assert torch.equal(table[1:], known)
    assert torch.isfinite(table[0]).all()


def test_a_warm_start_of_other_dimensions_is_refused(
    section: Section, store: FeatureStore, delivered: Path
) -> None:
    wider = section.architecture.model_copy(update={"d_model": 48})
    with pytest.raises(ConfigError, match="shape"):
        SPEC.training_task(section.model_copy(update={"architecture": wider}), store.folder, 0, delivered)


@pytest.mark.parametrize("found", [INVENTORY_VERSION - 1, INVENTORY_VERSION + 1])
def test_another_version_of_the_symbols_is_refused(
    section: Section, store: FeatureStore, learned, tmp_path: Path, found: int
) -> None:
    task = learned[0]
    card = {**task.deliver.keywords["card"], "symbols_version": found}
    task.deliver.func(task.network.state_dict(), tmp_path, model="fastpitch", card=card, dtype=torch.float32)
    with pytest.raises(ConfigError, match=f"version {found}"):
        SPEC.training_task(section, store.folder, 0, tmp_path)
    with pytest.raises(ConfigError, match=f"version {found}"):
        SPEC.load(section, tmp_path, SERVING, CPU)


def test_delivered_and_loaded_again_it_says_the_same(section: Section, delivered: Path, speaker) -> None:
    said = speaker.synthesise("안녕하세요", "ko", "a")
    again = FastPitchSpeaker(section, delivered, SERVING, CPU).synthesise("안녕하세요", "ko", "a")
    assert said.sample_rate == 22050
    assert np.array_equal(said.samples, again.samples)
    assert said.samples.dtype == np.float32
    assert np.abs(said.samples).max() <= 1.0
    assert np.array_equal(np.concatenate(list(speaker.stream("안녕하세요", "ko", "a"))), said.samples)


def test_half_precision_delivery_says_nearly_the_same(
    section: Section, learned, tmp_path: Path, speaker
) -> None:
    task = learned[0]
    task.deliver.func(
        task.network.state_dict(),
        tmp_path,
        model="fastpitch",
        card=task.deliver.keywords["card"],
        dtype=torch.float16,
    )
    said = FastPitchSpeaker(section, tmp_path, SERVING, CPU).synthesise("hello", "en", "b").samples
    assert abs(len(said) - len(speaker.synthesise("hello", "en", "b").samples)) <= 2 * 256


def test_a_corrupted_delivery_is_refused(section: Section, learned, tmp_path: Path) -> None:
    learned[0].deliver(learned[0].network.state_dict(), tmp_path)
    path = tmp_path / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(CorruptFileError):
        SPEC.load(section, tmp_path, SERVING, CPU)


@pytest.mark.parametrize(
    ("text", "language", "speaker_id", "message"),
    [
        ("", "ko", "a", "text"),
        ("   ", "ko", "a", "text"),
        ("안녕", "ko", "c", "speaker 'c': expected one of a, b"),
        ("bonjour", "fr", "a", "language 'fr': expected one of en, ko"),
    ],
)
def test_what_it_cannot_say_is_a_typed_error(
    speaker: FastPitchSpeaker, text: str, language: str, speaker_id: str, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        speaker.synthesise(text, language, speaker_id)


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=40), language=st.sampled_from(["ko", "en"]))
def test_any_text_is_spoken_or_refused(speaker: FastPitchSpeaker, text: str, language: str) -> None:
    try:
        samples = speaker.synthesise(text, language, "a").samples
    except DataError:
        return
    assert np.isfinite(samples).all()
