"""The two language models over codes: the first codebook from left to right, the others at once."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from components.models.vallex.cache import Cache
from components.models.vallex.masks import full_mask, prefix_mask
from components.models.vallex.pacing import Durations, Guide
from components.models.vallex.params import Architecture
from components.models.vallex.transformer import Transformer
from components.nn.packed_linear import PackedLinear
from components.nn.sinusoidal_positions import sinusoidal_positions


@dataclass(frozen=True)
class Text:
    """Symbols of a batch; the prompt's come before the target's.

    Attributes:
        symbols: [B, L] ids; padding at the end.
        languages: [B, L] number of each symbol's language.
        lengths: [B].
        durations: [B, L] frames of codes of each symbol; None where the architecture has no pacing.
    """

    symbols: Tensor
    languages: Tensor
    lengths: Tensor
    durations: Tensor | None = None

    def to(self, device: torch.device) -> Text:
        """The same on a device."""
        durations = None if self.durations is None else self.durations.to(device)
        return Text(self.symbols.to(device), self.languages.to(device), self.lengths.to(device), durations)


class Positions(nn.Module):
    """Sinusoidal positions with a learned scale (Li et al. 2019, section 3.2), from 0 in each part."""

    def __init__(self, channels: int, dropout: float) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))
        self.channels, self.dropout = channels, nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """[B, T, C] → [B, T, C]."""
        table = sinusoidal_positions(x.shape[1], self.channels, x.device, x.dtype)
        output: Tensor = self.dropout(x + self.scale * table)
        return output

    def at(self, x: Tensor, places: Tensor, table: Tensor) -> Tensor:
        """[B, 1, C] at places [B] of a table [T, C]."""
        return x + self.scale * table[places].unsqueeze(1)


class TextEmbedding(nn.Module):
    """Symbols and their languages with positions: [B, L] → [B, L, C] (VALL-E X, section 3.3)."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        a = architecture
        self.symbols = nn.Embedding(a.text_vocabulary, a.d_model)
        self.languages = nn.Embedding(len(a.languages), a.d_model)
        self.positions = Positions(a.d_model, a.dropout)
        for table in (self.symbols, self.languages):
            nn.init.normal_(table.weight, std=a.d_model**-0.5)

    def forward(self, text: Text) -> Tensor:
        """Vectors of the symbols."""
        output: Tensor = self.positions(self.vectors(text))
        return output

    def vectors(self, text: Text) -> Tensor:
        """The same without positions."""
        output: Tensor = self.symbols(text.symbols) + self.languages(text.languages)
        return output


