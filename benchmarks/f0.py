"""Dio + StoneMask beside Harvest + StoneMask: voicing and gross pitch errors where f0 is known.

Four tables, at 10 ms, in the range of params.yaml: pulses through formants (f0 known by construction),
espeak-ng voices of one pitch, recordings that WORLD made anew from a given f0, and the recordings themselves,
where no f0 is known and Dio is compared with Harvest. Last a line: the ratio of CPU time, sound by sound.

    python benchmarks/f0.py [--data data] [--sentences 3] [--clips 6]
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import soxr
from ratio import Row, tell, unmeasured
from ratio import row as row_of

from components import catalogue
from components.core.errors import NothingScoredError
from components.core.params import Params
from components.core.paths import project_root
from components.data.corpus import corpora
from components.data.generated.voices import speakers
from components.espeak.synthesis import Speech, Voice, synthesise
from components.evaluation.f0_agreement import NOTHING, F0Agreement, Floats, agreement, course
from components.evaluation.known_pitch import made_from_f0, of_one_pitch, one_pitch, resampled, vowel
from components.evaluation.recordings import Recording
from components.evaluation.sentences import load_sentences
from components.features.pitch import PitchAnalysis
from components.text import spoken

RATE, HOP = 16000, 160  # 10 ms, as RVC hears
PITCHES_HZ = (60.0, 80.0, 110.0, 150.0, 220.0, 330.0, 500.0, 800.0)
NOISES_DB = (-40.0, -20.0, -10.0)
VOWEL_S = 4.0
#: espeak-ng variants that waver by themselves: theirs is no speech of one pitch.
WAVERING = ("espeak_aunty",)
Method = Literal["dio", "harvest"]
METHODS: tuple[Method, ...] = ("dio", "harvest")
#: CPU seconds of each sound, a method; every sound meets both in turn.
spent: dict[str, list[float]] = {method: [] for method in METHODS}


@dataclass(frozen=True)
class Judged:
    """What each method found in one sound, and under which names it is counted."""

    names: tuple[str, ...]
    truth: Floats
    found: dict[str, Floats]


def main() -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=project_root() / "data")
    parser.add_argument("--sentences", type=int, default=3, help="of each voice and language, of one pitch")
    parser.add_argument("--clips", type=int, default=6, help="of each speaker and language, recorded")
    arguments = parser.parse_args()
    return tell(_measured(arguments.data, arguments.sentences, arguments.clips))


def rows(short: bool) -> list[Row]:
    """Row 4; the short form hears pulses alone, which need no data."""
    if not short:
        return _measured(project_root() / "data", 1, 1)
    params = catalogue.load(project_root(), "ci")
    for one in spent.values():
        one.clear()
    _courses(vowel(PITCHES_HZ[3], NOISES_DB[0], 0.5, RATE, HOP, seed=0).samples, params)
    return [_row()]


def _measured(data: Path, sentences: int, clips: int) -> list[Row]:
    params = catalogue.load(project_root(), "laptop")
    _table("pulses through formants, f0 known", _pulses(params))
    _table("espeak-ng voices of one pitch", _flat(params, sentences))
    recordings = list(_recorded(data, params, clips))
    _table("made by WORLD from a given f0", _made(recordings, params))
    agreed = [replace(one.judged, found={"dio": one.judged.found["dio"]}) for one in recordings]
    _table("the recordings, no f0 known: Harvest in its place", agreed)
    return [_row()]


def _row() -> Row:
    empty = unmeasured("4", "f0: Dio + StoneMask", 15.0, "Harvest + StoneMask, a sound", "algorithm")
    return row_of(empty, spent["dio"], spent["harvest"])


def _courses(samples: Floats, params: Params) -> dict[str, Floats]:
    return {method: _course(samples, method, params) for method in METHODS}


def _course(samples: Floats, method: Method, params: Params) -> Floats:
    analysis = PitchAnalysis(method, params.audio.f0_floor_hz, params.audio.f0_ceil_hz)
    began = time.process_time()
    found = course(samples, RATE, HOP, analysis)
    spent[method].append(time.process_time() - began)
    return found


def _pulses(params: Params) -> Iterator[Judged]:
    for noise in NOISES_DB:
        for place, hz in enumerate(PITCHES_HZ):
            sound = vowel(hz, noise, VOWEL_S, RATE, HOP, seed=place)
            names = (f"noise {noise:.0f} dB", f"{hz:.0f} Hz, noise {noise:.0f} dB")
            yield Judged(names, sound.truth, _courses(sound.samples, params))


def _flat(params: Params, count: int) -> Iterator[Judged]:
    sentences = load_sentences(params.evaluation.sentences, params.kpi)
    for speaker in speakers():
        if speaker.speaker_id in WAVERING:
            continue
        voice = Voice(speaker.voice.variant, speaker.voice.pitch, 0)
        said: list[tuple[str, Speech, dict[str, Floats]]] = []
        for language in params.data.languages:
            for one in [one for one in sentences if one.language == language][:count]:
                speech = synthesise(spoken(one.text, language), language, voice, 165)
                said.append((language, speech, _courses(resampled(speech, RATE), params)))
        hz = one_pitch([found for _, _, courses in said for found in courses.values()])
        for language, speech, courses in said:
            names = (language, f"{speaker.speaker_id} ({hz:.0f} Hz)")
            yield Judged(names, of_one_pitch(speech, hz, RATE, HOP).truth, courses)


@dataclass(frozen=True)
class Recorded:
    """A recording at 16 kHz; Harvest stands for its truth."""

    samples: Floats
    judged: Judged


def _recorded(data: Path, params: Params, count: int) -> Iterator[Recorded]:
    for corpus in corpora(data, params.data.corpora):
        taken: dict[tuple[str, str], int] = defaultdict(int)
        for row in corpus.rows:
            if taken[row.speaker_id, row.language] < count:
                taken[row.speaker_id, row.language] += 1
                speech = Recording(row, corpus.audio(row)).load()
                samples = soxr.resample(speech.samples, speech.sample_rate, RATE).astype(np.float32)
                found = _courses(samples, params)
                yield Recorded(samples, Judged((row.language, row.speaker_id), found["harvest"], found))


def _made(recordings: list[Recorded], params: Params) -> Iterator[Judged]:
    for one in recordings:
        known = made_from_f0(one.samples, RATE, HOP, **one.judged.found)
        yield Judged(one.judged.names, known.truth, _courses(known.samples, params))


def _table(title: str, sounds: Iterable[Judged]) -> None:
    sums: dict[str, dict[str, F0Agreement]] = {}
    for sound in sounds:
        for method, found in sound.found.items():
            told = agreement(found, sound.truth)
            for name in (*sound.names, "**all**"):
                row = sums.setdefault(name, {})
                row[method] = row.get(method, NOTHING) + told
    methods = tuple(sums["**all**"])
    print(f"\n## {title}\n")
    heads = [f"{method}: voicing (missed / false) | gross | cents" for method in methods]
    print(f"| | frames | {' | '.join(heads)} |\n|---|---|{'---|---|---|' * len(methods)}")
    for name in sorted(sums, key=lambda name: (name == "**all**", name)):
        cells = " | ".join(_cells(sums[name][method]) for method in methods)
        print(f"| {name} | {sums[name][methods[0]].known} | {cells} |")


def _cells(one: F0Agreement) -> str:
    def share(name: str) -> str:
        try:
            return f"{100 * getattr(one, name):.1f} %"
        except NothingScoredError:
            return "–"

    try:
        cents = f"{one.fine_cents:.0f}"
    except NothingScoredError:
        cents = "–"
    voicing = f"{share('voicing_error')} ({share('missed_share')} / {share('false_share')})"
    return f"{voicing} | {share('gross_error')} | {cents}"


if __name__ == "__main__":
    sys.exit(main())
