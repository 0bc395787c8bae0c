"""The store: what goes in comes out, added rows change nothing else, a kill loses nothing."""

from __future__ import annotations

import pickle
import signal
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from extractions import extraction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits
from tone_corpus import RATE, SYMBOLS, ToneCorpus, tone

from components.core.errors import CorruptFileError, DataError
from components.core.extraction import FeatureReport
from components.core.storage import sha256_bytes, sha256_path
from components.core.utterance import Utterance
from components.features.mel import MelAnalysis
from components.features.pitch import PitchAnalysis
from components.features.speech import SpeechAnalysis, analyse, extract_speech_features
from components.features.store import UNKNOWN_DURATION, FeatureStore
from components.text import phonemise

ANALYSIS = SpeechAnalysis(
    MelAnalysis(RATE, 1024, 256, 1024, 80, 0.0, 8000.0, 1e-5), PitchAnalysis("dio", 50.0, 1100.0)
)


def of_model(row: Utterance) -> bool:
    return row.role == "model"


def extract(
    corpus: Path, target: Path, analysis: SpeechAnalysis = ANALYSIS, workers: int = 1
) -> FeatureReport:
    return extract_speech_features(extraction([corpus], target, workers=workers), analysis, of_model)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> ToneCorpus:
    built = ToneCorpus(tmp_path_factory.mktemp("data") / "tones")
    for i in range(6):
        built.add(f"ko_{i:04d}", tone(0.4 + 0.05 * i, hz=100 + 20 * i), split="test" if i == 5 else "train")
    built.add("한글_이름", tone(0.5, hz=200), speaker_id="spk2", symbols=("ɛ", "ŋ"))
    return built


def test_round_trip(corpus: ToneCorpus, tmp_path: Path) -> None:
    result = extract(corpus.write(), tmp_path / "store")
    assert (result.rows, result.accepted, result.reused, dict(result.rejected)) == (7, 7, 0, {})
    store = FeatureStore(tmp_path / "store")
    assert [row.utterance_id for row in store.rows] == sorted(r.utterance_id for r in corpus.rows)
    for row in corpus.rows:
        samples, _ = soundfile.read(corpus.folder / row.path, dtype="float32")
        timings = corpus.timings[row.utterance_id]
        expected = analyse(samples, [phone.symbol for phone in timings], timings, ANALYSIS)
        found = store[row.utterance_id]
        for name in ("mel", "f0", "energy", "true_durations"):
            np.testing.assert_array_equal(getattr(found, name), expected[name])
        assert [store.symbols[i] for i in found.symbol_ids] == list(expected["symbols"])
        assert found.true_durations.sum() == len(found.mel) == len(found.f0) == len(found.energy)
    assert isinstance(store["ko_0000"].mel.base, np.memmap)


def test_pitch_is_standardised_per_speaker_on_training_rows(corpus: ToneCorpus, tmp_path: Path) -> None:
    extract(corpus.write(), tmp_path / "store")
    store = FeatureStore(tmp_path / "store")
    train = [row for row in store.rows if row.speaker_id == "spk1" and row.split == "train"]
    f0 = np.concatenate([store[row.utterance_id].f0 for row in train])
    logs = np.log(f0[f0 > 0].astype(np.float64))
    assert store.speakers["spk1"].mean == pytest.approx(logs.mean(), abs=1e-6)
    assert store.speakers["spk1"].std == pytest.approx(logs.std(), rel=1e-4)
    assert store.speakers["spk1"].voiced_frames == len(logs)
    pitch, raw = store.standardised_pitch("ko_0004"), store["ko_0004"].f0
    speaker, voiced = store.speakers["spk1"], store["ko_0004"].f0 > 0
    assert np.any(voiced)
    assert np.all(pitch[~voiced] == 0)
    np.testing.assert_allclose(np.exp(pitch[voiced] * speaker.std + speaker.mean), raw[voiced], rtol=1e-5)


def test_two_workers_write_the_same_bytes(corpus: ToneCorpus, tmp_path: Path) -> None:
    extra = ToneCorpus(tmp_path / "more")
    for i in range(20):
        extra.add(f"u{i:02d}", tone(0.2, hz=120 + 5 * i))
    extra.write()
    with threadpool_limits(limits=2, user_api="blas"):  # of this process; each worker has one
        extract(extra.folder, tmp_path / "one")
    extract(extra.folder, tmp_path / "two", workers=2)
    assert sha256_path(tmp_path / "one") == sha256_path(tmp_path / "two")


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=st.sets(st.integers(0, 6), min_size=1), second=st.sets(st.integers(0, 6), min_size=1))
def test_incremental_equals_fresh(
    corpus: ToneCorpus, tmp_path_factory: pytest.TempPathFactory, first: set[int], second: set[int]
) -> None:
    ids = [row.utterance_id for row in corpus.rows]
    folder = tmp_path_factory.mktemp("stores")
    extract(corpus.write(only=[ids[i] for i in first]), folder / "grown")
    grown = extract(corpus.write(only=[ids[i] for i in second]), folder / "grown")
    fresh = extract(corpus.folder, folder / "fresh")
    assert grown.reused == len(first & second)
    assert fresh.reused == 0
    assert sha256_path(folder / "grown") == sha256_path(folder / "fresh")
    assert {p.name for p in folder.iterdir()} == {"grown", "fresh"}, "nothing left behind"


