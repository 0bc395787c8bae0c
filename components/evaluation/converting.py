"""A voice converter as a candidate: it speaks a sentence by converting its source; and its live side."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from components.core.utterance import Language
from components.evaluation.sources import Source, heard_at
from components.inference.convert import convert
from components.nn.contracts import Speech
from components.nn.conversion import VoiceConverter

_MS = 1000.0


class Conversions:
    """See `components.evaluation.speaking.Candidate`.

    The clock of evaluation runs from the source's samples, at the rate that the converter hears, to the last
    sample of the conversion; finding the key (the source's mean pitch) is part of it.

    Args:
        converter: the delivered model.
        sources: of every sentence that will be asked for.
    """

    def __init__(self, converter: VoiceConverter, sources: Sequence[Source]) -> None:
        self._converter = converter
        self._said = {(one.sentence.language, one.sentence.text): one.speech for one in sources}
        self.sample_rate, self.speakers = converter.sample_rate, converter.speakers
        self.consents, self.device, self.dtype = converter.consents, converter.device, converter.dtype

    def stream(self, text: str, language: Language, speaker: str) -> Iterator[NDArray[np.float32]]:
        """The whole conversion in one piece: a file is converted in chunks longer than a sentence.

        Raises:
            DataError: an unknown speaker.
            LookupError: a sentence without a source.
        """
        yield convert(self._converter, self._said[language, text], speaker).samples


def into(converter: VoiceConverter, speech: Speech, speaker: str) -> Speech:
    """A recording of any rate in a target's voice.

    Raises:
        DataError: NaN or infinite samples, or an unknown speaker.
    """
    return convert(converter, heard_at(speech, converter.source_rate), speaker)


def live_times(converter: VoiceConverter, turns: Sequence[tuple[Source, str]]) -> dict[str, float]:
    """Milliseconds from a chunk that is handed over to the samples that it makes ready.

    Args:
        turns: source and target; the first is converted once more before, unheard.

    Returns:
        ``<sentence id>/<chunk>`` → ms, of the chunks that made samples ready; nothing without turns.
    """
    times: dict[str, float] = {}
    for source, target in turns[:1]:
        dict(_chunks(converter, source, target))  # kernels load on first use
    for source, target in turns:
        times |= _chunks(converter, source, target)
    return times


def listener_waits_ms(converter: VoiceConverter) -> float:
    """What a live listener waits before any computing: the chunk, and what is heard beyond it."""
    return _MS * (converter.chunk_s + converter.lookahead_s)


def _chunks(converter: VoiceConverter, source: Source, target: str) -> Mapping[str, float]:
    samples = source.speech.samples
    logs = converter.log_f0(samples)
    mean = float(logs.mean(dtype=np.float64)) if len(logs) else None
    live = converter.begin(target, converter.key(target, mean), live=True)
    size, times = round(converter.chunk_s * converter.source_rate), {}
    for number, start in enumerate(range(0, len(samples), size)):
        started = time.perf_counter()
        made = live.push(samples[start : start + size])  # numpy: the device has delivered it
        if len(made):
            times[f"{source.sentence.sentence_id}/{number}"] = _MS * (time.perf_counter() - started)
    return times
