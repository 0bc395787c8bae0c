"""Training samples out of the feature store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import Dataset

from components.core.errors import DataError
from components.core.utterance import Split
from components.features.store import FeatureStore
from components.models.fastpitch.voices import Voices
from components.nn.monotonic_alignment import require_alignable

Sample = Mapping[str, Tensor]


class SpeechDataset(Dataset[Sample]):
    """The utterances of one split, in the order of their ids.

    Args:
        store: written by the features stage.
        split: which utterances.
        voices: numbers of symbols, speakers and languages.

    Raises:
        DataError: the split is empty, or an utterance has more symbols than frames.
    """

    def __init__(self, store: FeatureStore, split: Split, voices: Voices) -> None:
        self._store, self._voices = store, voices
        self._rows = [row for row in store.rows if row.split == split]
        if not self._rows:
            raise DataError(
                who=str(store.folder),
                expected=f"utterances of split {split!r}",
                found=f"none among {len(store)}",
                action="record more, or lower data.splits in params.yaml",
            )
        require_alignable(
            np.array([row.symbols for row in self._rows]), np.array([row.frames for row in self._rows])
        )
        self._ids = torch.tensor(voices.symbols.ids(store.symbols))
        self.lengths = tuple(row.frames for row in self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> Sample:
        """One utterance.

        Returns:
            ids, true_durations [L] int64 (the latter -1 where unknown); pitch [T] (ln f0 in the speaker's
            standard deviations, 0 unvoiced); voiced [T] bool; energy [T]; mel [T, n_mels]; frames, speaker,
            language scalars.
        """
        row = self._rows[index]
        features = self._store[row.utterance_id]
        return {
            "ids": self._ids[torch.from_numpy(features.symbol_ids.astype("int64"))],
            "true_durations": torch.from_numpy(features.true_durations.astype("int64")),
            "pitch": torch.from_numpy(self._store.standardised_pitch(row.utterance_id)),
            "voiced": torch.from_numpy(features.f0 > 0),
            "energy": torch.from_numpy(features.energy.copy()),
            "mel": torch.from_numpy(features.mel.copy()),
            "frames": torch.tensor(row.frames),
            "speaker": torch.tensor(self._voices.speakers.index(row.speaker_id)),
            "language": torch.tensor(self._voices.languages.index(row.language)),
        }

    def mel_ceiling(self) -> float:
        """The loudest log-mel value of all."""
        return max(float(self._store[row.utterance_id].mel.max()) for row in self._rows)

    def mel_statistics(self) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of each band over all frames, each [n_mels]."""
        count, sums, squares = 0, torch.zeros(()), torch.zeros(())
        for row in self._rows:
            mel = torch.from_numpy(self._store[row.utterance_id].mel.astype("float64"))
            count, sums, squares = count + len(mel), sums + mel.sum(0), squares + mel.square().sum(0)
        mean = sums / count
        deviation = (squares / count - mean.square()).clamp(min=0).sqrt()
        # A band that never sounds has no deviation; 1 leaves it alone.
        return mean.float(), torch.where(deviation > 0, deviation, torch.ones_like(deviation)).float()


def collate(samples: Sequence[Sample], padding: int) -> Mapping[str, Tensor]:
    """Pad samples to a batch.

    Returns:
        ids [B, L], filled up with ``padding``; true_durations [B, L]; pitch, energy, voiced [B, T]; mel
        [B, T, n_mels], filled up with zeros; frames, speakers, languages [B].
    """
    padded = {
        name: pad_sequence([sample[name] for sample in samples], batch_first=True)
        for name in ("true_durations", "pitch", "voiced", "energy", "mel")
    }
    return {
        "ids": pad_sequence([s["ids"] for s in samples], batch_first=True, padding_value=padding),
        **padded,
        "frames": torch.stack([sample["frames"] for sample in samples]),
        "speakers": torch.stack([sample["speaker"] for sample in samples]),
        "languages": torch.stack([sample["language"] for sample in samples]),
    }