@pytest.mark.parametrize("count", [2, 5, 9])  # 9: more shards than utterances
def test_shards_and_a_join_write_the_same_bytes_and_compute_nothing_twice(
    count: int, corpus: ToneCorpus, tmp_path: Path
) -> None:
    folder, target = corpus.write(), tmp_path / "shards"
    extract(folder, tmp_path / "whole")
    told = []
    for number in reversed(range(count)):
        share = extraction([folder], target, shard=(number, count))
        told.append(extract_speech_features(share, ANALYSIS, of_model))
        assert not target.exists()
    assert sum(one.rows for one in told) == sum(one.accepted for one in told) == 7
    assert sum(one.reused for one in told) == 0
    joined = extract(folder, target)
    assert (joined.accepted, joined.reused) == (7, 7)
    assert sha256_path(target) == sha256_path(tmp_path / "whole")
    assert not list(tmp_path.glob(".*.partial"))


def test_a_shard_that_failed_costs_its_share_only(corpus: ToneCorpus, tmp_path: Path) -> None:
    folder, target = corpus.write(), tmp_path / "shards"
    extract(folder, tmp_path / "whole")
    extract_speech_features(extraction([folder], target, shard=(0, 2)), ANALYSIS, of_model)
    assert extract(folder, target).reused == 4
    assert sha256_path(target) == sha256_path(tmp_path / "whole")
    again = extract_speech_features(extraction([folder], target, shard=(1, 2)), ANALYSIS, of_model)
    assert (again.rows, again.reused) == (3, 3)  # a straggler finds it done and leaves the store alone
    assert sha256_path(target) == sha256_path(tmp_path / "whole")


def test_changed_analysis_recomputes(corpus: ToneCorpus, tmp_path: Path) -> None:
    extract(corpus.write(), tmp_path / "store")
    changed = replace(ANALYSIS, mel=replace(ANALYSIS.mel, n_mels=40))
    result = extract(corpus.folder, tmp_path / "store", changed)
    assert result.reused == 0
    assert FeatureStore(tmp_path / "store")["ko_0000"].mel.shape[1] == 40
    assert extract(corpus.folder, tmp_path / "store", changed).reused == 7


def test_rejected_rows_are_listed_with_reasons(tmp_path: Path) -> None:
    bad = ToneCorpus(tmp_path / "bad")
    bad.add("good")
    bad.add("silent", np.zeros(RATE, np.float32))
    bad.add("untranscribed", symbols=(), text="", language="it")
    bad.add("hurried", tone(0.1), symbols=SYMBOLS * 3)
    bad.add("stereo", np.stack([tone(1.0), tone(1.0)], axis=1))
    bad.add("low_rate", tone(1.0, rate=8000), rate=8000)
    bad.add("swapped")
    bad.add("gone")
    bad.add("text", text="", role="human")
    soundfile.write(bad.folder / "wav/swapped.wav", tone(1.0, hz=300), RATE)
    (bad.folder / "wav/gone.wav").unlink()
    (bad.folder / "wav/text.txt").write_bytes(b"no sound")
    changes = {"utterance_id": "not_audio", "path": "wav/text.txt", "sha256": sha256_bytes(b"no sound")}
    bad.rows.append(bad.rows[0].model_copy(update=changes))
    result = extract(bad.write(), tmp_path / "store")
    assert result.accepted == 1
    assert result.accepted + len(result.rejected) == result.rows == 9
    for name, reason in {
        "silent": "digital silence",
        "untranscribed": "found none in it",
        "hurried": "expected 1 to 9 symbols, each at least one frame of 11.6 ms, found 15",
        "stereo": "expected mono, found 2 channels",
        "low_rate": "16000 Hz",
        "swapped": "as in the manifest",
        "gone": "No such file",
        "not_audio": "audio that decodes",
    }.items():
        assert reason in result.rejected[name]
    assert FeatureStore(tmp_path / "store").summary["rejected"] == dict(result.rejected)


