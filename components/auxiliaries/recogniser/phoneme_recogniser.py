"""A delivered recogniser, ready to hear."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.utils.rnn import pad_sequence

from components.auxiliaries.recogniser.decoding import greedy
from components.auxiliaries.recogniser.forced_alignment import forced_alignment
from components.auxiliaries.recogniser.hearing import (
    is_silent,
    listen,
    normalise,
    pitch_features,
    pitch_track,
)
from components.auxiliaries.recogniser.labels import Labels
from components.auxiliaries.recogniser.network import RecogniserNetwork
from components.auxiliaries.recogniser.params import Architecture
from components.core.errors import CorruptFileError, DataError
from components.core.utterance import LANGUAGES, Language
from components.features.mel import MelAnalysis
from components.nn.contracts import Speech
from components.nn.delivered import read_delivered

NAME = "recogniser"
#: Clips that share a forward pass; more only costs memory.
_CLIPS_PER_FORWARD = 16
_TONED = "zh"
#: mel [T, n_mels], pitch [T].
Frames = tuple[NDArray[np.float32], NDArray[np.float32]]


@dataclass(frozen=True)
class Heard:
    """What was heard in a clip: segments in order and, in Mandarin, tones 1-5 in order."""

    segments: tuple[str, ...]
    tones: tuple[int, ...]


@dataclass(frozen=True)
class Alignment:
    """Given segments, in the time of a clip.

    CTC learns that a segment was there, not how long: a network like ours names it once, about in its middle.

    Attributes:
        spans: seconds of the first and the last frame that say a segment; one a segment, in order.
        sounding: [T] whether anything sounds in a frame of ``frame_s`` seconds.
        log_probability: natural logarithm, mean over the segments; how well they fit what is heard.
    """

    spans: tuple[tuple[float, float], ...]
    sounding: NDArray[np.bool_]
    frame_s: float
    log_probability: float


class PhonemeRecogniser:
    """Hears clips of any rate in a language that is known.

    Args:
        delivered: folder with model.safetensors and model.json.
        device: where the network runs.

    Raises:
        DataError: no delivered recogniser there.
        CorruptFileError: the weights or the card are not the ones that were delivered.
    """

    def __init__(self, delivered: Path, device: torch.device) -> None:
        found = read_delivered(delivered, NAME)
        try:
            architecture = Architecture.model_validate(found.card["architecture"])
            self.labels = Labels.from_json(found.card["labels"])
            self._log_floor = float(found.card["log_floor"])
            network = RecogniserNetwork(architecture, self.labels, tone_loss_weight=0.0)
            network.load_state_dict(dict(found.weights))
        except (KeyError, ValueError, RuntimeError) as error:
            raise CorruptFileError(
                who=str(delivered),
                expected="a card and weights that fit each other",
                found=" ".join(str(error).split())[:200],
                action="restore pretrained/recogniser from git, or run make pretrain MODEL=recogniser",
            ) from error
        self.sha256, self._device = found.sha256, device
        self._hearing, self._stride = architecture.hearing, architecture.stride
        self._analysis = MelAnalysis.of(architecture.hearing, self._log_floor)
        self._network = network.to(device).eval()

    @property
    def sample_rate(self) -> int:
        """Hz that it hears at; clips of another rate are resampled."""
        return self._analysis.sample_rate

    def hear(self, clips: Sequence[Speech], language: Language) -> list[Heard]:
        """What is said in each clip. Nothing is heard in a clip without sound.

        Raises:
            DataError: a language that the recogniser does not know.
        """
        _require_known(language)
        return self.hear_frames([self._frames(clip, language) for clip in clips], [language] * len(clips))

    def align(self, clip: Speech, language: Language, said: Sequence[str]) -> Alignment:
        """When each of the segments ``said`` is heard, given that these are said.

        Args:
            said: segments of `labels.segments`, all of them among ``labels.of_language[language]``.

        Raises:
            DataError: a language that the recogniser does not know, a clip without sound, no segments, or
                more than the clip can hold.
        """
        _require_known(language)
        mel, pitch = self._frames(clip, language)
        if is_silent(mel, self._log_floor):
            raise DataError(
                who="the recording", expected="sound", found="silence", action="give another recording"
            )
        segments, _, _ = self._listen([(mel, pitch)], [language])
        path = forced_alignment(segments[0].cpu().numpy(), self.labels.numbers(said))
        loudness = mel.max(axis=1)
        step = self._analysis.hop_s * self._stride
        return Alignment(
            spans=tuple((span.first * step, span.last * step) for span in path.spans),
            sounding=loudness >= loudness.max() - self._hearing.speech_nepers,
            frame_s=self._analysis.hop_s,
            log_probability=path.log_probability / len(said),
        )

    def hear_frames(self, clips: Sequence[Frames], languages: Sequence[Language]) -> list[Heard]:
        """The same from mel [T, n_mels] of `hearing.listen` and pitch [T] of `hearing.pitch_track`."""
        sounding = [i for i, (mel, _) in enumerate(clips) if not is_silent(mel, self._log_floor)]
        sounding.sort(key=lambda i: len(clips[i][0]))
        heard = [Heard((), ())] * len(clips)
        for start in range(0, len(sounding), _CLIPS_PER_FORWARD):
            part = sounding[start : start + _CLIPS_PER_FORWARD]
            found = self._forward([clips[i] for i in part], [languages[i] for i in part])
            for i, one in zip(part, found, strict=True):
                heard[i] = one
        return heard

    def _frames(self, clip: Speech, language: Language) -> Frames:
        mel = listen(clip.samples, clip.sample_rate, self._analysis)
        if language != _TONED:
            return mel, np.zeros(len(mel), dtype=np.float32)
        return mel, pitch_track(clip.samples, clip.sample_rate, self._hearing, self._analysis)

    def _forward(self, clips: Sequence[Frames], languages: Sequence[Language]) -> list[Heard]:
        segments, tones, lengths = self._listen(clips, languages)
        names = self.labels.names
        return [
            Heard(
                tuple(names[number - 1] for number in classes),
                tuple(classes_of_tone) if language == _TONED else (),
            )
            for classes, classes_of_tone, language in zip(
                greedy(segments, lengths), greedy(tones, lengths), languages, strict=True
            )
        ]

    @torch.inference_mode()
    def _listen(
        self, clips: Sequence[Frames], languages: Sequence[Language]
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """See `RecogniserNetwork.listen`."""
        mels = pad_sequence(
            [torch.from_numpy(normalise(mel, self._hearing)) for mel, _ in clips], batch_first=True
        )
        pitches = pad_sequence(
            [torch.from_numpy(pitch_features(track)) for _, track in clips], batch_first=True
        )
        frames = torch.tensor([len(mel) for mel, _ in clips])
        places = torch.tensor([LANGUAGES.index(language) for language in languages])
        return self._network.listen(
            mels.to(self._device), pitches.to(self._device), frames.to(self._device), places.to(self._device)
        )


def _require_known(language: str) -> None:
    if language not in LANGUAGES:
        raise DataError(
            who="the recogniser",
            expected=f"a language among {', '.join(LANGUAGES)}",
            found=repr(language),
            action="leave such clips out; it hears generated speech of these languages only",
        )
