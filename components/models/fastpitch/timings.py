"""Durations in frames → when symbols and words sound."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from components.nn.timed_speech import Timed


def phoneme_timings(
    symbols: Sequence[str], durations: Sequence[int], hop_s: float, audio_s: float
) -> tuple[Timed, ...]:
    """Symbols one after the other.

    A frame is centred on its time, so a symbol begins half a hop before its first frame; the first one begins
    with the audio and the last one ends with it.

    Args:
        durations: whole frames, one a symbol.
        hop_s: seconds between frames.
        audio_s: length of the audio.
    """
    frames, edges = 0, [0.0]
    for duration in durations[:-1]:
        frames += duration
        edges.append(min(max((frames - 0.5) * hop_s, 0.0), audio_s))
    edges.append(audio_s)
    return tuple(Timed(symbol, a, b) for symbol, (a, b) in zip(symbols, pairwise(edges), strict=True))


def word_timings(
    phonemes: Sequence[Timed], words: Sequence[int], written: Sequence[str]
) -> tuple[Timed, ...]:
    """Each word from its first symbol to its last; words without a symbol are left out.

    Args:
        phonemes: from `phoneme_timings`.
        words: number of the word that each symbol belongs to, -1 for pauses.
        written: the words of the text.
    """
    spans: dict[int, tuple[float, float]] = {}
    for phoneme, word in zip(phonemes, words, strict=True):
        if word >= 0:
            start, _ = spans.get(word, (phoneme.start_s, 0.0))
            spans[word] = (start, phoneme.end_s)
    return tuple(Timed(written[word], *spans[word]) for word in sorted(spans))
