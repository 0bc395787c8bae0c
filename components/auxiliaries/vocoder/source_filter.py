"""A phase from pulses and noise, a magnitude from the mel, and a few iterations to make them agree."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from components.auxiliaries.vocoder.contract import checked, chunk_bounds
from components.auxiliaries.vocoder.excitation import Excitation, Source, source
from components.auxiliaries.vocoder.params import SourceFilterSynthesis, Streaming
from components.auxiliaries.vocoder.short_time import ShortTime, with_magnitude
from components.core.errors import DataError
from components.features.mel import MelAnalysis, filterbank

_SMALLEST = 1e-9
"""Keeps a mel band in which nothing sounds from being divided by zero."""

PitchOf = Callable[[Tensor], Tensor]


class SourceFilterVocoder:
    """Source-filter synthesis in the short-time domain; see `contract.Vocoder`.

    1. A pulse train at f0 (its phase runs on through unvoiced stretches) and white noise are transformed with
       the mel's own window. In voiced frames noise takes over above ``noise_from_hz``, along a logistic curve
       (maximum voiced frequency, Stylianou 1996); unvoiced frames are noise.
    2. The magnitude starts as the source's expected one, harmonics and all, and is multiplied towards the
       mel: M ← M · Bᵀ(mel / B M) / Bᵀ1 (Richardson 1972, Lucy 1974; the multiplicative rule of Lee and Seung
       2001 for the Kullback-Leibler divergence). Bands wider than a harmonic thus keep the harmonics, which
       least squares would smear. Above ``fmax`` the mel says nothing and the signal stays silent.
    3. The source's phase on that magnitude is made consistent by a few iterations of fast Griffin-Lim.

    Args:
        analysis: the mel's definition.
        params: iterations and where noise takes over.
        streaming: sizes of chunks.
        pitch_of: f0 [T] Hz (0 unvoiced) of a mel [T, n_mels], for callers that have no f0; or None.
        device: where it computes.
        weights_sha256: of the pitch network; empty without one.
    """

    def __init__(
        self,
        analysis: MelAnalysis,
        params: SourceFilterSynthesis,
        streaming: Streaming,
        pitch_of: PitchOf | None,
        device: torch.device,
        weights_sha256: str,
    ) -> None:
        self.analysis, self._params, self._streaming = analysis, params, streaming
        self._pitch_of, self._device, self.weights_sha256 = pitch_of, device, weights_sha256
        self._short_time = ShortTime(analysis, device)
        self._excitation = Excitation(analysis.sample_rate, analysis.hop_length, device)
        self._bank = torch.tensor(filterbank(analysis), device=device)  # [n_mels, F]
        self._bank_turned = self._bank.t().contiguous()
        covered = self._bank.sum(dim=0)
        self._evenly = torch.where(covered > 0, covered.clamp(min=_SMALLEST).reciprocal(), 0.0)
        bins = torch.arange(analysis.n_fft // 2 + 1, device=device) * (analysis.sample_rate / analysis.n_fft)
        self._breath = torch.sigmoid((bins - params.noise_from_hz) / params.noise_slope_hz)
        self._noise_level = float(self._short_time.window.square().sum().sqrt())

    @torch.inference_mode()
    def __call__(self, log_mel: Tensor, f0: Tensor | None = None) -> Tensor:
        """Waveform of a mel; see `contract.Vocoder`."""
        mel, course = self._understood(log_mel, f0)
        return self.samples(mel, course, 0, len(mel) - 1)

    def stream(self, log_mel: Tensor, f0: Tensor | None = None) -> Iterator[Tensor]:
        """The same in chunks; see `contract.Vocoder`. Only f0 and its running phase look at all frames."""
        mel, course = self._understood(log_mel, f0)
        bounds = chunk_bounds(len(mel) - 1, self._streaming.first_chunk_frames, self._streaming.chunk_frames)
        return (self.samples(mel, course, start, stop) for start, stop in bounds)

    @property
    def reach_frames(self) -> int:
        """Frames on either side of a hop that its samples depend on."""
        return self._short_time.reach * (self._params.iterations + 1)

    @property
    def padding(self) -> int:
        """Frames that a course must go on for beyond both ends."""
        return self._short_time.slices + 1

    @torch.inference_mode()
    def _understood(self, log_mel: Tensor, f0: Tensor | None) -> tuple[Tensor, Source]:
        mel = checked(log_mel, f0, self.analysis, self._device)
        if f0 is None:
            if self._pitch_of is None:
                raise _no_pitch()
            f0 = self._pitch_of(mel)
        pitch = f0.detach().to("cpu", torch.float32).numpy()
        return mel.exp(), source(pitch, self.analysis.hop_s, self.padding)

    @torch.inference_mode()
    def samples(self, mel: Tensor, course: Source, start: int, stop: int) -> Tensor:
        """Samples of the hops [start, stop), from as many frames around them as they depend on.

        Args:
            mel: [T, n_mels] amplitudes, no logarithm.
            course: of the pulses, padded by at least `padding` frames.
            start, stop: hop k lies between the frames k and k + 1.
        """
        reach = self.reach_frames
        first, last = max(0, start - reach), min(len(mel), stop + 1 + reach)
        spectrum, expected = self._source_spectrum(course, first, last)
        magnitude = self._towards(mel[first:last], expected)
        begin = with_magnitude(spectrum, magnitude)
        signal = self._short_time.refine(begin, magnitude, self._params.iterations, self._params.momentum)
        skipped = self.analysis.n_fft // 2 + (start - first) * self.analysis.hop_length
        return signal[skipped : skipped + (stop - start) * self.analysis.hop_length]

    def _source_spectrum(self, course: Source, first: int, last: int) -> tuple[Tensor, Tensor]:
        """Spectrum [T, F] of the mixed source at frames [first, last), and its expected magnitude."""
        hop, half = self.analysis.hop_length, self.analysis.n_fft // 2
        begin, end = first * hop - half, (last - 1) * hop + self.analysis.n_fft - half
        pulses = self._short_time.spectrum(self._excitation.pulses(course, begin, end))
        noise = self._short_time.spectrum(
            self._excitation.noise(begin + course.noise_from, end + course.noise_from)
        )
        frames = course.voiced[first + course.pad : last + course.pad]
        voiced = torch.from_numpy(frames).to(self._device)[:, None]
        breath = torch.where(voiced, self._breath, 1.0)
        tone = 1.0 - breath
        expected = ((pulses.abs() * tone).square() + (breath * self._noise_level).square()).sqrt()
        return pulses * tone + noise * breath, expected

    def _towards(self, mel: Tensor, magnitude: Tensor) -> Tensor:
        """``magnitude`` [T, F], changed as little as makes its mel come near ``mel`` [T, n_mels]."""
        magnitude = magnitude + _SMALLEST
        for _ in range(self._params.magnitude_steps):
            ratio = mel / (magnitude @ self._bank_turned).clamp(min=_SMALLEST)
            magnitude = magnitude * (ratio @ self._bank) * self._evenly
        return magnitude


def _no_pitch() -> DataError:
    return DataError(
        who="source-filter vocoder",
        expected="f0, or delivered weights of the pitch network that reads it from the mel",
        found="neither",
        action="pass f0, or build the vocoder with the weights of `make pretrain MODEL=vocoder`",
    )
