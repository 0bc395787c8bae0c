"""``python -m components.auxiliaries.recogniser.measure_voices``: who trains, who is held out; voices.csv.

Every variant speaks the same training sentences in every language. A variant is **protected** when it is a
judged voice or shares its name, its vocal tract (formants 1-3 within 2 %), or its sound (cosine of the means
of GE2E embeddings ≥ `SIMILAR`). It is **unfit** when fewer than `VOICED` of its frames have an f0 (a whisper
has neither tones nor voiced consonants), or when it never sounds the same twice (espeak-ng's seed does not
reach the noise of some Klatt voices, and a data set must be reproducible). Of the other families those whose
members all are ordinary (formants within 0.7-1.45 of the plain voice and scaled alike within 25 %, as one
throat does; spoken length within 15 %) are drawn by the seed for **test** and **validation**, until each part
has enough; a draw, so that nobody picked the easy ones. The rest trains.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.auxiliaries.recogniser.families import (
    VariantFacts,
    drawn,
    families,
    formant_scales,
    same_name,
)
from components.auxiliaries.recogniser.families import same_tract as same_tract_as
from components.auxiliaries.recogniser.voices import VOICES_COLUMNS, VOICES_FILE
from components.core.params.data import DataParams
from components.core.progress import Progress
from components.core.storage import write_text
from components.core.utterance import Language
from components.data.csv_table import table_text
from components.data.generated.project import seed_and_data
from components.data.generated.sentences import training_sentences
from components.data.generated.voices import speakers
from components.espeak import Voice, synthesise, variants
from components.text import spoken

SENTENCES = 3
SIMILAR, VOICED = 0.90, 0.30
_ORDINARY_SCALES, _ORDINARY_SPREAD, _ORDINARY_LENGTH = (70.0, 145.0), 1.25, 0.15
_F0_FLOOR_HZ = 40.0
#: Variants to hold out, at least: test, validation.
_HELD_OUT = {"test": 10, "validation": 5}
_PLAIN = "fast"
_INT16_FULL_SCALE = 32768

Sound = Mapping[str, Any]


def judged_variants() -> tuple[str, ...]:
    """The variants of the speakers that models learn or that stay unseen."""
    return tuple(s.voice.variant for s in speakers() if s.role in ("model", "unseen"))


def measure(params: DataParams, seed: int, progress: Progress) -> dict[str, VariantFacts]:
    """The facts of every variant in the wheel."""
    from resemblyzer import VoiceEncoder

    encoder = VoiceEncoder("cpu", verbose=False)
    wpm = params.embedded.espeak.words_per_minute
    texts: dict[Language, list[str]] = {
        language: [spoken(text, language) for text in training_sentences(language, seed)[:SENTENCES]]
        for language in params.languages
    }
    names = sorted(variants())
    sounds = {
        name: _sound(encoder, name, texts, wpm) for name in progress.track(names, len(names), "variants")
    }
    return {name: _facts(name, sounds) for name in names}


def parts(facts: Mapping[str, VariantFacts], seed: int) -> dict[str, tuple[str, str, str]]:
    """Variant → (family, part, reason)."""
    family = families(facts)
    found: dict[str, tuple[str, str, str]] = {}
    for name, fact in facts.items():
        reason = _relation(name, facts)
        if reason:
            found[name] = (family[name], "protected", reason)
        elif fact.voiced_share < VOICED:
            found[name] = (family[name], "unfit", f"{fact.voiced_share:.2f} of its frames are voiced")
        elif not fact.reproducible:
            found[name] = (family[name], "unfit", "never sounds the same twice")
    free = {name: family[name] for name in facts if name not in found}
    chosen = _held_out(free, facts, seed)
    for name, of in free.items():
        found[name] = (of, chosen.get(of, "train"), "drawn" if of in chosen else "")
    return found


def _sound(encoder: Any, variant: str, texts: Mapping[Language, Sequence[str]], wpm: int) -> Sound:
    import pyworld
    from resemblyzer import preprocess_wav

    means: dict[str, NDArray[np.float64]] = {}
    voiced: list[float] = []
    seconds, reproducible = 0.0, True
    for language, sentences in texts.items():
        embeddings = []
        for sentence in sentences:
            speech = synthesise(sentence, language, Voice(variant), wpm)
            again = synthesise(sentence, language, Voice(variant), wpm)
            reproducible = reproducible and np.array_equal(speech.samples, again.samples)
            wave = speech.samples.astype(np.float32) / _INT16_FULL_SCALE
            seconds += len(wave) / speech.sample_rate_hz
            f0, _ = pyworld.dio(wave.astype(np.float64), speech.sample_rate_hz, f0_floor=_F0_FLOOR_HZ)
            voiced.append(float((f0 > 0).mean()))
            embeddings.append(encoder.embed_utterance(preprocess_wav(wave, source_sr=speech.sample_rate_hz)))
        mean = np.mean(embeddings, axis=0)
        means[language] = mean / np.linalg.norm(mean)
    return {
        "means": means,
        "voiced": float(np.mean(voiced)),
        "seconds": seconds,
        "reproducible": reproducible,
    }


def _facts(name: str, sounds: Mapping[str, Sound]) -> VariantFacts:
    own = sounds[name]["means"]
    cosines = {
        judged: float(np.mean([own[language] @ sounds[judged]["means"][language] for language in own]))
        for judged in judged_variants()
        if judged != name
    }
    nearest = max(cosines, key=lambda judged: cosines[judged])
    return VariantFacts(
        scales=formant_scales(name),
        nearest=nearest,
        similarity=cosines[nearest],
        voiced_share=sounds[name]["voiced"],
        length=sounds[name]["seconds"] / sounds[_PLAIN]["seconds"],
        reproducible=bool(sounds[name]["reproducible"]),
    )


def _relation(name: str, facts: Mapping[str, VariantFacts]) -> str:
    """How a variant is related to a judged voice; empty if it is not."""
    for judged in judged_variants():
        if name == judged:
            return "judged itself"
        if same_name(name, judged):
            return f"name of {judged}"
        if same_tract_as(facts[name].scales, facts[judged].scales):
            return f"vocal tract of {judged}"
    return f"sounds like {facts[name].nearest}" if facts[name].similarity >= SIMILAR else ""


def _held_out(free: Mapping[str, str], facts: Mapping[str, VariantFacts], seed: int) -> dict[str, str]:
    """Family → test or validation, for the ordinary families that the draw meets first."""
    members: dict[str, list[str]] = {}
    for name, family in free.items():
        members.setdefault(family, []).append(name)
    largest = max(map(len, members.values()))
    ordinary = [
        family
        for family, names in members.items()
        if len(names) < largest and all(_is_ordinary(facts[name]) for name in names)
    ]
    chosen: dict[str, str] = {}
    order = iter(drawn(ordinary, seed))
    for part, wanted in _HELD_OUT.items():
        count = 0
        while count < wanted:
            family = next(order)
            chosen[family] = part
            count += len(members[family])
    return chosen


def _is_ordinary(fact: VariantFacts) -> bool:
    low, high = _ORDINARY_SCALES
    one_throat = max(fact.scales) <= _ORDINARY_SPREAD * min(fact.scales)
    within = low <= min(fact.scales) and max(fact.scales) <= high
    return one_throat and within and abs(fact.length - 1.0) <= _ORDINARY_LENGTH


def write(facts: Mapping[str, VariantFacts], seed: int, path: Path) -> None:
    """voices.csv."""
    rows = [
        [name, family, part, facts[name].nearest, f"{facts[name].similarity:.3f}"]
        + [f"{scale:g}" for scale in facts[name].scales]
        + [f"{facts[name].voiced_share:.2f}", f"{facts[name].length:.2f}", reason]
        for name, (family, part, reason) in sorted(parts(facts, seed).items())
    ]
    write_text(path, table_text(VOICES_COLUMNS, rows))


def main() -> None:
    """Measure and rewrite voices.csv."""
    seed, params = seed_and_data()
    progress = Progress("voices")
    with warnings.catch_warnings():  # resemblyzer and pyworld import pkg_resources
        warnings.simplefilter("ignore")
        write(measure(params, seed, progress), seed, VOICES_FILE)
    counts: dict[str, int] = {}
    for line in VOICES_FILE.read_text(encoding="utf-8").splitlines()[1:]:
        part = line.split(",")[2]
        counts[part] = counts.get(part, 0) + 1
    progress.say(", ".join(f"{count} {part}" for part, count in sorted(counts.items())))


if __name__ == "__main__":
    main()