def test_a_recording_without_times_gets_the_front_ends_symbols(tmp_path: Path) -> None:
    people = ToneCorpus(tmp_path / "people")
    people.add("known")
    people.add("heard", symbols=(), text="안녕하세요")
    extract(people.write(), tmp_path / "store")
    store = FeatureStore(tmp_path / "store")
    heard = store["heard"]
    assert tuple(store.symbols[i] for i in heard.symbol_ids) == phonemise("안녕하세요", "ko").symbols
    assert np.all(heard.true_durations == UNKNOWN_DURATION)
    assert store["known"].true_durations.sum() == len(store["known"].mel)


def test_a_mended_text_is_computed_anew(tmp_path: Path) -> None:
    people = ToneCorpus(tmp_path / "people")
    people.add("heard", symbols=(), text="안녕하세요")
    extract(people.write(), tmp_path / "store")
    people.rows[0] = people.rows[0].model_copy(update={"text": "안녕히 가세요"})
    assert extract(people.write(), tmp_path / "store").reused == 0
    heard = FeatureStore(tmp_path / "store")["heard"]
    assert len(heard.symbol_ids) == len(phonemise("안녕히 가세요", "ko").symbols)


def test_a_higher_rate_is_resampled(tmp_path: Path) -> None:
    high = ToneCorpus(tmp_path / "high")
    high.add("u44", tone(1.0, rate=44100), rate=44100)
    extract(high.write(), tmp_path / "store")
    found = FeatureStore(tmp_path / "store")["u44"].f0
    assert len(found) == 1 + RATE // 256
    assert np.median(found[found > 0]) == pytest.approx(150, rel=0.01)


def test_nothing_usable_names_everybody_and_keeps_the_old_store(corpus: ToneCorpus, tmp_path: Path) -> None:
    extract(corpus.write(), tmp_path / "store")
    before = sha256_path(tmp_path / "store")
    bad = ToneCorpus(tmp_path / "bad")
    bad.add("silent", np.zeros(RATE, np.float32))
    with pytest.raises(DataError) as raised:
        extract(bad.write(), tmp_path / "store")
    assert raised.value.details[0].startswith("silent: f0: expected sound")
    assert sha256_path(tmp_path / "store") == before


def test_store_pickles_as_its_folder(corpus: ToneCorpus, tmp_path: Path) -> None:
    extract(corpus.write(), tmp_path / "store")
    store = FeatureStore(tmp_path / "store")
    assert len(store["ko_0000"].mel) > 0
    data = pickle.dumps(store)
    assert len(data) < 1000
    again = pickle.loads(data)  # noqa: S301 - our own bytes
    np.testing.assert_array_equal(again["ko_0001"].mel, store["ko_0001"].mel)


@pytest.mark.parametrize("damage", ["truncated", "missing", "foreign"])
def test_damage_is_told_and_mended(corpus: ToneCorpus, tmp_path: Path, damage: str) -> None:
    extract(corpus.write(), tmp_path / "store")
    good = sha256_path(tmp_path / "store")
    victim = tmp_path / "store" / "f0.npy"
    if damage == "truncated":
        victim.write_bytes(victim.read_bytes()[:-100])
    elif damage == "missing":
        victim.unlink()
    else:
        np.save(victim, np.zeros(3, np.float32))
    with pytest.raises(CorruptFileError):
        _ = FeatureStore(tmp_path / "store").rows
    assert extract(corpus.folder, tmp_path / "store").reused == 0
    assert sha256_path(tmp_path / "store") == good


def test_kill_leaves_the_old_store_and_its_work_is_taken_up(corpus: ToneCorpus, tmp_path: Path) -> None:
    extract(corpus.write(only=["ko_0000"]), tmp_path / "store")
    before = sha256_path(tmp_path / "store")
    corpus.write()
    script = textwrap.dedent(f"""
        import os, signal, sys
        sys.path[:0] = {[str(Path(__file__).parent), str(Path(__file__).parents[1] / "fakes")]!r}
        import components.features.speech as speech
        from test_features_store import extract
        from pathlib import Path
        compute, seen = speech._compute, []
        def dying(job, **rest):
            if len(seen) == 3:
                os.kill(os.getpid(), signal.SIGKILL)
            seen.append(job)
            return compute(job, **rest)
        speech._compute = dying
        extract(Path({str(corpus.folder)!r}), Path({str(tmp_path / "store")!r}))
    """)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert sha256_path(tmp_path / "store") == before
    assert extract(corpus.folder, tmp_path / "store").reused == 1 + 3
    extract(corpus.folder, tmp_path / "fresh")
    assert sha256_path(tmp_path / "store") == sha256_path(tmp_path / "fresh")
    assert {p.name for p in tmp_path.iterdir()} == {"store", "fresh"}


def test_symbols_are_kept_as_they_are(corpus: ToneCorpus, tmp_path: Path) -> None:
    extract(corpus.write(), tmp_path / "store")
    assert FeatureStore(tmp_path / "store").symbols == tuple(sorted({*SYMBOLS, "ɛ", "ŋ"}))
