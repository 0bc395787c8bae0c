"""Training samples out of the reference store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import Dataset

from components.auxiliaries.recogniser.augmentation import Augmenter
from components.auxiliaries.recogniser.hearing import normalise, pitch_features
from components.auxiliaries.recogniser.labels import Labels
from components.auxiliaries.recogniser.params import Hearing
from components.auxiliaries.recogniser.store import ReferenceStore
from components.core.errors import DataError
from components.core.utterance import LANGUAGES

Sample = Mapping[str, Tensor]


class ReferenceSpeech(Dataset[Sample]):
    """The utterances of one part, in the order of their ids.

    Args:
        store: written by `prepare`.
        part: which utterances.
        labels: classes.
        hearing: normalisation.
        augmenter: changes each mel anew every time it is asked for; None leaves it as it is.

    Raises:
        DataError: the part is empty.
    """

    def __init__(
        self,
        store: ReferenceStore,
        part: str,
        labels: Labels,
        hearing: Hearing,
        augmenter: Augmenter | None,
    ) -> None:
        self._store, self._labels, self._hearing, self._augmenter = store, labels, hearing, augmenter
        self._rows = store.of_part(part)
        if not self._rows:
            raise DataError(
                who=str(store.folder),
                expected=f"utterances of part {part!r}",
                found=f"none among {len(store.rows)}",
                action="run make pretrain MODEL=recogniser again; it renders what is missing",
            )
        self.lengths = tuple(row.mel_count for row in self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> Sample:
        """One utterance.

        Returns:
            mel [T, n_mels] normalised, pitch [T, 2] (zeros but for Mandarin), labels [L], tones [K],
            language [] (a place in `LANGUAGES`).
        """
        row = self._rows[index]
        mel = torch.from_numpy(self._store.mel(row))
        if self._augmenter is not None:
            mel = self._augmenter(mel)
        normal = torch.from_numpy(normalise(mel.numpy(), self._hearing))
        if self._augmenter is not None:
            normal = self._augmenter.masked(normal)
        return {
            "mel": normal,
            "pitch": torch.from_numpy(pitch_features(self._store.pitch(row))),
            "labels": torch.tensor(self._labels.numbers(self._store.segments(row))),
            "tones": torch.tensor(self._store.tones(row), dtype=torch.int64),
            "language": torch.tensor(LANGUAGES.index(row.language)),
        }


def collate(samples: Sequence[Sample]) -> Mapping[str, Tensor]:
    """Pad samples to a batch.

    Returns:
        mel [B, T, n_mels] and pitch [B, T, 2] filled up with zeros, frames [B]; labels [B, L],
        label_lengths [B]; tones [B, K], tone_lengths [B]; languages [B].
    """
    lengths = {
        name: torch.tensor([len(sample[source]) for sample in samples])
        for name, source in (("frames", "mel"), ("label_lengths", "labels"), ("tone_lengths", "tones"))
    }
    padded = {
        name: pad_sequence([sample[name] for sample in samples], batch_first=True)
        for name in ("mel", "pitch", "labels", "tones")
    }
    return {**padded, **lengths, "languages": torch.stack([sample["language"] for sample in samples])}
