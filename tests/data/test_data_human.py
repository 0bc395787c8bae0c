"""The recorded part: real G.722, and every way in which Debian may not answer."""

from __future__ import annotations

import io
import os
import stat
import wave
from pathlib import Path

import av
import numpy as np
import pytest

from components.catalogue import load
from components.core.params.data import HumanParams
from components.core.paths import project_root
from components.core.progress import Progress
from components.data.human import Fetched, Skipped, decode_g722, fetch
from components.data.readers import generic


def _params(**changes: object) -> HumanParams:
    return load(project_root(), "laptop").data.embedded.human.model_copy(
        update={"languages": ("it",), **changes}
    )


def _progress() -> Progress:
    return Progress("human", io.StringIO())


def _g722(path: Path, seconds: float) -> None:
    """A tone, encoded as the Debian packages are."""
    path.parent.mkdir(parents=True, exist_ok=True)
    tone = (8000 * np.sin(np.arange(round(seconds * 16000)) * 0.1)).astype(np.int16)[None]
    with av.open(str(path), "w", format="g722") as container:
        stream = container.add_stream("g722", rate=16000, layout="mono")
        frame = av.AudioFrame.from_ndarray(tone, format="s16", layout="mono")
        frame.sample_rate = 16000
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)


def _programs(folder: Path, apt: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand-ins for apt-get and dpkg-deb, first on the PATH: the archive is a folder's path in a file."""
    folder.mkdir(exist_ok=True)
    unpack = 'mkdir -p "$3" && cp -r "$(cat "$2")/." "$3"'
    for name, body in (("apt-get", apt), ("dpkg-deb", unpack)):
        program = folder / name
        program.write_text(f"#!/bin/sh\n{body}\n")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def test_prompts_of_the_right_length_become_a_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sounds = tmp_path / "package" / "usr/share/asterisk/sounds/it_IT_m_Carlo"
    for name, seconds in (("a", 2.0), ("b", 0.5), ("c", 3.0), ("d", 30.0), ("e", 2.0), ("silence/9", 2.0)):
        _g722(sounds / f"{name}.g722", seconds)
    _programs(tmp_path / "bin", f'echo "{tmp_path}/package" > x.deb', monkeypatch)
    found = fetch(_params(max_minutes_per_language=0.09), tmp_path / "out", _progress())
    assert isinstance(found, Fetched)
    assert found.clips == 2
    source = generic.read(tmp_path / "out")
    assert {(row.role, row.language, row.text, row.licence) for row in source.rows} == {
        ("human", "it", "", "CC-BY-3.0")
    }
    assert {record.basis for record in source.consents.values()} == {"licence"}
    with wave.open(str(tmp_path / "out" / source.rows[0].audio)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (16000, 1, 2)
        assert file.getnframes() == pytest.approx(32000, abs=160)


def test_decoding_gives_the_tone_back(tmp_path: Path) -> None:
    _g722(tmp_path / "tone.g722", 1.0)
    samples = decode_g722(tmp_path / "tone.g722")
    spectrum = np.abs(np.fft.rfft(samples[1000:]))
    assert np.argmax(spectrum) * 16000 / len(samples[1000:]) == pytest.approx(0.1 * 16000 / 2 / np.pi, abs=3)


@pytest.mark.parametrize(
    ("apt", "reason"),
    [
        ("echo 'E: Unable to locate package' >&2; exit 100", "Unable to locate package"),
        ("exit 0", "0 archives"),
        ("sleep 5", "no answer within"),
        ("echo /nowhere > x.deb", "dpkg-deb failed"),
    ],
)
def test_a_failed_download_is_skipped_and_leaves_nothing(
    apt: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _programs(tmp_path / "bin", apt, monkeypatch)
    found = fetch(_params(download_timeout_s=0.5), tmp_path / "out", _progress())
    assert isinstance(found, Skipped)
    assert reason in found.reason
    assert "\n" not in found.reason
    assert not (tmp_path / "out").exists()


def test_without_apt_it_is_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    found = fetch(_params(), tmp_path / "out", _progress())
    assert isinstance(found, Skipped)
    assert "apt-get" in found.reason


def test_no_languages_is_skipped(tmp_path: Path) -> None:
    assert isinstance(fetch(_params(languages=()), tmp_path / "out", _progress()), Skipped)
