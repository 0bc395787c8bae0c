"""What a recogniser heard, kept between runs: recordings and sources are the same in every evaluation."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from components.core.metrics import Evaluator
from components.core.storage import sha256_bytes, sha256_json, write_json
from components.core.utterance import Language
from components.evaluation.pronunciation import Recogniser, Transcript
from components.nn.contracts import Speech


class RememberingRecogniser:
    """A recogniser that does not listen twice to the same clips. See `components.evaluation.pronunciation`.

    One file for all clips of a call, since clips that share a forward pass may move each other's last digits:
    what is read back is what would be heard. The folder may be deleted at any time.

    Args:
        recogniser: who listens.
        folder: of the kept transcripts; an unreadable one is made again.
        made_with: of everything besides the recogniser's identity and the clips that hearing depends on.
    """

    def __init__(self, recogniser: Recogniser, folder: Path, made_with: str) -> None:
        self._recogniser, self._folder, self._made_with = recogniser, folder, made_with

    @property
    def identity(self) -> Evaluator:
        """Of the one who listens."""
        return self._recogniser.identity

    def transcribe(self, clips: Sequence[Speech], language: Language) -> list[Transcript]:
        """What is heard in each clip, now or before.

        Raises:
            DataError: what the recogniser refuses.
            StorageError: the folder cannot be written.
        """
        path = self._folder / f"{self._key(clips, language)}.json"
        known = _read(path, len(clips))
        if known is None:
            known = self._recogniser.transcribe(clips, language)
            write_json(path, [asdict(one) for one in known])
        return known

    def reference(self, text: str, language: Language) -> Transcript:
        """As the one who listens says."""
        return self._recogniser.reference(text, language)

    def _key(self, clips: Sequence[Speech], language: Language) -> str:
        return sha256_json(
            {
                "recogniser": self.identity.model_dump(mode="json"),
                "made_with": self._made_with,
                "language": language,
                "clips": [[sha256_bytes(one.samples.tobytes()), one.sample_rate] for one in clips],
            }
        )


def _read(path: Path, clips: int) -> list[Transcript] | None:
    """The transcripts of as many clips; None where they are not there, or not whole."""
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        found = [Transcript(*(tuple(one[name]) for name in ("symbols", "tones", "words"))) for one in kept]
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return found if len(found) == clips else None
