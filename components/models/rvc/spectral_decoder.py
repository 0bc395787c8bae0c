"""A decoder for minutes of training: latent vectors → mel, and a source-filter synthesis makes it audible."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from components.auxiliaries.vocoder.excitation import Source
from components.auxiliaries.vocoder.params import Streaming
from components.auxiliaries.vocoder.source_filter import SourceFilterVocoder
from components.features.mel import MelAnalysis, filterbank, window
from components.models.rvc.params import Architecture, SpectralDecoder
from components.models.rvc.pitch import coarse_pitch, step_frequencies
from components.models.rvc.tone import Tone
from components.nn.adversarial import Judgement
from components.nn.discriminators import judged
from components.nn.linear import Linear

_LOG_FLOOR = 1e-5
"""Amplitude of the template's quietest band; a template is normalised, so the value hardly matters."""
_PHASES = 4
"""Positions of the pulses within a frame that a template is the mean of."""


class MelDecoder(nn.Module):
    """ConvNeXt blocks over frames (Liu et al. 2022; in one dimension as in Vocos, Siuzdak 2023).

    Besides the latent vectors each frame is shown the mel of bare pulses at its f0, so that harmonics, which
    the lower bands resolve, lie where f0 asks for them, also where no training pitch was. Samples come from
    `SourceFilterVocoder` at that f0: nothing between mel and samples is learned.

    Args:
        architecture: of RVC; its ``spectral_decoder`` must be given.
        decoder: that section.
        floor, ceil: Hz, range of the coarse steps that templates exist for.
    """

    templates: Tensor

    def __init__(
        self, architecture: Architecture, decoder: SpectralDecoder, floor: float, ceil: float
    ) -> None:
        super().__init__()
        a, d = architecture, decoder
        self._range, self._bins = (floor, ceil), a.pitch_bins
        self._analysis, self._decoder = MelAnalysis.of(a, _LOG_FLOOR), d
        self.first = Linear(a.inter_channels, d.channels)
        self.from_template = Linear(a.n_mels, d.channels)
        self.condition = Linear(a.speaker_embedding_dim, d.channels * (d.layers + 1))
        self.blocks = nn.ModuleList(_Block(d) for _ in range(d.layers))
        self.norm = nn.LayerNorm(d.channels)
        self.last = Linear(d.channels, a.n_mels)
        table = templates(self._analysis, step_frequencies(floor, ceil, a.pitch_bins))
        self.register_buffer("templates", torch.from_numpy(table), persistent=False)
        self._synthesis: SourceFilterVocoder | None = None

    def start_from(self, mean: Tensor) -> None:
        """Begin with the mean log-mel [n_mels] of the recordings."""
        with torch.no_grad():
            self.last.weight.mul_(0.1)
            self.last.bias.copy_(mean)

    def forward(self, z: Tensor, f0: Tensor, condition: Tensor) -> Tensor:
        """Log-mel, frame t over the middle of hop t.

        Args:
            z: [B, C, T].
            f0: [B, T] Hz, 0 where unvoiced.
            condition: the speaker, [B, S].

        Returns:
            [B, T, n_mels], natural logarithm of amplitudes.
        """
        steps = coarse_pitch(f0, *self._range, self._bins)
        conditions = self.condition(condition).unsqueeze(1).chunk(len(self.blocks) + 1, dim=-1)
        x = self.first(z.transpose(1, 2)) + self.from_template(self.templates[steps]) + conditions[0]
        for block, own in zip(self.blocks, conditions[1:], strict=True):
            x = block(x, own)
        mel: Tensor = self.last(self.norm(x))
        return mel

    @property
    def reach_frames(self) -> int:
        """Of the blocks, and of the synthesis where it needs to see more than that."""
        inside = len(self.blocks) * (self._decoder.kernel // 2)
        return 1 + inside + self._vocoder(self.templates.device).reach_frames

    def tone(self, f0: Tensor, begin: int) -> Tone:
        """See `tone.ToneDecoder`. Through unvoiced frames the last frequency runs on; between frames it
        changes linearly."""
        frequency = _held(f0.detach().cpu().double())
        moved = 0.5 * (frequency + torch.cat([frequency[1:], frequency[-1:]])) * self._analysis.hop_s
        return Tone(f0, frequency, F.pad(moved.cumsum(0), (1, 0)), begin)

    def samples(self, z: Tensor, tone: Tone, condition: Tensor) -> Tensor:
        """See `tone.ToneDecoder`."""
        hop = self._analysis.hop_length
        vocoder = self._vocoder(z.device)
        mel = self(z, tone.f0[None], condition)[0].float().exp()
        mel = torch.cat(
            [mel[:1], mel, mel[-1:]]
        )  # the outer half hops lie beyond the first and the last frame
        course = _course(tone, 1 + vocoder.padding, self._analysis.hop_s, hop)
        made = vocoder.samples(mel, course, 0, len(mel) - 1)
        return made[hop // 2 : hop // 2 + len(tone.f0) * hop]

    def _vocoder(self, device: torch.device) -> SourceFilterVocoder:
        if self._synthesis is None:
            whole = Streaming(
                first_chunk_frames=1, chunk_frames=1
            )  # it is asked for stretches, never to stream
            self._synthesis = SourceFilterVocoder(
                self._analysis, self._decoder.synthesis, whole, None, device, ""
            )
        return self._synthesis


class _Block(nn.Module):
    """Convolution over time for each channel, then a network of two layers over the channels; residual."""

    def __init__(self, decoder: SpectralDecoder) -> None:
        super().__init__()
        channels, hidden = decoder.channels, decoder.channels * decoder.expansion
        self.over_time = nn.Conv1d(
            channels, channels, decoder.kernel, padding=decoder.kernel // 2, groups=channels
        )
        self.norm = nn.LayerNorm(channels)
        self.widen, self.narrow = Linear(channels, hidden), Linear(hidden, channels)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """[B, T, C], and the speaker's vector [B, 1, C] → [B, T, C]."""
        near = self.over_time(x.transpose(1, 2)).transpose(1, 2)
        made: Tensor = x + self.narrow(F.relu(self.widen(self.norm(near) + condition)))
        return made


class MelJudge(nn.Module):
    """Tells a recording's mel from a made one, patch by patch: strided convolutions over time and bands.

    A patch discriminator (Isola et al. 2017, section 2.2.2) where the published RVC has judges over samples;
    the game's losses are the same.
    """

    def __init__(self, channels: tuple[int, ...]) -> None:
        super().__init__()
        widths = [1, *channels]
        self.convolutions = nn.ModuleList(
            nn.utils.parametrizations.weight_norm(nn.Conv2d(a, b, (5, 5), (2, 2), padding=2))
            for a, b in pairwise(widths)
        )
        self.score = nn.utils.parametrizations.weight_norm(nn.Conv2d(channels[-1], 1, 3, padding=1))

    def forward(self, log_mel: Tensor) -> list[Judgement]:
        """One judgement of log-mels [B, T, n_mels]."""
        return [judged(log_mel[:, None], self.convolutions, self.score)]


def templates(analysis: MelAnalysis, hertz: NDArray[np.float64]) -> NDArray[np.float32]:
    """Log-mel [len(hertz), n_mels] of pulses at each frequency, level and scale taken out; 0 Hz: nothing.

    The mean over positions of the pulses within the window.
    """
    times = np.arange(analysis.n_fft) / analysis.sample_rate
    shape, bank = window(analysis.win_length, analysis.n_fft), filterbank(analysis)
    table = np.zeros((len(hertz), analysis.n_mels), dtype=np.float32)
    for place, frequency in enumerate(hertz):
        if frequency <= 0:
            continue
        harmonics = np.arange(1, max(2, int(analysis.sample_rate / 2 // frequency) + 1))
        for shift in np.arange(_PHASES) / _PHASES:
            turns = np.outer(harmonics, times * frequency + shift)
            spectrum = np.abs(np.fft.rfft(np.cos(2 * np.pi * turns).sum(axis=0) * shape))
            table[place] += np.log(np.maximum(bank @ spectrum, analysis.log_floor)) / _PHASES
    voiced = np.asarray(hertz) > 0
    table[voiced] -= table[voiced].mean()
    return np.asarray(table / table[voiced].std(), dtype=np.float32)


def _held(f0: Tensor) -> Tensor:
    """[T] with each unvoiced frame at the last voiced one's frequency; before any, at the first one's."""
    places = torch.where(f0 > 0, torch.arange(len(f0)), torch.tensor(-1)).cummax(0).values
    if not bool((places >= 0).any()):
        return torch.ones_like(f0)  # any frequency will do where no pulse is let through
    return f0[places.clamp(min=int(torch.nonzero(f0 > 0)[0]))]


def _course(tone: Tone, pad: int, hop_s: float, hop: int) -> Source:
    """The pulses of a tone; beyond its ends they run on as they are there."""
    frequency = tone.frequency.numpy()
    phase = tone.phase[:-1].numpy()
    beyond = np.arange(1, pad + 1) * hop_s
    return Source(
        frequency=np.pad(frequency, pad, mode="edge"),
        phase=np.concatenate(
            [phase[0] - frequency[0] * beyond[::-1], phase, phase[-1] + frequency[-1] * beyond]
        ),
        voiced=np.pad(tone.f0.detach().cpu().numpy() > 0, pad, mode="edge"),
        pad=pad - 1,
        noise_from=tone.begin * hop,
    )
