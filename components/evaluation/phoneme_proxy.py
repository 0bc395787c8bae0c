"""The recogniser that this repository trains, as an evaluator: a proxy, for generated speech only."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from components.auxiliaries.recogniser.labels import segments, tones
from components.auxiliaries.recogniser.phoneme_recogniser import PhonemeRecogniser
from components.core.metrics import Evaluator
from components.core.params.kpi import EvaluatorParams
from components.core.utterance import Language
from components.evaluation.pronunciation import Transcript
from components.nn.contracts import Speech
from components.text import phonemise

PROXY_ID = "iris-ctc-phonemes"


class PhonemeProxy:
    """Phonemes without stress and pitch accent; Mandarin tones apart.

    On the CPU, where every machine hears the same.

    Raises:
        DataError: no recogniser in ``folder``.
        CorruptFileError: its weights are not the ones that were delivered.
    """

    def __init__(self, params: EvaluatorParams, folder: Path) -> None:
        self._recogniser = PhonemeRecogniser(folder, torch.device("cpu"))
        self.identity = Evaluator(
            id=params.id,
            version=params.version,
            weights_sha256=self._recogniser.sha256,
            kind=params.kind,
        )

    def transcribe(self, clips: Sequence[Speech], language: Language) -> list[Transcript]:
        """The phonemes heard in each clip."""
        heard = self._recogniser.hear(clips, language)
        return [Transcript(one.segments, tuple(map(str, one.tones))) for one in heard]

    def reference(self, text: str, language: Language) -> Transcript:
        """The phonemes of a text, from the front-end that the candidates read with."""
        symbols = phonemise(text, language).symbols
        return Transcript(segments(symbols), tuple(map(str, tones(symbols))))
