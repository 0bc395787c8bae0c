"""The vocoder's hooks through the real preparation, loop, delivery and measurement, all of it tiny."""

from __future__ import annotations

import dataclasses
import pickle
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from extractions import extraction
from spoken_english import ANALYSIS, Spoken
from tone_corpus import ToneCorpus, tone

from components import catalogue
from components.auxiliaries.vocoder.build import build, load, of
from components.auxiliaries.vocoder.clips import ClipStore
from components.auxiliaries.vocoder.dataset import ClipDataset, blurred
from components.auxiliaries.vocoder.params import Section
from components.auxiliaries.vocoder.pitch_network import PitchLearner, PitchNetwork
from components.auxiliaries.vocoder.source_filter import SourceFilterVocoder
from components.auxiliaries.vocoder.spec import SPEC
from components.core.errors import ConfigError, CorruptFileError, DataError
from components.core.extraction import FeatureReport
from components.core.paths import project_root
from components.core.progress import Progress
from components.core.storage import sha256_path
from components.nn.contracts import Auxiliaries, TrainingTask
from components.training.loop import train

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve tones of several pitches; an evaluator's and a silent one that must not be taken."""
    made = ToneCorpus(tmp_path_factory.mktemp("data") / "tones")
    splits = ["train"] * 8 + ["validation"] * 2 + ["test"] * 2
    for place, split in enumerate(splits):
        made.add(f"t{place:02d}", tone(1.0 + 0.01 * place, 110.0 + 25.0 * (place % 6)), split=split)
    made.add("judge", tone(1.0, 333.0), role="evaluator")
    made.add("silent", np.zeros(22050, dtype=np.float32))
    return made.write()


def prepared(section: Section, corpus: Path, target: Path) -> FeatureReport:
    return SPEC.prepare(section, extraction([corpus], target))


