"""``python -m components.data.generated.measure_voices``: how alike the ten voices are to the verifier.

Every voice speaks the same training sentences in every language; a voice is the mean of its unit embeddings
in one language. The figure of a pair is the cosine of their means in the language where it is highest. The
verifier is Resemblyzer's GE2E (Wan et al. 2018, arXiv:1710.10467), as in the evaluation. Writes voices.csv.
"""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from components.core.params.data import DataParams
from components.core.progress import Progress
from components.core.storage import write_text
from components.core.utterance import Language
from components.data.generated.project import seed_and_data
from components.data.generated.sentences import training_sentences
from components.data.generated.voices import VOICES_FILE, Speaker, speakers
from components.espeak import synthesise
from components.text import spoken

_INT16_FULL_SCALE = 32768
#: Sentences a voice and language; more change the third decimal.
SENTENCES = 10


def similarities(params: DataParams, seed: int, measured: Sequence[Speaker]) -> npt.NDArray[np.float64]:
    """Cosines float64 [speakers, speakers], the highest over the languages; 1 on the diagonal."""
    from resemblyzer import VoiceEncoder

    encoder = VoiceEncoder("cpu", verbose=False)
    highest = np.full((len(measured), len(measured)), -1.0)
    for language in params.languages:
        sentences = [spoken(text, language) for text in training_sentences(language, seed)[:SENTENCES]]
        wpm = params.embedded.espeak.words_per_minute
        means = np.stack([_mean(encoder, speaker, sentences, language, wpm) for speaker in measured])
        highest = np.maximum(highest, means @ means.T)
    return highest


def _mean(
    encoder: Any, speaker: Speaker, sentences: Iterable[str], language: Language, words_per_minute: int
) -> npt.NDArray[np.float64]:
    """Unit mean of the unit embeddings, float64 [256]."""
    from resemblyzer import preprocess_wav

    embeddings = []
    for sentence in sentences:
        speech = synthesise(sentence, language, speaker.voice, words_per_minute)
        wave = speech.samples.astype(np.float32) / _INT16_FULL_SCALE
        embeddings.append(encoder.embed_utterance(preprocess_wav(wave, source_sr=speech.sample_rate_hz)))
    mean = np.asarray(np.mean(embeddings, axis=0), dtype=np.float64)
    return np.asarray(mean / np.linalg.norm(mean), dtype=np.float64)


def table(measured: Sequence[Speaker], matrix: npt.NDArray[np.float64]) -> str:
    """voices.csv with the column max_similarity from a matrix of `similarities`."""
    others = matrix - 2 * np.eye(len(measured))
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["speaker_id", "variant", "pitch", "pitch_range", "role", "max_similarity"])
    for speaker, row in zip(measured, others, strict=True):
        voice = dataclasses.astuple(speaker.voice)
        writer.writerow([speaker.speaker_id, *voice, speaker.role, f"{row.max():.3f}"])
    return buffer.getvalue()


def main() -> None:
    """Measure, print the figures and rewrite voices.csv."""
    seed, params = seed_and_data()
    measured = speakers()
    text = table(measured, similarities(params, seed, measured))
    write_text(VOICES_FILE, text)
    limit = params.embedded.espeak.max_voice_similarity
    for line in [*text.splitlines(), f"limit {limit}"]:
        Progress("voices").say(line)


if __name__ == "__main__":
    main()
