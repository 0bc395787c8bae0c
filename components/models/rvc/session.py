"""One recording on its way into another voice, chunk by chunk."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from components.core.errors import DataError
from components.features.high_pass import HighPass
from components.features.pitch import PitchAnalysis
from components.models.rvc.hearing import RATE, STRIDE, content_of, pitch_of, samples_of
from components.models.rvc.loudness import LoudnessMix
from components.models.rvc.network import RvcGenerator
from components.models.rvc.noise import noise_at
from components.models.rvc.params import FRAMES_PER_FEATURE, Inference
from components.models.rvc.retrieval import blended
from components.nn.conversion import ContentEncoder
from components.nn.limiter import limited

_PRIOR_SEED = 1
"""Any: the same recording must give the same samples."""
_HOP = STRIDE // FRAMES_PER_FEATURE


@dataclass(frozen=True)
class Sizes:
    """In features of 20 ms: a chunk, and what is heard before and after it; the cross-fade."""

    chunk: int
    context: int
    lookahead: int
    crossfade: int


@dataclass(frozen=True)
class Voice:
    """Everything that turns a source into one speaker.

    Attributes:
        generator: on its device, in evaluation.
        encoder: of the content.
        pitch: how f0 is found.
        index: centroids [K, D] of the speaker, on the device.
        speaker: row of the table.
        sample_rate, hop: of what is made.
        highpass_hz: of the filter before everything.
        inference: rates of mixing.
    """

    generator: RvcGenerator
    encoder: ContentEncoder
    pitch: PitchAnalysis
    index: Tensor
    speaker: int
    sample_rate: int
    hop: int
    highpass_hz: float
    inference: Inference


class Session:
    """See `components.nn.conversion.Conversion`.

    A chunk is computed from itself, ``context`` before and ``lookahead`` after it, and only its own samples
    (and the cross-fade into the next) are kept. What would tell two chunks apart is shared by them: noise
    belongs to places in the recording, the phase of the tone runs on, f0 once found is not found again, and
    filter and loudness remember. So only the encoder's and the prior's attention, which see less, differ from
    a conversion in one piece, and f0 where a chunk ends. Memory holds one chunk with its surroundings.

    Args:
        voice: whose.
        ratio: of f0, target to source.
        sizes: of chunks.
    """

    def __init__(self, voice: Voice, ratio: float, sizes: Sizes) -> None:
        inference = voice.inference
        self._voice, self._ratio, self._sizes = voice, ratio, sizes
        self._filter = HighPass(voice.highpass_hz, RATE)
        frames_s = voice.hop / voice.sample_rate
        self._loudness = LoudnessMix(inference.rms_mix_rate, round(inference.rms_window_s / frames_s))
        self._source = np.zeros(0, np.float32)  # from feature ``_base`` on
        self._base = self._done = self._received = 0
        self._f0 = np.zeros(0, np.float32)  # from frame 2 · ``_base`` on, as it was found first
        self._phase = 0.0
        self._tail = np.zeros(0, np.float32)

    def push(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """What became ready; see `Conversion.push`."""
        _check(samples)
        self._received += len(samples)
        self._source = np.concatenate([self._source, self._filter(samples)])
        return self._ready()

    def finish(self) -> NDArray[np.float32]:
        """The rest; silence is heard after the end."""
        hop, begun = self._voice.hop, self._done
        whole = math.ceil(self._received / STRIDE)
        needed = samples_of(whole + self._sizes.lookahead - self._base)
        self._source = np.pad(self._source, (0, max(0, needed - len(self._source))))
        made = [np.zeros(0, np.float32)]
        while self._done < whole:
            made.append(self._next(min(self._sizes.chunk, whole - self._done)))
        rest = self._received * hop // _HOP - begun * FRAMES_PER_FEATURE * hop
        return np.concatenate(made)[:rest]

    def _ready(self) -> NDArray[np.float32]:
        made, sizes = [np.zeros(0, np.float32)], self._sizes
        while len(self._source) >= samples_of(self._done - self._base + sizes.chunk + sizes.lookahead):
            made.append(self._next(sizes.chunk))
        return np.concatenate(made)

    @torch.inference_mode()
    def _next(self, chunk: int) -> NDArray[np.float32]:
        """Samples of the next ``chunk`` features."""
        voice, sizes, hop = self._voice, self._sizes, self._voice.hop
        before = self._done - self._base
        features = before + chunk + sizes.lookahead
        window = self._source[: samples_of(features)]
        pitch = pitch_of(window[: features * STRIDE], features, voice.pitch)
        pitch[: len(self._f0)] = self._f0
        kept = FRAMES_PER_FEATURE * (chunk + sizes.crossfade)
        made, self._phase = self._decoded(window, pitch, FRAMES_PER_FEATURE * before, kept, chunk)
        fade = min(len(self._tail), len(made))
        ramp = ((np.arange(fade) + 1.0) / (fade + 1.0)).astype(np.float32)
        made[:fade] = self._tail[:fade] * (1.0 - ramp) + made[:fade] * ramp
        length = FRAMES_PER_FEATURE * chunk * hop
        self._tail, own = made[length:], made[:length]
        heard = window[before * STRIDE : (before + chunk) * STRIDE].reshape(-1, _HOP)
        self._move_on(pitch, before, chunk)
        loud = torch.from_numpy(self._loudness(heard, own.reshape(-1, hop)))
        limits = voice.inference
        return limited(loud, limits.limiter_knee, limits.peak_limit).numpy()

    def _decoded(
        self, window: NDArray[np.float32], pitch: NDArray[np.float32], first: int, count: int, chunk: int
    ) -> tuple[NDArray[np.float32], float]:
        """Samples of the window's frames [first, first + count), and the phase after the chunk's features."""
        voice, device, hop = self._voice, self._voice.index.device, self._voice.hop
        f0 = torch.from_numpy(pitch * np.float32(self._ratio)).to(device)
        z, decoder = self._latents(window, f0[None]), voice.generator.decoder
        tone = decoder.tone(f0, FRAMES_PER_FEATURE * self._base).through(first, self._phase)
        reach = decoder.reach_frames
        start, stop = max(0, first - reach), min(len(pitch), first + count + reach)
        condition = voice.generator.speakers(torch.tensor([voice.speaker], device=device))
        made = decoder.samples(z[:, :, start:stop], tone.part(start, stop), condition)
        wanted: Tensor = made[(first - start) * hop : (first - start + count) * hop]
        phase = tone.phase[first + FRAMES_PER_FEATURE * chunk].remainder(1.0)
        return wanted.float().cpu().numpy(), float(phase)

    def _latents(self, window: NDArray[np.float32], f0: Tensor) -> Tensor:
        """[1, C, T] of the whole window."""
        voice, mixing, frames = self._voice, self._voice.inference, f0.shape[1]
        content = content_of(window, frames // FRAMES_PER_FEATURE, voice.encoder).to(f0.device).float()
        voiced = (f0[0] > 0).view(-1, FRAMES_PER_FEATURE).any(dim=1)
        content = blended(
            content,
            voiced,
            voice.index,
            neighbours=mixing.index_neighbours,
            rate=mixing.index_rate,
            protect=mixing.protect,
        )
        width, begin = voice.generator.prior.channels, FRAMES_PER_FEATURE * self._base
        noise = noise_at(begin * width, (begin + frames) * width, _PRIOR_SEED).view(frames, width).t()
        speaker = torch.tensor([voice.speaker], device=f0.device)
        return voice.generator.latents(
            content[None], f0, speaker, mixing.prior_noise_scale * noise.to(f0.device)[None]
        )

    def _move_on(self, pitch: NDArray[np.float32], before: int, chunk: int) -> None:
        """To the next chunk; what is not heard again is forgotten."""
        sizes, last = self._sizes, FRAMES_PER_FEATURE * (before + chunk)
        self._done += chunk
        forgotten = max(0, self._done - self._base - sizes.context)
        found = pitch[: last + FRAMES_PER_FEATURE * sizes.crossfade]
        self._f0 = found[FRAMES_PER_FEATURE * forgotten :]
        self._source = self._source[forgotten * STRIDE :].copy()
        self._base += forgotten


def _check(samples: NDArray[np.float32]) -> None:
    if samples.ndim != 1 or not np.all(np.isfinite(samples)):
        bad = f"shape {samples.shape}" if samples.ndim != 1 else "NaN or infinite values"
        raise DataError(
            who="voice to convert",
            expected="mono samples, finite",
            found=bad,
            action="look at the recording; nothing was converted from here on",
        )