@pytest.fixture(scope="module")
def features(section: Section, corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("features") / "vocoder"
    prepared(section, corpus, target)
    return target


def trained(task: TrainingTask, folder: Path) -> Path:
    result = train(task, folder, CPU, Progress("test"), lambda points: None)
    assert result.steps == task.recipe.max_steps
    return result.delivered


@pytest.fixture(scope="module")
def delivered(section: Section, features: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pitch network that the loop trained for a few steps."""
    return trained(SPEC.training_task(section, features, 0, None), tmp_path_factory.mktemp("run"))


def test_preparation_takes_models_and_people_and_counts_what_it_leaves(
    section: Section, corpus: Path, tmp_path: Path
) -> None:
    values = section.model_dump()
    values["training"] |= {"speed_copies": 1, "speed_min": 0.7, "speed_max": 1.4}
    with_copies = Section.model_validate(values)
    target = tmp_path / "vocoder"
    first = prepared(with_copies, corpus, target)
    # 8 training tones and the silent one twice (two speeds), 2 + 2 held out once.
    assert (first.rows, first.accepted, first.reused) == (22, 20, 0)
    assert all("silen" in reason or "sound" in reason for reason in first.rejected.values())
    store = ClipStore(target)
    assert not any(row.clip_id.startswith("judge") for row in store.rows)
    for row in store.rows:
        fields = store.views(row)
        assert len(fields["mel"]) == len(fields["f0"]) == 1 + len(fields["samples"]) // 256
    bytes_before = {path.name: path.read_bytes() for path in target.iterdir()}
    again = prepared(with_copies, corpus, target)
    assert (again.accepted, again.reused) == (20, 20)
    assert {path.name: path.read_bytes() for path in target.iterdir()} == bytes_before


def test_a_copy_at_another_speed_has_the_other_pitch(section: Section, corpus: Path, tmp_path: Path) -> None:
    values = section.model_dump()
    values["training"] |= {"speed_copies": 1, "speed_min": 0.5, "speed_max": 1.0}
    prepared(Section.model_validate(values), corpus, tmp_path / "v")
    store = ClipStore(tmp_path / "v")
    rows = {row.clip_id: row for row in store.rows}
    slow, plain = store.views(rows["t00/1"]), store.views(rows["t00/0"])
    lengthened = len(slow["samples"]) / len(plain["samples"])
    lowered = np.median(plain["f0"][plain["f0"] > 0]) / np.median(slow["f0"][slow["f0"] > 0])
    assert lengthened > 1.02
    assert lowered == pytest.approx(lengthened, rel=0.02)


def test_a_torn_store_is_refused_by_name(features: Path, tmp_path: Path) -> None:
    (tmp_path / "index.csv").write_bytes((features / "index.csv").read_bytes())
    with pytest.raises(CorruptFileError, match="array"):
        _ = ClipStore(tmp_path).rows


def test_stretches_are_of_one_length_and_the_samples_belong_to_the_frames(
    gan: Section, features: Path
) -> None:
    from components.features.mel import log_mel, magnitudes

    dataset = ClipDataset(ClipStore(features), "validation", ANALYSIS, gan.training, with_samples=True)
    sample = dataset[0]
    frames = gan.training.segment_frames
    assert sample["mel"].shape == (frames, 80)
    assert sample["samples"].shape == (frames * 256,)
    again = log_mel(magnitudes(sample["samples"].numpy(), ANALYSIS), ANALYSIS)
    assert np.abs(again[3 : frames - 3] - sample["mel"].numpy()[3 : frames - 3]).mean() < 0.1
    assert torch.equal(dataset[0]["mel"], sample["mel"])


def test_a_clip_shorter_than_a_stretch_is_filled_up_with_silence(section: Section, features: Path) -> None:
    long = section.training.model_copy(update={"segment_frames": 500})
    sample = ClipDataset(ClipStore(features), "train", ANALYSIS, long, with_samples=False)[0]
    assert sample["mel"].shape == (500, 80)
    assert sample["f0"].shape == (500,)
    assert sample["f0"][-1] == 0
    assert sample["mel"][-1].max() == pytest.approx(np.log(1e-5))


def test_blur_keeps_a_constant_and_none_changes_nothing() -> None:
    mel = torch.randn(20, 80)
    assert torch.equal(blurred(mel, 0.0), mel)
    torch.testing.assert_close(blurred(torch.full((20, 80), -3.0), 1.0), torch.full((20, 80), -3.0))
    assert blurred(mel, 1.0).diff(dim=0).abs().mean() < 0.5 * mel.diff(dim=0).abs().mean()


def test_the_pitch_network_learns_a_batch_by_heart(section: Section, features: Path) -> None:
    task = SPEC.training_task(section, features, 0, None)
    learner = task.network
    assert isinstance(learner, PitchLearner)
    batch = task.collate([task.validation[index] for index in range(len(task.validation))])
    optimiser = torch.optim.Adam(learner.parameters(), lr=0.01)
    first = float(learner("pitch", batch, 0)["pitch"])
    for step in range(150):
        loss = learner("pitch", batch, step)["total"]
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert float(learner("pitch", batch, 0)["pitch"]) < 0.6 * first
    with torch.no_grad():
        heard = learner.network.f0(batch["mel"][0], 0.5)
    both = (heard > 0) & (batch["f0"][0] > 0)
    assert both.sum() > 0.8 * (batch["f0"][0] > 0).sum()
    assert (heard[both] / batch["f0"][0][both]).log2().abs().median() < 0.05


def test_bins_and_hertz_are_each_others_inverse(section: Section) -> None:
    network = PitchNetwork(section.architecture.pitch_network, 80)
    hertz = torch.tensor([50.0, 61.8, 144.0, 220.0, 1099.0])
    distance = torch.arange(network.bins) - network.place(hertz)[:, None]
    assert (network.hertz(-0.5 * distance.square()) / hertz).log2().abs().max() < 0.03  # 36 cents at the ends
    assert network.place(torch.tensor([1.0, 9999.0])).tolist() == [0.0, network.bins - 1]


def test_frames_without_voice_give_a_finite_loss(section: Section) -> None:
    learner = PitchLearner(PitchNetwork(section.architecture.pitch_network, 80))
    losses = learner("pitch", {"mel": torch.zeros(1, 8, 80), "f0": torch.zeros(1, 8)}, 0)
    assert losses["pitch"] == 0
    assert torch.isfinite(losses["total"])


def test_the_delivered_vocoder_speaks_without_f0(
    section: Section, delivered: Path, features: Path, speech: Spoken
) -> None:
    vocoder = build(section.architecture, 1e-5, delivered, CPU)
    samples = vocoder(speech.mel)
    assert samples.shape == ((len(speech.mel) - 1) * 256,)
    assert torch.isfinite(samples).all()
    torch.testing.assert_close(torch.cat(list(vocoder.stream(speech.mel))), samples, atol=1e-5, rtol=1e-4)
    assert torch.equal(load(delivered, CPU)(speech.mel), samples)
    assert vocoder.weights_sha256 == sha256_path(delivered / "model.safetensors")
    figures: Mapping[str, float]
    try:
        figures = SPEC.measure(section, delivered, features, CPU, Progress("test"))
    except DataError:
        pytest.fail("two tones can be measured")
    assert figures["n"] == 2
    assert 0 <= figures["gross_f0_error"] <= 1


def test_a_hifi_gan_goes_through_the_loop_and_is_delivered_without_judges(
    gan: Section, features: Path, tmp_path: Path, speech: Spoken
) -> None:
    task = SPEC.training_task(gan, features, 0, None)
    assert [phase.name for phase in task.phases] == ["discriminator", "generator"]
    before = {name: value.clone() for name, value in task.network.state_dict().items()}
    folder = trained(task, tmp_path / "run")
    after = task.network.state_dict()
    for side in ("generator", "discriminators"):
        assert any(not torch.equal(before[n], after[n]) for n in before if n.startswith(side))
    vocoder = build(gan.architecture, 1e-5, folder, CPU)
    samples = vocoder(speech.mel)
    assert samples.shape == ((len(speech.mel) - 1) * 256,)
    torch.testing.assert_close(torch.cat(list(vocoder.stream(speech.mel))), samples, atol=1e-5, rtol=1e-4)
    assert np.isfinite(samples.numpy()).all()


def test_a_hifi_gan_learns_a_batch(gan: Section, features: Path) -> None:
    values = gan.model_dump()
    values["training"] |= {"learning_rate": 2.0e-3}
    task = SPEC.training_task(Section.model_validate(values), features, 0, None)
    batch = task.collate([task.validation[0]])
    optimisers = {
        p.name: p.optimiser(list(task.network.get_submodule(p.modules[0]).parameters())) for p in task.phases
    }
    first = float(task.network("generator", batch, 0)["mel"])
    for step in range(40):
        for phase in task.phases:
            loss = task.network(phase.name, batch, step)["total"]
            optimisers[phase.name].zero_grad()
            loss.backward()
            optimisers[phase.name].step()
    assert float(task.network("generator", batch, 0)["mel"]) < 0.8 * first


def test_a_warm_start_takes_the_weights_over(section: Section, delivered: Path, features: Path) -> None:
    task = SPEC.training_task(section, features, 99, delivered)
    plain = build(section.architecture, 1e-5, delivered, CPU)
    assert isinstance(task.network, PitchLearner)
    mel = torch.randn(30, 80)
    with torch.no_grad():
        ours = task.network.network.f0(mel, 0.5)
    theirs = plain._pitch_of(mel)  # type: ignore[attr-defined]
    torch.testing.assert_close(ours, theirs, rtol=1e-2, atol=1e-2)


def test_griffin_lim_is_built_without_weights_and_not_trained(section: Section, features: Path) -> None:
    values = section.model_dump()
    values["architecture"]["kind"] = "griffin_lim"
    bare = Section.model_validate(values)
    mel = torch.full((4, 80), -5.0)
    vocoder = build(bare.architecture, 1e-5, None, CPU)
    assert torch.equal(torch.cat(list(vocoder.stream(mel, None))), vocoder(mel))
    with pytest.raises(ConfigError, match="no weights"):
        SPEC.training_task(bare, features, 0, None)


def test_weights_of_another_kind_or_mel_are_refused(section: Section, gan: Section, delivered: Path) -> None:
    with pytest.raises(ConfigError, match="source_filter"):
        build(gan.architecture, 1e-5, delivered, CPU)
    with pytest.raises(ConfigError, match="no weights"):
        build(gan.architecture, 1e-5, None, CPU)
    with pytest.raises(ConfigError, match=r"0\.001"):
        build(section.architecture, 1e-3, delivered, CPU)
    other = section.architecture.model_copy(update={"fmax_hz": 7600.0})
    with pytest.raises(ConfigError, match="7600"):
        build(other, 1e-5, delivered, CPU)


def test_a_pickle_is_never_opened(section: Section, tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (pytest.fail, ("the pickle was opened",))

    (tmp_path / "model.pt").write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(DataError, match="pickle"):
        build(section.architecture, 1e-5, tmp_path, CPU)


def test_a_flipped_bit_in_the_weights_is_noticed(section: Section, delivered: Path, tmp_path: Path) -> None:
    for path in delivered.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    weights = bytearray((tmp_path / "model.safetensors").read_bytes())
    weights[-5] ^= 1
    (tmp_path / "model.safetensors").write_bytes(weights)
    with pytest.raises(CorruptFileError):
        build(section.architecture, 1e-5, tmp_path, CPU)


def test_the_store_has_no_place_for_an_empty_split(section: Section, corpus: Path, tmp_path: Path) -> None:
    source = ToneCorpus(tmp_path / "few")
    source.add("only", tone(1.0, 150.0), split="train")
    target = tmp_path / "vocoder"
    prepared(section, source.write(), target)
    with pytest.raises(DataError, match="validation"):
        SPEC.training_task(section, target, 0, None)
    assert dataclasses.is_dataclass(ClipStore(target).rows[0])


def test_params_choose_the_vocoder_and_the_weights_must_agree() -> None:
    root = project_root()
    shipped, floor, cpu = root / "pretrained", 1.0e-5, torch.device("cpu")
    asked = {profile: catalogue.load(root, profile).auxiliaries for profile in ("laptop", None)}
    for sections in (asked["laptop"], {}):
        assert isinstance(of(Auxiliaries(shipped, sections), floor, cpu), SourceFilterVocoder)
    with pytest.raises(ConfigError, match="hifi_gan"):
        of(Auxiliaries(shipped, asked[None]), floor, cpu)
