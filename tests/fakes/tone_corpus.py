"""A tiny corpus in the project's own layout: harmonic tones as voices, one symbol after the other."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from components.core.utterance import PhonemeTiming, Utterance
from components.data.consent import ConsentRecord, consent_text
from components.data.manifest import write_manifest
from components.data.timings import timings_text

RATE = 22050
SYMBOLS = ("a", "n", "ɕ", "ʌ", "sp")
CONSENT = ConsentRecord.of_synthetic("c1", "spk1")


def tone(seconds: float, hz: float = 150.0, rate: int = RATE, level: float = 0.3) -> NDArray[np.float32]:
    """A harmonic tone with a little noise, [round(seconds * rate)]."""
    t = np.arange(round(seconds * rate)) / rate
    harmonics = sum(np.sin(2 * np.pi * hz * k * t) / k for k in range(1, 12))
    noise = np.random.default_rng(7).standard_normal(len(t)) * 0.005
    return (level * harmonics / 2 + noise).astype(np.float32)


@dataclass
class ToneCorpus:
    """Builds ``folder`` row by row; ``write`` puts down the tables."""

    folder: Path
    rows: list[Utterance] = field(default_factory=list)
    timings: dict[str, tuple[PhonemeTiming, ...]] = field(default_factory=dict)
    consents: dict[str, ConsentRecord] = field(default_factory=lambda: {"c1": CONSENT})

    def add(
        self,
        utterance_id: str,
        samples: NDArray[np.float32] | None = None,
        rate: int = RATE,
        symbols: Sequence[str] = SYMBOLS,
        **changes: Any,
    ) -> Utterance:
        """One utterance (1 s of 150 Hz unless told otherwise), symbols spread evenly; none: no alignment."""
        samples = tone(1.0 + 0.01 * len(self.rows), rate=rate) if samples is None else samples
        path = self.folder / "wav" / f"{utterance_id}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, samples, rate, subtype="PCM_16")
        seconds = len(samples) / rate
        values: dict[str, Any] = {
            "utterance_id": utterance_id,
            "speaker_id": "spk1",
            "language": "ko",
            "text": f"안녕하세요 {'가나다라마바사아자차카타파하'[len(self.rows) % 14]}",
            "path": f"wav/{utterance_id}.wav",
            "duration_s": seconds,
            "sample_rate": rate,
            "split": "train",
            "role": "model",
            "consent": "c1",
            "licence": "CC0-1.0",
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        }
        row = Utterance(**{**values, **changes})
        self.rows.append(row)
        edges = np.linspace(0.0, seconds, len(symbols) + 1)
        if symbols:
            self.timings[utterance_id] = tuple(
                PhonemeTiming(utterance_id=utterance_id, symbol=s, start_s=float(a), end_s=float(b))
                for s, a, b in zip(symbols, edges[:-1], edges[1:], strict=True)
            )
        return row

    def write(self, only: Iterable[str] | None = None) -> Path:
        """Write manifest, alignments and consent (of ``only`` these ids); gives the folder."""
        wanted = {row.utterance_id for row in self.rows} if only is None else set(only)
        write_manifest(self.folder / "manifest.csv", [r for r in self.rows if r.utterance_id in wanted])
        (self.folder / "alignments.csv").write_text(timings_text(self.timings), encoding="utf-8")
        (self.folder / "consent.csv").write_text(consent_text(self.consents), encoding="utf-8")
        return self.folder
