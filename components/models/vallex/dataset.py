"""Training samples: an utterance, or two of one speaker, of which the first is the prompt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import Dataset

from components.core.errors import DataError
from components.core.utterance import Split
from components.models.vallex.params import Architecture, Training
from components.models.vallex.store import CodeStore, StoredSpeech

Sample = Mapping[str, Tensor]
_SHORTEST_PREFIX, _LONGEST_PREFIX = 4, 2
"""A random prefix is a quarter to a half of an utterance, as the published implementation draws it."""


class CodeDataset(Dataset[Sample]):
    """The utterances of a split.

    A share of them (``pair_share``) begins with another utterance of the same speaker, in whatever language,
    with its text: what the model will meet as a prompt. The others have a random prefix as the NAR's acoustic
    prompt (VALL-E X's own way). In training both are drawn anew each time; for validation every second sample
    is a pair and prefixes are a third.

    Attributes:
        lengths: text and audio of each sample, for batches of like length.

    Args:
        store: written by `preparation.prepare`.
        split: whose utterances.
        architecture: languages and context.
        training: shares and limits.

    Raises:
        DataError: the split is empty.
    """

    def __init__(
        self, store: CodeStore, split: Split, architecture: Architecture, training: Training
    ) -> None:
        self._store, self._draws = store, split == "train"
        self._languages, self._context = architecture.languages, architecture.context_tokens
        self._training = training
        self._rows = [row for row in store.rows if row.split == split and row.language in self._languages]
        if not self._rows:
            raise DataError(
                who=str(store.folder),
                expected=f"utterances of split {split!r}",
                found=f"none among {len(store.rows)}",
                action="record more, or lower data.splits in params.yaml",
            )
        self._of_speaker: dict[str, list[int]] = {}
        for place, row in enumerate(self._rows):
            self._of_speaker.setdefault(row.speaker_id, []).append(place)
        self.lengths = [row.frames + row.symbols for row in self._rows]

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> Sample:
        """symbols, languages and durations [L], codes [Q, T] and prompt_frames (scalar) of one sample."""
        row = self._rows[index]
        before = self._prompt_of(index)
        rows = [row] if before is None else [before, row]
        views = [self._store.views(one) for one in rows]
        symbols = [torch.from_numpy(view["symbols"].astype("int64")) for view in views]
        languages = [torch.full((one.symbols,), self._languages.index(one.language)) for one in rows]
        codes = torch.cat([torch.from_numpy(view["codes"].astype("int64")) for view in views]).t()
        frames = self._prefix(row.frames) if before is None else before.frames
        return {
            "symbols": torch.cat(symbols),
            "languages": torch.cat(languages),
            "durations": torch.cat([torch.from_numpy(view["durations"].copy()) for view in views]),
            "codes": codes,
            "prompt_frames": torch.tensor(frames),
        }

    def _prompt_of(self, index: int) -> StoredSpeech | None:
        """Another utterance of the speaker, if this sample is to have one and both fit into the context."""
        share = self._training.pair_share
        wanted = float(torch.rand(())) < share if self._draws else bool(share) and index % 2 == 1
        own = self._of_speaker[self._rows[index].speaker_id]
        if not wanted or len(own) < 2:
            return None
        drawn = int(torch.randint(len(own) - 1, ())) if self._draws else 0
        place = own[(own.index(index) + 1 + drawn) % len(own)]
        other = self._rows[place]
        fits = other.frames + self._rows[index].frames <= self._context
        return other if fits else None

    def _prefix(self, frames: int) -> int:
        shortest, longest = frames // _SHORTEST_PREFIX, frames // _LONGEST_PREFIX
        drawn = int(torch.randint(shortest, longest + 1, ())) if self._draws else frames // 3
        return min(drawn, self._training.prompt_max_frames)


def size_of(sample: Sample) -> int:
    """Text and audio of a sample, in tokens."""
    return len(sample["symbols"]) + sample["codes"].shape[1]


def collate(samples: Sequence[Sample]) -> Mapping[str, Tensor]:
    """Samples to a batch, padded with 0 at the ends.

    Returns:
        symbols, languages and durations [B, L]; codes [B, Q, T]; symbol_lengths, frames, prompt_frames [B].
    """

    def padded(name: str) -> Tensor:
        return pad_sequence([sample[name] for sample in samples], batch_first=True)

    codes = pad_sequence([sample["codes"].t() for sample in samples], batch_first=True).transpose(1, 2)
    return {
        "symbols": padded("symbols"),
        "languages": padded("languages"),
        "durations": padded("durations"),
        "symbol_lengths": torch.tensor([len(sample["symbols"]) for sample in samples]),
        "codes": codes,
        "frames": torch.tensor([sample["codes"].shape[1] for sample in samples]),
        "prompt_frames": torch.stack([sample["prompt_frames"] for sample in samples]),
    }
