"""The features stage of RVC: frames that add up, reuse, rejections, and whose encoder it was."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from extractions import extraction
from hypothesis import given
from hypothesis import strategies as st
from local_content import LocalContent
from tiny_rvc import CPU, HERTZ, RATE, auxiliaries_of, extracted, gliding, voices
from tone_corpus import ToneCorpus

from components.core.errors import ConfigError, CorruptFileError, DataError
from components.core.storage import sha256_path
from components.features.pcm import as_pcm, as_samples
from components.features.pitch import PitchAnalysis
from components.models.rvc.hearing import content_of, features_of, pitch_of, samples_of
from components.models.rvc.loading import content_encoder
from components.models.rvc.params import Section
from components.models.rvc.store import SliceStore
from components.models.rvc.task import extract_features

DIO = PitchAnalysis("dio", 50.0, 1100.0)


@pytest.mark.parametrize(
    ("samples", "features"), [(16000, 49), (32000, 99), (160000, 499), (399, 0), (400, 1)]
)
def test_hubert_counts(samples: int, features: int) -> None:
    assert features_of(samples) == features
    assert len(LocalContent().features(np.zeros(samples, np.float32))) == features if features else True


@given(st.integers(1, 5000))
def test_samples_of_features_are_just_enough(features: int) -> None:
    assert features_of(samples_of(features)) == features
    assert features_of(samples_of(features) - 1) == features - 1


@pytest.mark.parametrize("seconds", [0.5, 1.0, 1.037, 2.0])
def test_pitch_has_two_frames_a_feature_whatever_the_length(seconds: float) -> None:
    samples = gliding(seconds, 150.0)
    features = features_of(len(samples))
    assert len(pitch_of(samples, features, DIO)) == 2 * features
    assert len(pitch_of(samples, features + 3, DIO)) == 2 * features + 6, "unvoiced beyond the end"
    assert not pitch_of(np.zeros(16000, np.float32), 49, DIO).any()


def test_a_slice_has_everything_on_one_grid(store: SliceStore) -> None:
    assert len(store.rows) >= 12
    for row in store.rows:
        views = store.views(row)
        assert len(views["f0"]) == row.frames == 2 * len(views["content"])
        assert len(views["samples"]) == row.frames * store.hop_length
        again = LocalContent().features(np.pad(as_samples(views["samples"]), (0, 80)))
        inner = slice(0, row.features - 1)
        width = again.shape[1]
        np.testing.assert_allclose(views["content"][inner, :width], again.numpy()[inner], atol=0.15)
    part = store.views(store.rows[1], 3, 5)
    np.testing.assert_array_equal(part["f0"], store.views(store.rows[1])["f0"][6:16])


def test_the_store_knows_speakers_and_encoder(store: SliceStore) -> None:
    assert list(store.speakers) == ["low", "middle"]
    for name, statistics in store.speakers.items():
        assert np.exp(statistics.mean) == pytest.approx(HERTZ[name], rel=0.06)
    assert store.summary["encoder"] == {"label": "stand-in", "sha256": "e" * 64, "dim": 24}
    assert store.consents == {"low": "c1", "middle": "c1"}


def test_unchanged_recordings_are_not_heard_again(section: Section, tmp_path: Path) -> None:
    folder, target = voices(tmp_path / "c", ("low",)), tmp_path / "s"
    first = extracted(section, [folder], target, LocalContent())
    before = {name: (target / f"{name}.npy").read_bytes() for name in ("content", "f0", "samples")}
    assert len(first.rows) >= 6
    deaf = LocalContent()
    report = extract_features(section, extraction([folder], target), deaf)
    assert (report.rows, report.accepted, report.reused, deaf.longest) == (6, 6, 6, 0)
    assert before == {name: (target / f"{name}.npy").read_bytes() for name in before}
    other = LocalContent(sha256="d" * 64)
    report = extract_features(section, extraction([folder], target), other)
    assert report.reused == 0, "another encoder: other features"
    assert other.longest > 0


def test_shards_compute_what_the_store_is_written_from(section: Section, tmp_path: Path) -> None:
    folder, target = voices(tmp_path / "c", ("low",)), tmp_path / "s"
    parts = [extraction([folder], target, shard=(number, 2)) for number in range(2)]
    shares = [extract_features(section, part, LocalContent()) for part in parts]
    assert [share.rows for share in shares] == [3, 3]
    assert not target.exists()
    deaf = LocalContent()
    assert extract_features(section, extraction([folder], target), deaf).reused == 6
    assert deaf.longest == 0
    whole = extracted(section, [folder], tmp_path / "whole", LocalContent())
    assert [row.features for row in SliceStore(target).rows] == [row.features for row in whole.rows]


def test_two_workers_write_the_same_bytes(section: Section, tmp_path: Path) -> None:
    folder, one, two = voices(tmp_path / "c", ("low", "middle")), tmp_path / "one", tmp_path / "two"
    encoder = content_encoder(section.architecture, auxiliaries_of("ci"), CPU)
    threads = torch.get_num_threads()
    torch.set_num_threads(2)  # of this process; each worker has one
    try:
        extract_features(section, extraction([folder], one), encoder)
    finally:
        torch.set_num_threads(threads)
    report = extract_features(section, extraction([folder], two, workers=2), encoder)
    assert (report.accepted, report.reused) == (12, 0)
    assert sha256_path(one) == sha256_path(two)


def test_what_cannot_be_used_is_named(section: Section, tmp_path: Path) -> None:
    corpus = ToneCorpus(tmp_path / "c")
    corpus.add("good", gliding(1.2, 140.0), RATE, ())
    corpus.add("silent", np.zeros(RATE, np.float32), RATE, ())
    corpus.add("short", gliding(0.2, 140.0), RATE, ())
    corpus.add("telephone", gliding(1.0, 140.0, 8000), 8000, ())
    corpus.add("judge", gliding(1.0, 140.0), RATE, (), role="evaluator")
    long = np.concatenate([gliding(5.0, 140.0), np.zeros(2 * RATE, np.float32), gliding(1.0, 150.0)])
    corpus.add("long", long, RATE, ())
    store = extracted(section, [corpus.write()], tmp_path / "s", LocalContent())
    assert set(store.summary["rejected"]) == {"silent", "short", "telephone"}
    assert "twice fmax" in store.summary["rejected"]["telephone"]
    kept = [row.slice_id for row in store.rows]
    assert kept[0] == "good/0"
    assert len([name for name in kept if name.startswith("long/")]) == 3
    assert max(row.frames for row in store.rows) <= 100 * section.training.slicing.max_slice_s


def test_nothing_usable_is_an_error(section: Section, tmp_path: Path) -> None:
    corpus = ToneCorpus(tmp_path / "c")
    corpus.add("silent", np.zeros(RATE, np.float32), RATE, ())
    with pytest.raises(DataError, match="1 selected, 1 of them rejected"):
        extracted(section, [corpus.write()], tmp_path / "s", LocalContent())


def test_an_encoder_of_another_grid_or_width_is_refused(section: Section, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"content_encoder\.dim"):
        extracted(section, [voices(tmp_path / "c", ("low",))], tmp_path / "s", LocalContent(dim=12))
    halved = LocalContent()
    halved.features = lambda samples: LocalContent().features(samples)[::2]  # type: ignore[method-assign]
    with pytest.raises(ConfigError, match="HuBERT's stride"):
        content_of(np.zeros(16080, np.float32), 50, halved)


def test_a_torn_store_is_told_and_made_again(section: Section, tmp_path: Path) -> None:
    folder, target = voices(tmp_path / "c", ("low",)), tmp_path / "s"
    extracted(section, [folder], target, LocalContent())
    np.save(target / "f0.npy", np.zeros(3, np.float32))
    with pytest.raises(CorruptFileError, match="run the features stage again"):
        _ = SliceStore(target).rows
    assert len(extracted(section, [folder], target, LocalContent()).rows) >= 6


def test_16_bits_go_there_and_back() -> None:
    samples = np.array([-2.0, -1.0, 0.0, 0.5, 1.0], np.float32)
    np.testing.assert_allclose(as_samples(as_pcm(samples)), [-1, -1, 0, 0.5, 1], atol=2e-5)
