"""A generic source folder with real recordings, made where a test needs one."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soundfile as sf

from components.data.consent import CONSENT_NAME, ConsentRecord, consent_text
from components.data.csv_table import table_text

COLUMNS = ("utterance_id", "speaker_id", "language", "text", "audio", "role", "licence", "consent")
CONSENT = ConsentRecord.of_synthetic("c1", "s1")


def tone(path: Path, hz: float = 200.0, seconds: float = 0.6, rate: int = 16000, **options: str) -> Path:
    """Write a tone as a mono WAV."""
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = 0.3 * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)
    sf.write(path, samples, rate, format="WAV", **{"subtype": "PCM_16", **options})
    return path


@dataclass
class SourceFolder:
    """A generic source folder under construction: rows with recordings of their own."""

    folder: Path
    rows: list[dict[str, str]] = field(default_factory=list)
    consents: dict[str, ConsentRecord] = field(default_factory=lambda: {"c1": CONSENT})

    def add(self, utterance_id: str, *, make_audio: bool = True, **cells: str) -> Path:
        """Append a row; its tone is one of its own unless told otherwise."""
        row = {
            "utterance_id": utterance_id,
            "speaker_id": "s1",
            "language": "ko",
            "text": f"문장 {utterance_id}",
            "audio": f"wavs/{utterance_id}.wav",
            "role": "model",
            "licence": "CC0-1.0",
            "consent": "c1",
            **cells,
        }
        self.rows.append(row)
        audio = self.folder / row["audio"]
        if make_audio:
            tone(audio, hz=200.0 + 7.0 * len(self.rows))
        return audio

    def write(self) -> Path:
        """Write the lists; the folder is ready then."""
        self.folder.mkdir(parents=True, exist_ok=True)
        rows = ([row[name] for name in COLUMNS] for row in self.rows)
        (self.folder / "metadata.csv").write_text(table_text(COLUMNS, rows), encoding="utf-8")
        (self.folder / CONSENT_NAME).write_text(consent_text(self.consents), encoding="utf-8")
        return self.folder
