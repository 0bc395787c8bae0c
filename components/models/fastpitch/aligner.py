"""Learns which frames belong to which symbol, from text and recording alone."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from components.models.fastpitch.params import Architecture
from components.nn.alignment_prior import beta_binomial_log_prior
from components.nn.forward_sum import forward_sum_loss
from components.nn.length_regulation import repeat_by_duration
from components.nn.linear import Linear
from components.nn.masks import masked_mean
from components.nn.monotonic_alignment import monotonic_durations

_NEVER = -1.0e4
"""Score of a padded symbol: e to it is zero in single precision, and no infinity meets another one."""


@dataclass(frozen=True)
class Alignment:
    """Where symbols sound.

    Attributes:
        log_probs: [B, T, L] log p(symbol | frame) + log prior, not normalised.
        expected: [B, L, n_mels] what a frame of each symbol should look like, standardised.
        durations: [B, L] frames of the best monotonic path, no gradient.
    """

    log_probs: Tensor
    expected: Tensor
    durations: Tensor


@dataclass(frozen=True)
class AlignmentLosses:
    """Three scalars.

    Attributes:
        forward_sum: negative log likelihood of the symbols under all alignments, per symbol.
        binarisation: Kullback-Leibler divergence of the hard alignment from the soft one: the mean over
            frames of -log of what the soft alignment gives to the symbol on the path.
        fit: mean square of what is left of the frames when each symbol's expected frame is taken away along
            the path.
    """

    forward_sum: Tensor
    binarisation: Tensor
    fit: Tensor


class Aligner(nn.Module):
    """One TTS Alignment To Rule Them All (Badlani et al. 2021, section 2), in the space of the mel itself.

    A frame's log probability of a symbol falls with the squared distance of the two, plus a beta-binomial
    prior along the diagonal; the best monotonic path gives durations. In NVIDIA's FastPitch 1.1 symbols and
    frames are both convolved into a space of their own, which leaves it to the network what a distance means:
    forward sum and binarisation agree on paths on which most symbols last a frame and some absorb the rest
    (docs/log.md: 51 ms from the true boundaries of the generated corpus, and no better with more steps).
    Here the key of a symbol is what its frames are expected to look like, given language and speaker, the
    query is the standardised frame, and the mean square of the two along the path (Viterbi training of a
    Gaussian a symbol) is minimised beside the forward sum: 24 ms, at half the time a step. Keys begin at
    zero, so the first alignment is the prior.

    Args:
        architecture: dimensions.
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        a, params = architecture, architecture.aligner
        self.temperature, self.prior_scale = params.temperature, params.prior_scale
        self.blank_log_prob = params.blank_log_prob
        self.from_speaker = Linear(a.speaker_embedding_dim, a.d_model)
        self.widen = nn.Conv1d(a.d_model, 2 * a.d_model, params.kernel, padding=params.kernel // 2)
        self.to_expected = nn.Conv1d(2 * a.d_model, a.n_mels, 1)
        for parameter in self.to_expected.parameters():
            nn.init.zeros_(parameter)

    def forward(
        self, symbols: Tensor, spoken: Tensor, condition: Tensor, mel: Tensor, sounding: Tensor
    ) -> Alignment:
        """Align.

        Args:
            symbols: [B, L, C] vectors of the true symbols (never dropped ones).
            spoken: [B, L] bool, real symbols.
            condition: [B, S] speaker vectors.
            mel: [B, T, n_mels] standardised by band.
            sounding: [B, T] bool, real frames.

        Raises:
            DataError: a row with more symbols than frames.
        """
        keep = spoken.unsqueeze(-1).to(symbols.dtype)
        # In full precision whatever the rest runs in: it is cheap, and rounding would move boundaries.
        with torch.autocast(mel.device.type, enabled=False):
            keys = (symbols + self.from_speaker(condition).unsqueeze(1)) * keep
            expected = self.to_expected(F.relu(self.widen(keys.transpose(1, 2)))).transpose(1, 2)
            scores = self._scores(expected, mel, spoken, sounding)
        durations = monotonic_durations(scores, spoken.sum(dim=1), sounding.sum(dim=1))
        return Alignment(scores, expected, durations)

    def losses(self, found: Alignment, mel: Tensor, spoken: Tensor, sounding: Tensor) -> AlignmentLosses:
        """What the aligner minimises, in full precision; arguments as in `forward`."""
        symbols, frames = spoken.sum(dim=1), sounding.sum(dim=1)
        longest = mel.shape[1]
        places = torch.arange(spoken.shape[1], device=mel.device, dtype=found.expected.dtype)
        owner = repeat_by_duration(places.expand(len(mel), -1).unsqueeze(-1), found.durations).long()
        owner = F.pad(owner, (0, 0, 0, longest - owner.shape[1]))  # [B, T, 1]
        on_path = found.log_probs.log_softmax(dim=-1).gather(2, owner).squeeze(-1)
        path = found.expected.gather(1, owner.expand(-1, -1, mel.shape[2]))
        return AlignmentLosses(
            forward_sum=forward_sum_loss(found.log_probs, symbols, frames, self.blank_log_prob),
            binarisation=-masked_mean(on_path, sounding),
            fit=masked_mean((path - mel).square(), sounding),
        )

    def _scores(self, expected: Tensor, mel: Tensor, spoken: Tensor, sounding: Tensor) -> Tensor:
        """[B, L, n_mels] and [B, T, n_mels] → [B, T, L]."""
        # |x - μ|² without a [B, T, L, n_mels] tensor of differences; |x|² is the same for all symbols of a
        # frame and falls out of the softmax.
        distance = expected.square().sum(dim=2).unsqueeze(1) - 2.0 * mel @ expected.transpose(1, 2)
        hidden = ~spoken.unsqueeze(1)
        scores = (-self.temperature * distance).masked_fill(hidden, _NEVER).log_softmax(dim=-1)
        shape = (sounding.shape[1], spoken.shape[1])
        prior = beta_binomial_log_prior(spoken.sum(dim=1), sounding.sum(dim=1), shape, self.prior_scale)
        return (scores + prior).masked_fill(hidden, _NEVER)
