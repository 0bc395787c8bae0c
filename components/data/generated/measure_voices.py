"""``python -m components.data.generated.measure_voices``: how alike the generated voices are to the verifier.

Every voice speaks the same training sentences in every language; a voice is the mean of its unit embeddings
in one language. The figure of a pair is the cosine of their means in the language where it is highest. The
verifier is Resemblyzer's GE2E (Wan et al. 2018, arXiv:1710.10467), as in the evaluation. Writes voices.csv,
and crowd.csv, whose voices are held against those of it that judge or stay unseen.
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
from components.data.generated.voices import CROWD_FILE, VOICES_FILE, Speaker, crowd, speakers
from components.espeak import synthesise
from components.text import spoken

_INT16_FULL_SCALE = 32768
#: Sentences a voice and language; more change the third decimal.
SENTENCES = 10


def similarities(
    params: DataParams, seed: int, measured: Sequence[Speaker], others: Sequence[Speaker]
) -> npt.NDArray[np.float64]:
    """Cosines float64 [measured, others], the highest over the languages; 1 of a voice with itself."""
    from resemblyzer import VoiceEncoder

    encoder = VoiceEncoder("cpu", verbose=False)
    highest = np.full((len(measured), len(others)), -1.0)
    wpm = params.embedded.espeak.words_per_minute
    for language in params.languages:
        sentences = [spoken(text, language) for text in training_sentences(language, seed)[:SENTENCES]]
        means = {
            speaker: _mean(encoder, speaker, sentences, language, wpm)
            for speaker in dict.fromkeys([*measured, *others])
        }
        rows, columns = (np.stack([means[one] for one in part]) for part in (measured, others))
        highest = np.maximum(highest, rows @ columns.T)
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
    """A table of voices with the column max_similarity: the highest of each row of [measured, others]."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["speaker_id", "variant", "pitch", "pitch_range", "role", "max_similarity"])
    for speaker, row in zip(measured, matrix, strict=True):
        voice = dataclasses.astuple(speaker.voice)
        writer.writerow([speaker.speaker_id, *voice, speaker.role, f"{row.max():.3f}"])
    return buffer.getvalue()


def main() -> None:
    """Measure, print the figures and rewrite voices.csv and crowd.csv."""
    seed, params = seed_and_data()
    measured = speakers()
    own = similarities(params, seed, measured, measured) - 2 * np.eye(len(measured))
    apart = [speaker for speaker in measured if speaker.role != "model"]
    others = similarities(params, seed, crowd(), apart)
    limit = params.embedded.espeak.max_voice_similarity
    for file, who, matrix in ((VOICES_FILE, measured, own), (CROWD_FILE, crowd(), others)):
        text = table(who, matrix)
        write_text(file, text)
        for line in text.splitlines():
            Progress("voices").say(line)
    Progress("voices").say(f"limit {limit}")


if __name__ == "__main__":
    main()
