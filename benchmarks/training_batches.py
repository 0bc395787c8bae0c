"""Batches for FastPitch out of the feature store, beside decoding and analysing the same recordings for each.

Ours: `SpeechDataset` and its collate, from mapped pages that the machine has read before. Baseline: what a
loader without a store does for the same utterances: read the wav, mel, f0, energy. Its padding is left out,
which favours it. CPU time, one thread, batches in the order of a seeded shuffle.

    python benchmarks/training_batches.py [--profile laptop] [--data data] [--batches 12]
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from feature_extraction import extract, small_corpus
from ratio import SEED, Row, in_turns, row, seconds, tell, unmeasured

from components import catalogue
from components.core.params import Params, narrowed
from components.core.paths import project_root
from components.data.corpus import Corpus, corpora
from components.features.audio import read_audio
from components.features.mel import MelAnalysis
from components.features.pitch import PitchAnalysis
from components.features.speech import SpeechAnalysis, analyse
from components.features.store import FeatureStore
from components.models.fastpitch.dataset import SpeechDataset, collate
from components.models.fastpitch.params import Section
from components.models.fastpitch.voices import Voices
from components.nn.device import one_thread

MODEL, GOAL, BATCHES, REPEATS = "fastpitch", 100.0, 12, 5
SHORT_CLIPS = 4


def main() -> int:
    """Measure; 1 when the ratio misses the goal."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--profile", default="laptop")
    parser.add_argument("--data", type=Path, default=project_root() / "data")
    parser.add_argument("--batches", type=int, default=BATCHES)
    asked = parser.parse_args()
    return tell(_of_data(asked.profile, asked.data, asked.batches))


def rows(short: bool) -> list[Row]:
    """Row 5; the short form has a handful of made-up recordings."""
    if not short:
        return _of_data("laptop", project_root() / "data", BATCHES)
    with tempfile.TemporaryDirectory() as folder:
        few = Corpus(small_corpus(Path(folder) / "voices", SHORT_CLIPS))
        return [_measured(catalogue.load(project_root(), "ci"), [few], 1, 1)]


def _of_data(profile: str, data: Path, batches: int) -> list[Row]:
    params = catalogue.load(project_root(), profile)
    return [_measured(params, corpora(data, params.data.corpora), batches, REPEATS)]


def _measured(params: Params, found: Sequence[Corpus], batches: int, repeats: int) -> Row:
    section = narrowed(params.models[MODEL], Section)
    size, audio = section.training.batch_size, params.audio
    with tempfile.TemporaryDirectory() as folder, one_thread():
        extract(MODEL, params, [one.folder for one in found], Path(folder) / "store", params.platform.workers)
        store = FeatureStore(Path(folder) / "store")
        voices = Voices.of(store)
        dataset = SpeechDataset(store, "train", voices)
        names = [one.utterance_id for one in store.rows if one.split == "train"]
        wanted = list(_batches(len(names), size, batches))
        analysis = SpeechAnalysis(
            MelAnalysis.of(section.architecture, audio.log_floor),
            PitchAnalysis(audio.f0_method, audio.f0_floor_hz, audio.f0_ceil_hz),
        )

        def ours() -> None:
            for batch in wanted:
                collate([dataset[place] for place in batch], padding=0)

        def baseline() -> None:
            for batch in wanted:
                for place in batch:
                    _analysed(names[place], found, analysis)

        ours()  # the pages are read once before
        mine, theirs = in_turns(lambda: seconds(ours), lambda: seconds(baseline), repeats)
    told = f"wav, mel, f0, energy for each of {batches} batches of {min(size, len(names))}"
    return row(unmeasured("5", "training batches", GOAL, told, "page cache bandwidth"), mine, theirs)


def _batches(utterances: int, size: int, count: int) -> Iterator[list[int]]:
    """Numbers of utterances, drawn anew for each batch."""
    draw, places = random.Random(SEED), list(range(utterances))
    for _ in range(count):
        yield draw.sample(places, min(size, utterances))


def _analysed(name: str, found: Sequence[Corpus], analysis: SpeechAnalysis) -> None:
    corpus = next(one for one in found if name in one.by_id)
    utterance, timings = corpus.by_id[name], corpus.timings.get(name, ())
    samples = read_audio(corpus.audio(utterance), utterance.sha256, analysis.mel)
    analyse(samples, [phone.symbol for phone in timings] or ["a"], timings, analysis)


if __name__ == "__main__":
    sys.exit(main())
