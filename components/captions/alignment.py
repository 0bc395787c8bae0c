"""A recording and its text → when each word is said, by the CTC recogniser.

The recogniser learned on generated speech: on people its times are unproven.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from components.auxiliaries.recogniser.labels import segments
from components.auxiliaries.recogniser.phoneme_recogniser import Alignment, PhonemeRecogniser
from components.core.errors import DataError
from components.core.params.captions import AlignmentParams
from components.core.utterance import Language
from components.nn.contracts import Speech
from components.nn.timed_speech import Timed
from components.text import Phonemes, phonemise


def align(
    recogniser: PhonemeRecogniser, speech: Speech, text: str, language: Language, params: AlignmentParams
) -> tuple[Timed, ...]:
    """Every written word that has a sound, as `TimedSpeech.words`.

    Two words meet halfway between the last sound heard of one and the first of the next: a network trained
    with CTC names a sound about in its middle. Where they are at least ``min_pause_s`` of silence apart, the
    silence belongs to neither.

    Args:
        speech: mono, of any rate.
        text: what is said in it, all of it.

    Raises:
        DataError: a text that cannot be spoken or is not what the recording says, a recording that is silent
            or too long, an unknown language.
    """
    seconds = len(speech.samples) / speech.sample_rate
    if seconds > params.max_audio_s:
        raise DataError(
            who="the recording",
            expected=f"at most {params.max_audio_s:g} s (captions.alignment.max_audio_s)",
            found=f"{seconds:.1f} s",
            action="cut it between two sentences",
        )
    said = phonemise(text, language)
    words, sounds = _heard_of(said, recogniser.labels.of_language[language])
    found = recogniser.align(speech, language, sounds)
    if found.log_probability < params.min_log_probability:
        raise DataError(
            who=f"text {text[:40]!r}",
            expected="what is said in the recording: a mean log-probability of at least "
            f"{params.min_log_probability:g} a sound (captions.alignment.min_log_probability)",
            found=f"{found.log_probability:.2f}",
            action="give the words that are really spoken; people's speech is beyond this recogniser",
        )
    return _in_words(words, said.written, found, seconds, params.min_pause_s)


def _heard_of(said: Phonemes, known: Sequence[str]) -> tuple[list[int], list[str]]:
    """Word and segment of each symbol that the recogniser can hear."""
    words, sounds = [], []
    for symbol, word in zip(said.symbols, said.words, strict=True):
        for sound in segments((symbol,)):  # one, or none for a pause
            if word >= 0 and sound in known:
                words.append(word)
                sounds.append(sound)
    return words, sounds


def _in_words(
    words: Sequence[int], written: Sequence[str], found: Alignment, seconds: float, min_pause_s: float
) -> tuple[Timed, ...]:
    heard: dict[int, tuple[float, float]] = {}
    for word, (first, last) in zip(words, found.spans, strict=True):
        heard[word] = (heard.get(word, (first, last))[0], last)
    order = list(heard)
    starts = [_silence(found, 0.0, heard[order[0]][0])[1]]
    ends: list[float] = []
    for before, after in pairwise(order):
        last, first = heard[before][1], heard[after][0]
        begins, stops = _silence(found, last, first)
        if stops - begins < min_pause_s:
            begins = stops = (last + first) / 2
        ends.append(begins)
        starts.append(stops)
    begins, stops = _silence(found, heard[order[-1]][1], math.inf)
    ends.append(min(begins, seconds) if stops > begins else seconds)
    return tuple(
        Timed(written[word], start, max(start, end))
        for word, start, end in zip(order, starts, ends, strict=True)
    )


def _silence(found: Alignment, start_s: float, end_s: float) -> tuple[float, float]:
    """The longest silence between two times, the first of equal ones; where none is, ``start_s`` twice."""
    start = round(start_s / found.frame_s)
    end = len(found.sounding) if math.isinf(end_s) else round(end_s / found.frame_s)
    runs = _runs(~found.sounding[start:end])
    if not runs:
        return start_s, start_s
    first, last = max(runs, key=lambda run: run[1] - run[0])
    return (start + first) * found.frame_s, (start + last) * found.frame_s


def _runs(mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Stretches of True as (first, one beyond the last)."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]