class AutoRegressive(nn.Module):
    """The first codebook, one code after the other (VALL-E X, equation 3).

    Codes are 0 … size - 1; ``end`` = size is predicted after the last, ``begin`` = size + 1 is heard before
    the first. The published implementation differs in that its padding shares the number of the end.

    Args:
        architecture: dimensions.
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        a = architecture
        self.end, self.begin, self.channels = a.codebook_size, a.codebook_size + 1, a.d_model
        self.text = TextEmbedding(a)
        self.codes = nn.Embedding(a.codebook_size + 2, a.d_model)
        self.positions = Positions(a.d_model, a.dropout)
        self.transformer = _transformer(a, conditioned=False)
        self.head = PackedLinear(a.d_model, a.codebook_size + 1, bias=False)
        self.guide = Guide(a.d_model) if a.pacing else None
        self.durations = Durations(a.d_model, a.pacing) if a.pacing else None
        nn.init.normal_(self.codes.weight, std=a.d_model**-0.5)
        nn.init.normal_(self.head.weight, std=a.d_model**-0.5)

    def forward(self, text: Text, heard: Tensor) -> Tensor:
        """What comes after each code.

        Args:
            text: L symbols.
            heard: [B, T] codes with ``begin`` before them; anything after a row's end.

        Returns:
            [B, T, size + 1] logits; column ``end`` ends the speech.
        """
        longest, frames = text.symbols.shape[1], heard.shape[1]
        x = torch.cat([self.text(text), self._audio(text, heard)], dim=1)
        made = self.transformer(x, prefix_mask(text.lengths, longest, frames))
        output: Tensor = self.head(made[:, longest:])
        return output

    def prefill(self, text: Text, heard: Tensor, cache: Cache) -> Tensor:
        """As `forward`, and leave keys and values in the cache."""
        longest, frames = text.symbols.shape[1], heard.shape[1]
        x = torch.cat([self.text(text), self._audio(text, heard)], dim=1)
        made = self.transformer(x, prefix_mask(text.lengths, longest, frames), cache=cache)
        output: Tensor = self.head(made[:, longest:])
        return output

    def guided(self, text: Text, frames: int) -> Tensor | None:
        """What each frame is about, [B, T, C]; None without pacing."""
        return _guided(self.guide, self.text, text, frames)

    def _audio(self, text: Text, heard: Tensor) -> Tensor:
        audio: Tensor = self.positions(self.codes(heard))
        guide = self.guided(text, heard.shape[1])
        return audio if guide is None else audio + guide

    def step(
        self, code: Tensor, places: Tensor, table: Tensor, cache: Cache, guide: Tensor | None = None
    ) -> Tensor:
        """One code more.

        Args:
            code: [B].
            places: [B] its number among the audio of its row, ``begin`` being 0.
            table: [T, C] sinusoidal positions.
            guide: [B, T, C] of `guided`.

        Returns:
            [B, size + 1] logits.
        """
        x = self.positions.at(self.codes(code).unsqueeze(1), places, table)
        if guide is not None:
            x = x + guide[torch.arange(len(x), device=x.device), places].unsqueeze(1)
        output: Tensor = self.head.step(self.transformer.step(x, cache)[:, 0])
        return output


class NonAutoRegressive(nn.Module):
    """The other codebooks, each for all frames at once (VALL-E X, equation 4).

    Stage q (1 … Q - 1) hears the sum of the vectors of the codebooks before it (of all codebooks in the
    prompt) and tells codebook q. Its head is the table that codebook q is heard with, so that what is told
    and what is heard lie in one space; upstream ties each head to the table after the next.

    Args:
        architecture: dimensions.
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        a = architecture
        self.books = a.n_codebooks
        self.text = TextEmbedding(a)
        self.codes = nn.Parameter(torch.randn(a.n_codebooks, a.codebook_size, a.d_model) * a.d_model**-0.5)
        self.stages = nn.Embedding(max(1, a.n_codebooks - 1), a.d_model)
        self.positions = Positions(a.d_model, a.dropout)
        self.guide = Guide(a.d_model) if a.pacing else None
        self.transformer = _transformer(a, conditioned=True)

    def forward(
        self, text: Text, codes: Tensor, prompt_frames: Tensor, frame_lengths: Tensor, stage: int
    ) -> Tensor:
        """Logits of one codebook.

        Args:
            text: L symbols.
            codes: [B, Q, T]; outside the prompt only the codebooks before ``stage`` are looked at.
            prompt_frames: [B] frames at the beginning of which all codebooks are known.
            frame_lengths: [B].
            stage: 1 … Q - 1.

        Returns:
            [B, T, size]; those of the prompt have no meaning.
        """
        frames, longest = codes.shape[2], text.symbols.shape[1]
        prompt = torch.arange(frames, device=codes.device).unsqueeze(0) < prompt_frames.unsqueeze(1)
        heard = self._summed(codes, 0, stage) + self._summed(codes, stage, self.books) * prompt.unsqueeze(-1)
        guide = _guided(self.guide, self.text, text, frames)
        audio = self.positions(heard if guide is None else heard + guide)
        x = torch.cat([self.text(text), audio], dim=1)
        mask = full_mask(text.lengths, longest, frame_lengths, frames)
        condition = self.stages.weight[stage - 1].expand(len(x), -1)
        made = self.transformer(x, mask.expand(-1, x.shape[1], -1), condition)
        return F.linear(made[:, longest:], self.codes[stage].to(made.dtype))

    def _summed(self, codes: Tensor, first: int, last: int) -> Tensor:
        """[B, T, C] sum of the vectors of codebooks [first, last)."""
        known = codes.clamp(min=0)  # what is not told yet may be anything
        parts = [F.embedding(known[:, book], self.codes[book]) for book in range(first, last)]
        return torch.stack(parts).sum(dim=0)


class VallexNetwork(nn.Module):
    """Both models (Zhang et al. 2023), which share nothing.

    Args:
        architecture: dimensions.
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.architecture = architecture
        self.ar, self.nar = AutoRegressive(architecture), NonAutoRegressive(architecture)


def _guided(guide: Guide | None, embedding: TextEmbedding, text: Text, frames: int) -> Tensor | None:
    if guide is None:
        return None
    if text.durations is None:
        message = "a network with pacing needs the durations of its symbols"
        raise ValueError(message)
    output: Tensor = guide(embedding.vectors(text), text.lengths, text.durations, frames)
    return output


def _transformer(a: Architecture, conditioned: bool) -> Transformer:
    return Transformer(
        layers=a.n_layers,
        channels=a.d_model,
        heads=a.n_heads,
        ffn_channels=a.ffn_dim,
        dropout=a.dropout,
        conditioned=conditioned,
    )
