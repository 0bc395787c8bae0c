"""``python -m components.evaluation.measure_captions [FIGURE.png]``: do words sound when captions say so?

Generated speech has true times. Sentences that nothing was trained on are spoken by espeak-ng in voices that
the recogniser never heard (its own times are true to the sample), and by the shipped FastPitch (true are the
durations that it spoke with). The recogniser aligns both with their text; `timing_error` compares.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from components import catalogue, inference
from components.auxiliaries.recogniser.phoneme_recogniser import NAME, PhonemeRecogniser
from components.auxiliaries.recogniser.voices import variants_of
from components.captions import align
from components.captions.timing_error import boundary_errors, timing_error
from components.core.params import Params
from components.core.paths import project_root
from components.core.progress import Progress
from components.core.utterance import LANGUAGES, Language
from components.data.generated.sentences import training_sentences
from components.data.splits import split_of
from components.espeak import Voice, synthesise
from components.nn.contracts import Auxiliaries, Speech
from components.nn.control import UNCHANGED
from components.nn.timed_speech import Timed
from components.text import phonemise, spoken, symbol_timings

_INT16_FULL_SCALE = 32768
_SENTENCES = 24
"""Of each language and source: enough for some two hundred boundaries."""
_FASTPITCH = "fastpitch"


class Spoken(NamedTuple):
    """A sentence, its speech, and when its words are really said."""

    text: str
    language: Language
    speech: Speech
    words: tuple[Timed, ...]


def main() -> None:
    """Print the figures of every source and language; draw them if a file is named."""
    params, project = catalogue.load(project_root(), "laptop"), project_root()
    progress = Progress("captions")
    recogniser = PhonemeRecogniser(project / "pretrained" / NAME, torch.device("cpu"))
    errors: dict[str, list[float]] = {}
    for source, clips in {"espeak": by_espeak(params), "FastPitch": by_fastpitch(params, project)}.items():
        for clip in clips:
            found = align(recogniser, clip.speech, clip.text, clip.language, params.captions.alignment)
            errors.setdefault(f"{source} {clip.language}", []).extend(boundary_errors(clip.words, found))
    for name, values in {**errors, "all": [value for own in errors.values() for value in own]}.items():
        error = timing_error(values)
        progress.say(
            f"{name}: median {error.median_ms:.1f} ms, 90 % within {error.p90_ms:.1f} ms, "
            f"bias {error.bias_ms:+.1f} ms, n {error.boundaries}"
        )
    if sys.argv[1:]:
        draw(errors, Path(sys.argv[1]))


def by_espeak(params: Params, count: int = _SENTENCES) -> Iterator[Spoken]:
    """Held-out sentences in voices of the recogniser's test part."""
    voices = cycle(variants_of("test"))
    wpm = params.data.embedded.espeak.words_per_minute
    for language, text in _sentences(params, count):
        said = phonemise(text, language)
        made = synthesise(spoken(text, language), language, Voice(next(voices)), wpm)
        rate = made.sample_rate_hz
        times = [
            (one.start / rate, one.end / rate) for one in symbol_timings(language, said.symbols, made.timings)
        ]
        samples = (made.samples / _INT16_FULL_SCALE).astype(np.float32)
        yield Spoken(text, language, Speech(samples, rate), _of_words(times, said.words, said.written))


def by_fastpitch(params: Params, project: Path, count: int = _SENTENCES) -> Iterator[Spoken]:
    """The same sentences by the shipped FastPitch, whose voices take turns."""
    section, folder = params.models[_FASTPITCH], project / "pretrained"
    serving = Auxiliaries(folder, sections={})
    model = inference.load(_FASTPITCH, section, folder / _FASTPITCH, serving, torch.device("cpu"))
    speakers = cycle(model.speakers)
    for language, text in _sentences(params, count):
        made = model.synthesise_timed(text, language, next(speakers), UNCHANGED, {})
        yield Spoken(text, language, Speech(made.samples, made.sample_rate), made.words)


def draw(errors: Mapping[str, Sequence[float]], path: Path) -> None:
    """The distance of each boundary, as the share of boundaries within it; one line a source and language."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.0, 4.0), layout="constrained")
    axes = figure.add_subplot()
    for name, values in errors.items():
        distances = np.sort(1000.0 * np.abs(values))
        axes.step(distances, np.arange(1, len(distances) + 1) / len(distances), where="post", label=name)
    axes.axhline(0.5, color="0.6", linewidth=0.8)
    axes.set(xlabel="distance to the true time [ms]", ylabel="share of word boundaries", xlim=(0.0, 120.0))
    axes.legend(fontsize="small", ncols=2)
    figure.savefig(path, dpi=120)


def _sentences(params: Params, count: int) -> Iterator[tuple[Language, str]]:
    for language in LANGUAGES:
        held_out = (
            text
            for text in training_sentences(language, params.seed)
            if split_of(text, language, "", params.data.splits, params.seed) == "test"
        )
        yield from ((language, text) for text, _ in zip(held_out, range(count), strict=False))


def _of_words(
    times: Sequence[tuple[float, float]], words: Sequence[int], written: Sequence[str]
) -> tuple[Timed, ...]:
    spans: dict[int, tuple[float, float]] = {}
    for (start, end), word in zip(times, words, strict=True):
        if word >= 0:
            spans[word] = (spans.get(word, (start, end))[0], end)
    return tuple(Timed(written[word], *span) for word, span in spans.items())


if __name__ == "__main__":
    main()
