"""Sounds whose f0 is known: pulses through formants, speech of one pitch, and speech made from a given f0.

What is true of each stands with it. f0 of frame t belongs to the moment ``t * hop / rate``, as in
`components.features.pitch`.
"""

from __future__ import annotations

import unicodedata
import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from components.espeak.synthesis import PhoneTiming, Speech
from components.evaluation.f0_agreement import UNKNOWN, Floats


@dataclass(frozen=True)
class KnownPitch:
    """Samples [N] and the f0 [1 + N // hop] they have: Hz, 0 unvoiced, NaN not known."""

    samples: Floats
    truth: Floats


#: Frequency and bandwidth of four formants, Hz: an open vowel.
_FORMANTS = ((700.0, 80.0), (1220.0, 90.0), (2600.0, 120.0), (3300.0, 200.0))
_VIBRATO_HZ, _VIBRATO_DEPTH = 5.5, 0.03
_PART_S = 0.4
_EDGE_S = 0.03


def vowel(hz: float, noise_db: float, seconds: float, rate: int, hop: int, seed: int) -> KnownPitch:
    """Pulses with vibrato through formants, in turn with breaths of noise; noise lies under everything.

    True by construction: a pulse falls wherever the integral of f0 passes a whole number (band-limited: the
    pulses are sums of harmonics up to half the rate). Voiced and unvoiced parts of 0.4 s alternate; 30 ms
    around each change are not counted.

    Args:
        hz: centre of the vibrato, which swings by 3 % at 5.5 Hz.
        noise_db: level of the noise under everything, below the pulses' (negative).
    """
    draw = np.random.default_rng(seed)
    t = np.arange(round(seconds * rate)) / rate
    swing = hz * (1.0 + _VIBRATO_DEPTH * np.sin(2 * np.pi * _VIBRATO_HZ * t))
    phase = 2 * np.pi * np.cumsum(swing) / rate
    highest = int(0.5 * rate / (hz * (1.0 + _VIBRATO_DEPTH)))
    pulses = sum(np.cos(phase * k) for k in range(1, highest + 1)) / highest
    voiced = (t // _PART_S).astype(int) % 2 == 0
    sound = _through_formants(np.asarray(pulses), rate)
    sound /= np.sqrt(np.mean(sound[voiced] ** 2))
    breath = draw.standard_normal(len(t))
    mixed = np.where(voiced, sound, 0.1 * breath) + 10 ** (noise_db / 20) * draw.standard_normal(len(t))
    moments = np.arange(1 + len(t) // hop) * hop / rate
    at = np.minimum((moments * rate).astype(int), len(t) - 1)
    truth = np.where(voiced[at], swing[at], 0.0).astype(np.float32)
    to_change = np.abs(moments - _PART_S * np.rint(moments / _PART_S))
    truth[to_change < _EDGE_S] = UNKNOWN
    return KnownPitch((0.1 * mixed).astype(np.float32), truth)


def _through_formants(signal: NDArray[np.float64], rate: int) -> NDArray[np.float64]:
    for hz, width in _FORMANTS:
        radius = np.exp(-np.pi * width / rate)
        signal = lfilter([1.0], [1.0, -2 * radius * np.cos(2 * np.pi * hz / rate), radius**2], signal)
    return signal


_VOWELS = frozenset("aeiouyɐɑɒæɔəɚɛɜɪʊʌɨɯøœɤᵻ")
_VOICELESS = frozenset("ptkfsʃθxɕʂ")
#: Of the length of a symbol, at either end: there voicing begins and ends.
_UNSURE = 0.25


def of_one_pitch(speech: Speech, hz: float, rate: int, hop: int) -> KnownPitch:
    """Speech of an espeak-ng voice whose pitch range is 0: one f0 wherever it is voiced.

    Known is that f0 does not change (espeak-ng scales every movement by the range, and the voice has no
    vibrato of its own); its value is measured, see `one_pitch`. The inner half of vowels is voiced, that of
    voiceless consonants is not; of everything else (sonorants, voiced stops, pauses, what a language
    devoices) nothing is said.

    Args:
        speech: with the phones' times.
        hz: the voice's f0.
        rate: to resample to.
    """
    samples = resampled(speech, rate)
    moments = np.arange(1 + len(samples) // hop) * hop / rate
    truth = np.full(len(moments), UNKNOWN)
    for phone in speech.timings:
        start, end = phone.start / speech.sample_rate_hz, phone.end / speech.sample_rate_hz
        inner = _UNSURE * (end - start)
        inside = (moments >= start + inner) & (moments < end - inner)
        value = _pitch_of(phone, hz)
        if value is not None:
            truth[inside] = value
    return KnownPitch(samples, truth)


def one_pitch(courses: list[Floats]) -> float:
    """The f0 of a voice of one pitch: the median over voiced frames of all its courses, by all methods."""
    voiced = np.concatenate([one[one > 0] for one in courses])
    return float(np.median(voiced))


def resampled(speech: Speech, rate: int) -> Floats:
    """Samples [N] in [-1, 1] at that rate."""
    import soxr

    scaled = speech.samples.astype(np.float32) / np.float32(32768)
    moved: Floats = soxr.resample(scaled, speech.sample_rate_hz, rate, quality="HQ").astype(np.float32)
    return moved


def _pitch_of(phone: PhoneTiming, hz: float) -> float | None:
    """f0 inside a phone; None: not sure."""
    plain = unicodedata.normalize("NFD", phone.symbol.lstrip("ˈˌ"))
    if any(mark in plain for mark in ("\u0325", "\u030a", "ʱ")):  # devoiced, breathy
        return None
    if plain[:1] in _VOWELS:
        return hz
    return 0.0 if plain[:1] in _VOICELESS and not any(letter in plain for letter in "ʒzbdɡv") else None


def made_from_f0(samples: Floats, rate: int, hop: int, dio: Floats, harvest: Floats) -> KnownPitch:
    """A recording taken apart by WORLD and put together again with pulses at a given f0.

    True is the f0 that the synthesis was given, whatever the recording's is: where Dio and Harvest agree to a
    semitone, their mean; noise instead of pulses elsewhere, so neither method's own decisions are favoured.
    Differs from plain WORLD in that no voiced frame is made aperiodic (D4C's threshold is 0). Frames next to
    a change of voicing are not counted.

    Args:
        samples: [N] at ``rate``.
        dio, harvest: [1 + N // hop] Hz of the recording, 0 where unvoiced.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        import pyworld
    agree = (dio > 0) & (harvest > 0)
    agree[agree] &= np.abs(np.log2(dio[agree] / harvest[agree])) < 1 / 12
    given = np.where(agree, 0.5 * (dio.astype(np.float64) + harvest), 0.0)
    signal, times = samples.astype(np.float64), np.arange(len(given)) * hop / rate
    envelope = pyworld.cheaptrick(signal, given, times, rate)
    aperiodic = pyworld.d4c(signal, given, times, rate, threshold=0.0)
    made = pyworld.synthesize(given, envelope, aperiodic, rate, 1000.0 * hop / rate)[: len(samples)]
    truth = given.astype(np.float32)
    changes = np.flatnonzero(np.diff(agree.astype(int)))
    truth[np.unique(np.concatenate([changes, changes + 1]))] = UNKNOWN
    frames = 1 + len(made) // hop
    return KnownPitch(made.astype(np.float32), truth[:frames])
