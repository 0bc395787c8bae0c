"""Statistics on recordings whose faults are known."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray
from tone_corpus import tone

from components.core.progress import Progress
from components.validation.audio_statistics import measure, measure_all


def written(folder: Path, samples: NDArray[np.float32], rate: int = 16000, subtype: str = "PCM_16") -> Path:
    path = folder / "소리.wav"
    soundfile.write(path, samples, rate, subtype=subtype)
    return path


def test_a_clean_tone(tmp_path: Path) -> None:
    samples = 0.5 * np.sin(2 * np.pi * 100 * np.arange(16000) / 16000).astype(np.float32)
    found = measure(written(tmp_path, samples), -50.0)
    assert (found.problem, found.channels, found.measured_rate, found.measured_s) == ("", 1, 16000, 1.0)
    assert (found.clipping_share, found.silence_share, found.non_finite) == (0.0, 0.0, 0)
    assert found.peak_dbfs == pytest.approx(-6.02, abs=0.01)
    assert found.rms_dbfs == pytest.approx(-9.03, abs=0.01)


def test_clipping_is_the_share_of_samples_at_full_scale(tmp_path: Path) -> None:
    samples = np.zeros(10000, np.float32)
    samples[:300] = 1.5
    samples[300:500] = -1.5
    assert measure(written(tmp_path, samples), -50.0).clipping_share == pytest.approx(0.05)


def test_silence_is_the_share_of_quiet_frames(tmp_path: Path) -> None:
    loud, quiet = tone(0.4, rate=16000), tone(0.6, rate=16000) * 1e-3
    assert measure(written(tmp_path, np.concatenate([loud, quiet])), -50.0).silence_share == 0.6
    all_silent = measure(written(tmp_path, np.zeros(16000, np.float32)), -50.0)
    assert (all_silent.silence_share, all_silent.peak_dbfs) == (1.0, -120.0)


def test_nan_is_counted_and_does_not_spread(tmp_path: Path) -> None:
    samples = tone(0.5, rate=16000)
    samples[100:103] = [np.nan, np.inf, -np.inf]
    found = measure(written(tmp_path, samples, subtype="FLOAT"), -50.0)
    assert found.non_finite == 3
    assert np.isfinite([found.rms_dbfs, found.peak_dbfs, found.silence_share]).all()


def test_blocks_change_nothing(tmp_path: Path) -> None:
    """31 s span two blocks; the second half is silent."""
    samples = np.concatenate([tone(15.5, rate=16000), np.zeros(248000, np.float32)])
    found = measure(written(tmp_path, samples), -50.0)
    assert found.measured_s == 31.0
    assert found.silence_share == pytest.approx(0.5, abs=0.001)
    assert found.rms_dbfs == pytest.approx(20 * np.log10(np.sqrt(np.mean(samples**2))), abs=0.01)


def test_the_signal_hash_ignores_the_container(tmp_path: Path) -> None:
    wav = measure(written(tmp_path, tone(0.5, rate=16000)), -50.0)
    samples, _ = soundfile.read(tmp_path / "소리.wav", dtype="float32")
    soundfile.write(tmp_path / "a.flac", samples, 16000, subtype="PCM_16")
    flac = measure(tmp_path / "a.flac", -50.0)
    assert wav.signal_sha256 == flac.signal_sha256
    assert wav.file_sha256 != flac.file_sha256


@pytest.mark.parametrize(
    ("content", "problem"),
    [(None, "No such file"), (b"", "does not decode"), (b"I am text, not audio\n" * 20, "does not decode")],
    ids=["missing", "empty", "text"],
)
def test_a_bad_file_is_a_problem_not_a_crash(tmp_path: Path, content: bytes | None, problem: str) -> None:
    path = tmp_path / "bad.wav"
    if content is not None:
        path.write_bytes(content)
    assert problem in measure(path, -50.0).problem


def test_no_samples_and_two_channels(tmp_path: Path) -> None:
    assert measure(written(tmp_path, np.zeros(0, np.float32)), -50.0).problem == "holds no samples"
    stereo = np.stack([tone(0.5, rate=16000)] * 2, axis=1)
    assert measure(written(tmp_path, stereo), -50.0).channels == 2


def test_two_workers_give_the_same_in_the_same_order(tmp_path: Path) -> None:
    paths = []
    for i in range(20):
        paths.append(tmp_path / f"{i}.wav")
        soundfile.write(paths[-1], tone(0.1 + 0.01 * i, rate=16000), 16000)
    progress = Progress("test", stream=io.StringIO())
    assert list(measure_all(paths, -50.0, 2, progress)) == [measure(path, -50.0) for path in paths]
    assert "20/20 recordings" in progress.stream.getvalue()  # type: ignore[attr-defined]
