"""``python -m components.evaluation.measure_recogniser``: what the recogniser makes of faultless speech.

The generated speakers that models learn, and those that stay unseen, speak the 120 sentences through
espeak-ng itself; the recogniser never heard these voices or sentences. That is the best a model that imitates
them can score. Then the same speech at another rate, under noise, and with another sentence's text, which has
to fail.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from components import catalogue
from components.core.errors import NothingScoredError
from components.core.params import Params
from components.core.paths import project_root
from components.core.progress import Progress
from components.data.generated.voices import Speaker, speakers
from components.espeak import synthesise
from components.evaluation.pronunciation import Recogniser, Score, error_rates, mean_accuracy
from components.evaluation.recognisers import recogniser_for
from components.evaluation.sentences import Sentence, load_sentences
from components.nn.contracts import Speech
from components.text import spoken

_INT16_FULL_SCALE = 32768
_NOISE_DB = 20.0
_ROLES = ("model", "unseen")

Clips = Sequence[tuple[Sentence, Speech]]


def main() -> None:
    """Print accuracy and error rates of every condition."""
    profile = sys.argv[1] if len(sys.argv) > 1 else "laptop"
    params, progress = catalogue.load(project_root(), profile), Progress("recogniser")
    recogniser, reason = recogniser_for(params.evaluation.recogniser, project_root() / "pretrained")
    if recogniser is None:
        raise NothingScoredError(
            who=f"profile {profile}", expected="a recogniser", found=reason, action="name one, or train it"
        )
    progress.say(str(recogniser.identity))
    for name, scores in conditions(params, recogniser).items():
        rates = ", ".join(f"{kind} {rate:.4f}" for kind, rate in error_rates(scores).items())
        progress.say(f"{name}: accuracy {mean_accuracy(scores):.4f}, {rates}, n {len(scores)}")


def conditions(params: Params, recogniser: Recogniser) -> dict[str, Mapping[str, Score]]:
    """Condition → scores by clip."""
    sentences = load_sentences(params.evaluation.sentences, params.kpi)
    wpm = params.data.embedded.espeak.words_per_minute
    found: dict[str, Mapping[str, Score]] = {}
    everything: list[tuple[Sentence, Speech]] = []
    for speaker in speakers():
        if speaker.role in _ROLES:
            clips = [(sentence, _say(sentence, speaker, wpm)) for sentence in sentences]
            everything += clips
            found[f"{speaker.role} {speaker.speaker_id}"] = _scores(recogniser, clips)
    changes: dict[str, Callable[[Clips], Clips]] = {
        "all": lambda clips: clips,
        "all, 16 kHz": lambda clips: [(sentence, _at_16_khz(speech)) for sentence, speech in clips],
        "all, white noise": lambda clips: [(sentence, _noisy(speech)) for sentence, speech in clips],
        "all, another sentence's text": _shuffled,
    }
    return found | {name: _scores(recogniser, change(everything)) for name, change in changes.items()}


def _scores(recogniser: Recogniser, clips: Clips) -> dict[str, Score]:
    scores: dict[str, Score] = {}
    for language in dict.fromkeys(sentence.language for sentence, _ in clips):
        own = [(sentence, speech) for sentence, speech in clips if sentence.language == language]
        heard = recogniser.transcribe([speech for _, speech in own], language)
        for place, ((sentence, _), transcript) in enumerate(zip(own, heard, strict=True)):
            said = recogniser.reference(sentence.text, language)
            scores[f"{sentence.sentence_id} {place}"] = Score.of(language, said, transcript)
    return scores


def _say(sentence: Sentence, speaker: Speaker, words_per_minute: int) -> Speech:
    said = synthesise(
        spoken(sentence.text, sentence.language), sentence.language, speaker.voice, words_per_minute
    )
    samples = (said.samples / _INT16_FULL_SCALE).astype(np.float32)
    return Speech(samples, said.sample_rate_hz)


def _at_16_khz(speech: Speech) -> Speech:
    import soxr

    return Speech(soxr.resample(speech.samples, speech.sample_rate, 16000), 16000)


def _noisy(speech: Speech) -> Speech:
    rms = float(np.sqrt(np.mean(np.square(speech.samples))))
    noise = np.random.default_rng(len(speech.samples)).standard_normal(len(speech.samples))
    level = rms * 10.0 ** (-_NOISE_DB / 20.0)
    return Speech((speech.samples + level * noise).astype(np.float32), speech.sample_rate)


def _shuffled(clips: Clips) -> Clips:
    """Every clip with the text of the next one in its language."""
    shuffled: list[tuple[Sentence, Speech]] = []
    for language in dict.fromkeys(sentence.language for sentence, _ in clips):
        own = [pair for pair in clips if pair[0].language == language]
        texts = [sentence for sentence, _ in own[1:] + own[:1]]
        shuffled += [(sentence, speech) for sentence, (_, speech) in zip(texts, own, strict=True)]
    return shuffled


if __name__ == "__main__":
    main()
