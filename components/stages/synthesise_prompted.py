"""``synthesise`` with a prompt: a text in the voice of a recording of some seconds, into a labelled wav."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from components import inference
from components.captions.files import require_suffix
from components.core.errors import DataError
from components.core.params import Params
from components.core.paths import Workspace
from components.core.utterance import Language
from components.inference import MediaLabel, recording
from components.nn.contracts import Speech
from components.nn.prompting import require_prompt_length
from components.stages import captions as caption_writer
from components.stages.convert import UNDETERMINED
from components.stages.shipped import auxiliaries
from components.stages.synthesise import CHAMPION, chosen_weights

if TYPE_CHECKING:
    from components.nn.prompting import PromptedSpeaker, Voice


@dataclass(frozen=True)
class PromptedWish:
    """What is to be said, and in whose voice.

    Attributes:
        prompt, prompt_text: a recording and what is said in it.
        prompt_language: of the prompt; None: the text's.
        version: ``champion`` (else what is shipped), ``pretrained``, or a number in the registry.
        speaker, consent: whose voice it is and the consent record that allows it, for the label.
        seed: another one says it otherwise; None: the project's.
        live: as a stream, and measure how late it is heard.
    """

    model: str
    text: str
    language: Language
    prompt: Path
    prompt_text: str
    prompt_language: Language | None = None
    version: str = CHAMPION
    speaker: str = UNDETERMINED
    consent: str = UNDETERMINED
    seed: int | None = None
    live: bool = False


@dataclass(frozen=True)
class PromptSaid:
    """What was written.

    Attributes:
        first_s: from the text in hand to the first samples; of a stream only.
        total_s: to the last.
        duration_s: of the speech.
        endings: of each piece of the text; a stream does not tell them.
    """

    version: str
    wav: Path
    label: Path
    captions: Path | None
    first_s: float | None
    total_s: float
    duration_s: float
    endings: tuple[str, ...]


def synthesise_prompted(
    project: Path,
    params: Params,
    workspace: Workspace,
    wish: PromptedWish,
    out: Path,
    captions: Path | None = None,
) -> PromptSaid:
    """Speak into ``out`` (a wav); the label lies beside it.

    Args:
        captions: .srt or .vtt that is written too; its times are found in the speech.

    Raises:
        DataError: empty text, unknown language, or a prompt that is too short or long, unreadable or without
            its text; nothing is written.
        ConfigError: no such model or version, nothing to speak with, or captions of another kind.
        StorageError: no space or no permission.
    """
    from components.nn.device import best_device

    if captions is not None:
        require_suffix(captions)
    if not wish.prompt_text.strip():
        raise _no_text(wish.prompt)
    version, folder = chosen_weights(project, params, workspace, wish.model, wish.version)
    model = inference.load_prompted(
        wish.model, params.models[wish.model], folder, auxiliaries(project, params), best_device()
    )
    voice = model.voice(_prompt(wish.prompt, model), wish.prompt_text, wish.prompt_language or wish.language)
    label = MediaLabel(
        model=wish.model,
        model_version=version,
        weights_sha256=model.weights_sha256,
        speaker=wish.speaker,
        consent=wish.consent,
        language=wish.language,
    )
    clock = _Clock(model.sample_rate)
    seed = params.seed if wish.seed is None else wish.seed
    endings: list[str] = []
    chunks = clock.timed(_spoken(model, wish, voice, seed, endings))
    sidecar = inference.blocks_to_wav(out, chunks, model.sample_rate, label)
    if captions is not None:
        asked = caption_writer.CaptionWish(out, wish.text, wish.language)
        caption_writer.caption(project, params, asked, captions)
    first = clock.first_s if wish.live else None
    return PromptSaid(
        version, out, sidecar, captions, first, clock.total_s, clock.duration_s, tuple(endings)
    )  # fmt: skip


def told(said: PromptSaid) -> list[str]:
    """What a person wants to know of it, in lines."""
    more = f", {said.captions}" if said.captions else ""
    lines = [f"{said.wav} (version {said.version}), {said.label.name}{more}"]
    first = "" if said.first_s is None else f"first audio after {1000 * said.first_s:.0f} ms, "
    lines.append(
        f"{first}{said.duration_s:.2f} s of speech after {1000 * said.total_s:.0f} ms: measured on this "
        "machine, the prompt understood"
    )
    wrong = [one for one in said.endings if one != "end"]
    if wrong:
        lines.append(
            f"{len(wrong)} of {len(said.endings)} pieces did not end by themselves ({', '.join(wrong)}): "
            "listen, and try another --seed or prompt"
        )
    return lines


class _Clock:
    """Seconds to the first and the last of the samples that pass through."""

    def __init__(self, sample_rate: int) -> None:
        self._rate, self.duration_s = sample_rate, 0.0
        self.first_s: float | None = None
        self.total_s = 0.0

    def timed(self, chunks: Iterator[NDArray[np.float32]]) -> Iterator[NDArray[np.float32]]:
        started, waited = time.perf_counter(), 0.0
        for chunk in chunks:
            self.total_s = time.perf_counter() - started - waited
            self.first_s = self.first_s or self.total_s
            self.duration_s += len(chunk) / self._rate
            given = time.perf_counter()
            yield chunk
            waited += time.perf_counter() - given  # writing the file is no work of the model


def _spoken(
    model: PromptedSpeaker, wish: PromptedWish, voice: Voice, seed: int, endings: list[str]
) -> Iterator[NDArray[np.float32]]:
    from components.nn.prompting import Line

    if wish.live:
        yield from model.stream(wish.text, wish.language, voice, seed)
        return
    (made,) = model.speak_all([Line(wish.text, wish.language, voice, seed)])
    endings += made.endings
    yield made.speech.samples


def _prompt(path: Path, model: PromptedSpeaker) -> Speech:
    """The recording, mono; one that its header tells to be too long is not read."""
    length_s = recording.length_s(path)
    if length_s:
        require_prompt_length(length_s, model.prompt_s)
    held: list[NDArray[np.float32]] = []
    for block in recording.blocks(path, model.sample_rate, model.prompt_s[1]):
        held.append(block)
        require_prompt_length(
            max(model.prompt_s[0], sum(map(len, held)) / model.sample_rate), model.prompt_s
        )  # fmt: skip
    return Speech(np.concatenate(held), model.sample_rate)


def _no_text(prompt: Path) -> DataError:
    return DataError(
        who=f"prompt {prompt.name}",
        expected="the text that is said in it (--prompt-text)",
        found="none",
        action="write down every word of the prompt; what is missing comes back in the speech",
    )
