"""How each symbol of an utterance is to be said, as the network takes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from components.core.errors import DataError
from components.nn.control import Control


@dataclass(frozen=True)
class SymbolControls:
    """A control for each symbol.

    Attributes:
        pace, pitch_scale, energy: [B, L] factors.
        pitch_shift: [B, L] in standard deviations of the speaker's ln f0.
    """

    pace: Tensor
    pitch_shift: Tensor
    pitch_scale: Tensor
    energy: Tensor

    @classmethod
    def of(cls, controls: Sequence[Control], log_f0_deviation: float, device: torch.device) -> SymbolControls:
        """One utterance, a control each symbol → [1, L].

        Args:
            log_f0_deviation: the speaker's standard deviation of ln f0.
        """

        def row(values: list[float]) -> Tensor:
            return torch.tensor([values], dtype=torch.float32, device=device)

        return cls(
            pace=row([one.pace for one in controls]),
            pitch_shift=row([one.shift_log_f0 / log_f0_deviation for one in controls]),
            pitch_scale=row([one.pitch_scale for one in controls]),
            energy=row([one.energy for one in controls]),
        )

    @classmethod
    def unchanged(cls, ids: Tensor) -> SymbolControls:
        """No change for ``ids`` [B, L]."""
        ones = torch.ones(ids.shape, device=ids.device)
        return cls(ones, torch.zeros_like(ones), ones, ones)

    def at_pace(self, pace: float) -> SymbolControls:
        """The same, all of it ``pace`` times as fast."""
        return replace(self, pace=self.pace * pace)

    def on_pitch(self, pitch: Tensor) -> Tensor:
        """[B, L] standardised ln f0 → the same, scaled about the speaker's mean (0) and shifted."""
        return pitch * self.pitch_scale + self.pitch_shift

    def on_energy(self, energy: Tensor) -> Tensor:
        """[B, L] log(1 + energy) → the same of the scaled energy."""
        return (energy.expm1().clamp(min=0.0) * self.energy).log1p()


def by_symbol(
    control: Control, word_controls: Mapping[int, Control], words: Sequence[int], count: int
) -> list[Control]:
    """The control of each symbol: its word's own, else the utterance's.

    Args:
        control: of the utterance.
        word_controls: number of a word → its control, in place of the utterance's.
        words: the number of the word that each symbol belongs to, -1 for pauses.
        count: words of the text.

    Raises:
        DataError: a control for a word that the text does not have.
    """
    for word in word_controls:
        if not 0 <= word < count:
            raise DataError(
                who=f"word {word}",
                expected=f"a word from 0 to {count - 1}",
                found="a control for a word that the text does not have",
                action="count the words from 0",
            )
    return [word_controls.get(word, control) for word in words]
