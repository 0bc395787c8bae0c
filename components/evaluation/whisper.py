"""Whisper (Radford et al. 2022, arXiv:2212.04356) as the reference recogniser, through transformers.

Both texts pass our front-end before they are compared, so that ``6:30`` and ``six thirty`` are one: Korean is
scored on the jamo of its pronounced form (syllables beside it), Japanese on phonemes, Mandarin on pinyin
without tones (tones beside it), English on letters (words beside it). Greedy, temperature 0, and a cap on the
tokens: one endless repetition would otherwise cost more than everything else together.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from components.auxiliaries.recogniser.labels import segments, tones
from components.core.errors import BadInputError, EnvironmentFaultError
from components.core.metrics import Evaluator
from components.core.params.kpi import EvaluatorParams
from components.core.storage import sha256_path
from components.core.utterance import Language
from components.evaluation.pronunciation import Transcript
from components.nn.contracts import Speech
from components.text import phonemise, spoken

#: Of Whisper's log-mel front-end; it knows no other rate.
_SAMPLE_RATE_HZ = 16000
#: Twice what the longest of the 120 sentences needs.
_MAX_NEW_TOKENS = 128
_CLIPS_PER_FORWARD = 8
_LANGUAGE_NAMES: Mapping[Language, str] = {
    "ko": "korean",
    "en": "english",
    "ja": "japanese",
    "zh": "chinese",
}
_WEIGHTS = ("model.safetensors", "model-*.safetensors")


class Processor(Protocol):
    """What is used of transformers' WhisperProcessor."""

    def __call__(self, audio: list[Any], *, sampling_rate: int, return_tensors: str) -> Any:
        """Features of 30 s windows, ``input_features`` [B, n_mels, 3000]."""

    def batch_decode(self, tokens: Any, *, skip_special_tokens: bool) -> list[str]:
        """Text of token rows."""


def is_whisper(name: str) -> bool:
    """Whether an evaluator's id names a Whisper: ``openai/whisper-…``, or a folder that holds one."""
    return Path(name).name.startswith("whisper")


class WhisperRecogniser:
    """Hears text and compares it as the front-end pronounces it.

    Args:
        model: transformers' WhisperForConditionalGeneration.
        processor: its features and tokens.
        identity: who judges.
    """

    def __init__(self, model: Any, processor: Processor, identity: Evaluator) -> None:
        self._model, self._processor, self.identity = model, processor, identity

    @classmethod
    def load(cls, params: EvaluatorParams) -> WhisperRecogniser:
        """By hub id (``version`` is the revision) or from a folder. On the GPU where there is one.

        Raises:
            EnvironmentFaultError: neither on this machine nor to be had.
        """
        from transformers import WhisperForConditionalGeneration, WhisperProcessor

        folder = _folder(params)
        try:
            processor = WhisperProcessor.from_pretrained(folder)
            model = WhisperForConditionalGeneration.from_pretrained(folder)
        except (OSError, ValueError) as error:
            raise _missing(params, " ".join(str(error).split())[:160]) from error
        device = "cuda" if torch.cuda.is_available() else "cpu"
        identity = Evaluator(
            id=params.id, version=params.version, weights_sha256=_sha256(folder), kind=params.kind
        )
        return cls(model.to(device).eval(), processor, identity)

    def transcribe(self, clips: Sequence[Speech], language: Language) -> list[Transcript]:
        """What is heard in each clip; nothing where no letter of the language was."""
        return [_transcript(text, language) for text in self.texts(clips, language)]

    def reference(self, text: str, language: Language) -> Transcript:
        """What a text should be heard as.

        Raises:
            DataError: nothing of it can be spoken.
        """
        return _compared(text, language)

    @torch.inference_mode()
    def texts(self, clips: Sequence[Speech], language: Language) -> list[str]:
        """The text of each clip; an empty clip has none."""
        found = [""] * len(clips)
        sounding = [i for i, clip in enumerate(clips) if np.any(clip.samples)]
        for start in range(0, len(sounding), _CLIPS_PER_FORWARD):
            part = sounding[start : start + _CLIPS_PER_FORWARD]
            audio = [_resampled(clips[i]) for i in part]
            features = self._processor(audio, sampling_rate=_SAMPLE_RATE_HZ, return_tensors="pt")
            tokens = self._model.generate(
                features["input_features"].to(self._model.device, self._model.dtype),
                language=_LANGUAGE_NAMES[language],
                task="transcribe",
                do_sample=False,
                num_beams=1,
                temperature=0.0,
                max_new_tokens=_MAX_NEW_TOKENS,
            )
            for i, text in zip(
                part, self._processor.batch_decode(tokens, skip_special_tokens=True), strict=True
            ):
                found[i] = text
        return found


def _transcript(text: str, language: Language) -> Transcript:
    try:
        return _compared(text, language)
    except BadInputError:  # silence, or babble in another script: nothing of the language was heard
        return Transcript(())


def _compared(text: str, language: Language) -> Transcript:
    """NFKC, spoken out, no punctuation, lower case."""
    said = unicodedata.normalize("NFKC", text)
    if language == "en":
        words = tuple("".join(filter(str.isalpha, word)) for word in spoken(said, "en").lower().split())
        words = tuple(filter(None, words))
        return Transcript(tuple("".join(words)), words=words)
    symbols = phonemise(said, language).symbols
    syllables = tuple(filter(str.isalpha, spoken(said, "ko"))) if language == "ko" else ()
    return Transcript(segments(symbols), tuple(map(str, tones(symbols))), syllables)


def _resampled(clip: Speech) -> Any:
    import soxr

    samples = np.nan_to_num(clip.samples.astype(np.float32, copy=False))
    if clip.sample_rate == _SAMPLE_RATE_HZ:
        return samples
    return soxr.resample(samples, clip.sample_rate, _SAMPLE_RATE_HZ, quality="HQ")


def _folder(params: EvaluatorParams) -> Path:
    """The folder itself, or the snapshot of a hub id."""
    if Path(params.id).is_dir():
        return Path(params.id)
    from huggingface_hub import snapshot_download

    try:
        patterns = ["*.json", "*.txt", *_WEIGHTS]
        return Path(snapshot_download(params.id, revision=params.version or None, allow_patterns=patterns))
    except (OSError, ValueError) as error:
        raise _missing(params, f"{type(error).__name__}: no network, or no such model") from error


def _sha256(folder: Path) -> str:
    """Of the weights' files together; one file counts by itself."""
    files = sorted(path for pattern in _WEIGHTS for path in folder.glob(pattern))
    return sha256_path(files[0].resolve()) if len(files) == 1 else sha256_path(folder)


def _missing(params: EvaluatorParams, found: str) -> EnvironmentFaultError:
    return EnvironmentFaultError(
        who=f"evaluation.recogniser {params.id}",
        expected="a Whisper in the hub or in a folder of that name, as safetensors",
        found=found,
        action="fetch it once with network, or name a folder with DVC-tracked weights",
    )
