"""What a voice converter is given to convert: every sentence, said by a voice that no model learns.

With the embedded corpus these are the sentences of ``evaluation.sentences``, spoken by the generated voices
of the role ``unseen`` and kept below the workspace. Without it they are recordings: as many transcribed rows
of the role ``unseen`` in each language as ``kpi`` asks for, and the sentences are what those rows say.
"""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import soundfile
import soxr

from components.core.errors import DataError
from components.core.params import Params
from components.core.params.data import EspeakParams
from components.core.storage import atomic_file, sha256_json
from components.core.utterance import Language
from components.data.corpus import Corpus
from components.data.embedded import ESPEAK, generator
from components.data.generated import Speaker, recorded, said, speakers
from components.data.pcm import write_pcm16
from components.espeak import PHONES_VERSION
from components.evaluation.recordings import Recording
from components.evaluation.sentences import Sentence, load_sentences
from components.evaluation.speaking import assign_speakers
from components.nn.contracts import Speech
from components.text import spoken

_FULL_SCALE = 32768.0


@dataclass(frozen=True)
class Source:
    """A sentence as its source says it.

    Attributes:
        voice: who says it.
        speech: mono, at the rate that the converter hears.
    """

    sentence: Sentence
    voice: str
    speech: Speech


@dataclass(frozen=True)
class Sources:
    """The sentences in order, and the source of each by its id."""

    sentences: tuple[Sentence, ...]
    by_id: Mapping[str, Source]


def sources_for(
    params: Params, corpora: Sequence[Corpus], targets: Sequence[str], kept: Path, rate: int
) -> Sources:
    """A source for every sentence.

    Args:
        corpora: of the retraining.
        targets: the candidate's speakers; see `voices_in_turn`.
        kept: folder of what was generated before.
        rate: Hz that the converter hears.

    Raises:
        DataError: no embedded corpus and too few recordings, or a recording that cannot be read.
        EnvironmentFaultError: no espeak-ng.
        StorageError: ``kept`` cannot be written.
    """
    if ESPEAK not in params.data.corpora:
        return _of_recordings(params, corpora, rate)
    sentences = load_sentences(params.evaluation.sentences, params.kpi)
    voices = [speaker for speaker in speakers() if speaker.role == "unseen"]
    say = partial(_generated, espeak=params.data.embedded.espeak, kept=kept, rate=rate)
    turns = voices_in_turn(sentences, targets, [voice.speaker_id for voice in voices])
    by_name = {voice.speaker_id: voice for voice in voices}
    return Sources(
        sentences,
        {one.sentence_id: Source(one, name, say(one, by_name[name])) for one, name in turns},
    )


def voices_in_turn(
    sentences: Sequence[Sentence], targets: Sequence[str], voices: Sequence[str]
) -> list[tuple[Sentence, str]]:
    """Each sentence its source voice: in turn within the sentences of a language that go to one target.

    So every target is made from every voice about as often, in each language; which voice begins moves on
    with target and language.
    """
    seen: dict[tuple[str, str], int] = {}
    languages = list(dict.fromkeys(sentence.language for sentence in sentences))
    turns = []
    for sentence, target in assign_speakers(sentences, targets):
        group = (sentence.language, target)
        number = seen[group] = seen.get(group, -1) + 1
        turn = number + languages.index(sentence.language) + targets.index(target)
        turns.append((sentence, voices[turn % len(voices)]))
    return turns


def _generated(sentence: Sentence, voice: Speaker, espeak: EspeakParams, kept: Path, rate: int) -> Speech:
    """Spoken as the corpus is, or as it was kept; an unreadable file is made again."""
    key = sha256_json(
        {
            "spoken": spoken(sentence.text, sentence.language),
            "language": sentence.language,
            "voice": vars(voice.voice),
            "espeak": espeak.model_dump(include={"words_per_minute", "trailing_silence_s"}),
            "generator": generator(),
            "phones": PHONES_VERSION,
        }
    )
    path = kept / f"{key[:32]}.wav"
    try:
        samples, own_rate = soundfile.read(path, dtype="float32")
    except (OSError, soundfile.LibsndfileError):
        speech = said(sentence.text, sentence.language, voice.voice, espeak.words_per_minute)
        pcm, own_rate = recorded(speech, espeak.trailing_silence_s), speech.sample_rate_hz
        with atomic_file(path) as temporary:
            write_pcm16(temporary, pcm, own_rate)
        samples = pcm.astype(np.float32) / _FULL_SCALE
    return heard_at(Speech(samples, int(own_rate)), rate)


def heard_at(speech: Speech, rate: int) -> Speech:
    """The same at ``rate`` Hz."""
    if speech.sample_rate == rate or not len(speech.samples):
        return Speech(speech.samples, rate)
    return Speech(soxr.resample(speech.samples, speech.sample_rate, rate, quality="HQ"), rate)


def _of_recordings(params: Params, corpora: Sequence[Corpus], rate: int) -> Sources:
    found: dict[str, Source] = {}
    for language in params.kpi.languages:
        wanted = params.kpi.sentences_per_language
        rows = _rows(corpora, language)
        if len(rows) < wanted:
            raise DataError(
                who=f"sources of a conversion in {language}",
                expected=f"{wanted} different transcribed recordings of voices with the role unseen",
                found=f"{len(rows)} in {', '.join(params.data.corpora)}",
                action=f"record them, or keep {ESPEAK!r} in data.corpora: its unseen voices then are sources",
            )
        draw = random.Random(f"{params.seed}/sources/{language}")
        for number, name in enumerate(sorted(draw.sample(sorted(rows), wanted)), start=1):
            one = rows[name]
            sentence = Sentence(
                sentence_id=f"{language}_{number:02d}",
                language=language,
                text=unicodedata.normalize("NFC", one.utterance.text),
                kind="recording",
            )
            found[sentence.sentence_id] = Source(
                sentence, one.utterance.speaker_id, heard_at(one.load(), rate)
            )
    return Sources(tuple(one.sentence for one in found.values()), found)


def _rows(corpora: Sequence[Corpus], language: Language) -> dict[str, Recording]:
    """Utterance id → recording; of those that say the same, the first."""
    by_text: dict[str, Recording] = {}
    for corpus in corpora:
        for row in corpus.rows:
            if row.role == "unseen" and row.language == language and row.text.strip():
                by_text.setdefault(unicodedata.normalize("NFC", row.text), Recording(row, corpus.audio(row)))
    return {one.utterance.utterance_id: one for one in by_text.values()}
