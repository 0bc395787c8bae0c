"""Learns which frames belong to which symbol, from text and recording alone."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from components.models.fastpitch.params import Aligner as AlignerParams
from components.nn.alignment_prior import beta_binomial_log_prior
from components.nn.forward_sum import forward_sum_loss
from components.nn.masks import masked_mean
from components.nn.monotonic_alignment import monotonic_durations

_NEVER = -1.0e4
"""Score of a padded symbol: e to it is zero in single precision, and no infinity meets another one."""


@dataclass(frozen=True)
class Alignment:
    """Where symbols sound.

    Attributes:
        log_probs: [B, T, L] log p(symbol | frame) + log prior, not normalised.
        durations: [B, L] frames of the best monotonic path, no gradient.
    """

    log_probs: Tensor
    durations: Tensor


class Aligner(nn.Module):
    """One TTS Alignment To Rule Them All (Badlani et al. 2021, section 2), as NVIDIA's FastPitch 1.1 has it.

    Symbols and frames are convolved into one space; a frame's log probability of a symbol falls with their
    squared distance. Differs in: symbol vectors carry the language; frames are standardised by mel band
    before they come in, which lets the temperature be a number that does not depend on the loudness of a
    corpus.

    Args:
        params: ``models.fastpitch.architecture.aligner``.
        channels: C of the symbol vectors.
        n_mels: mel bands.
    """

    def __init__(self, params: AlignerParams, channels: int, n_mels: int) -> None:
        super().__init__()
        half, size = params.kernel // 2, params.attention_dim
        self.temperature, self.prior_scale = params.temperature, params.prior_scale
        self.blank_log_prob = params.blank_log_prob
        self.widen_symbols = nn.Conv1d(channels, 2 * channels, params.kernel, padding=half)
        self.to_key = nn.Conv1d(2 * channels, size, 1)
        self.widen_frames = nn.Conv1d(n_mels, 2 * n_mels, params.kernel, padding=half)
        self.narrow_frames = nn.Conv1d(2 * n_mels, n_mels, 1)
        self.to_query = nn.Conv1d(n_mels, size, 1)

    def forward(self, symbols: Tensor, spoken: Tensor, mel: Tensor, sounding: Tensor) -> Alignment:
        """Align.

        Args:
            symbols: [B, L, C] vectors of the true symbols (never dropped ones).
            spoken: [B, L] bool, real symbols.
            mel: [B, T, n_mels] standardised.
            sounding: [B, T] bool, real frames.

        Raises:
            DataError: a row with more symbols than frames.
        """
        keys = (symbols * spoken.unsqueeze(-1).to(symbols.dtype)).transpose(1, 2)
        queries = (mel * sounding.unsqueeze(-1).to(mel.dtype)).transpose(1, 2)
        keys = self.to_key(F.relu(self.widen_symbols(keys)))
        queries = self.to_query(F.relu(self.narrow_frames(F.relu(self.widen_frames(queries)))))
        with torch.autocast(mel.device.type, enabled=False):
            scores = self._scores(keys.float(), queries.float(), spoken, sounding)
        durations = monotonic_durations(scores, spoken.sum(dim=1), sounding.sum(dim=1))
        return Alignment(scores, durations)

    def losses(self, alignment: Alignment, spoken: Tensor, sounding: Tensor) -> tuple[Tensor, Tensor]:
        """Forward-sum loss, and how far the soft alignment is from the hard one.

        The second is the Kullback-Leibler divergence of the hard alignment from the soft one: the mean over
        frames of -log of the probability that the soft alignment gives to the symbol on the path.

        Args:
            spoken: [B, L] bool, as in `forward`.
            sounding: [B, T] bool.

        Returns:
            two scalars.
        """
        forward_sum = forward_sum_loss(
            alignment.log_probs, spoken.sum(dim=1), sounding.sum(dim=1), self.blank_log_prob
        )
        frames = torch.arange(sounding.shape[1], device=sounding.device).expand(len(sounding), -1)
        owner = torch.searchsorted(alignment.durations.cumsum(dim=1), frames.contiguous(), right=True)
        owner = owner.clamp(max=spoken.shape[1] - 1).unsqueeze(-1)
        on_path = alignment.log_probs.log_softmax(dim=-1).gather(2, owner).squeeze(-1)
        return forward_sum, -masked_mean(on_path, sounding)

    def _scores(self, keys: Tensor, queries: Tensor, spoken: Tensor, sounding: Tensor) -> Tensor:
        """[B, A, L] and [B, A, T] → [B, T, L]."""
        # |q - k|² without a [B, A, T, L] tensor of differences; |q|² is the same for all symbols of a frame
        # and falls out of the softmax.
        distance = keys.square().sum(dim=1).unsqueeze(1) - 2.0 * queries.transpose(1, 2) @ keys
        hidden = ~spoken.unsqueeze(1)
        scores = (-self.temperature * distance).masked_fill(hidden, _NEVER).log_softmax(dim=-1)
        shape = (sounding.shape[1], spoken.shape[1])
        prior = beta_binomial_log_prior(spoken.sum(dim=1), sounding.sum(dim=1), shape, self.prior_scale)
        return (scores + prior).masked_fill(hidden, _NEVER)
