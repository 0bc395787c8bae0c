"""Padding and batch mates change nothing; foreign labels are never heard; a tiny batch can be learned."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from components.auxiliaries.recogniser.decoding import greedy
from components.auxiliaries.recogniser.labels import Labels
from components.auxiliaries.recogniser.network import RecogniserNetwork
from components.auxiliaries.recogniser.params import Section
from components.auxiliaries.recogniser.spec import SPEC
from components.core.utterance import LANGUAGES

LABELS = Labels.among([("ko", "abcd"), ("en", "cdef"), ("ja", "a"), ("zh", "efgh")])


@pytest.fixture
def network(section: Section) -> RecogniserNetwork:
    torch.manual_seed(1)
    network = RecogniserNetwork(section.architecture, LABELS, tone_loss_weight=0.2)
    for parameter in network.parameters():  # squeeze-excite starts at zero and would hide its own faults
        torch.nn.init.normal_(parameter, std=0.1)
    return network.eval()


def mels(*frames: int, bands: int = 80) -> list[Tensor]:
    return [torch.randn(count, bands, generator=torch.Generator().manual_seed(count)) for count in frames]


def pitches(*frames: int) -> list[Tensor]:
    return mels(*frames, bands=2)


def padded(clips: list[Tensor], beyond: float) -> Tensor:
    return torch.nn.utils.rnn.pad_sequence(clips, batch_first=True, padding_value=beyond)


@torch.inference_mode()
def test_padding_and_batch_mates_change_nothing(network: RecogniserNetwork) -> None:
    clips, melodies = mels(41, 7, 90, 1), pitches(41, 7, 90, 1)
    frames, languages = torch.tensor([len(c) for c in clips]), torch.tensor([0, 1, 3, 2])
    together = network.listen(padded(clips, 1.0e4), padded(melodies, -1.0e4), frames, languages)
    for i, (clip, melody) in enumerate(zip(clips, melodies, strict=True)):
        alone = network.listen(clip[None], melody[None], frames[i : i + 1], languages[i : i + 1])
        length = int(alone[2])
        assert length == int(together[2][i])
        for one, many in zip(alone[:2], together[:2], strict=True):
            torch.testing.assert_close(one[0], many[i, :length], atol=2e-5, rtol=1e-4)


@torch.inference_mode()
@pytest.mark.parametrize("frames", [1, 2, 3, 4, 9, 10, 11])
def test_there_is_one_output_for_every_stride_of_frames(
    network: RecogniserNetwork, section: Section, frames: int
) -> None:
    segments, tones, lengths = network.listen(
        mels(frames)[0][None], pitches(frames)[0][None], torch.tensor([frames]), torch.tensor([0])
    )
    stride = section.architecture.stride
    assert segments.shape[1] == tones.shape[1] == int(lengths) == -(-frames // stride)


@torch.inference_mode()
def test_a_label_of_another_language_is_never_heard(network: RecogniserNetwork) -> None:
    clip, melody = mels(200)[0][None], pitches(200)[0][None]
    for row, language in enumerate(LANGUAGES):
        segments, _, lengths = network.listen(clip, melody, torch.tensor([200]), torch.tensor([row]))
        heard = {LABELS.names[number - 1] for number in greedy(segments, lengths)[0]}
        assert heard <= set(LABELS.of_language[language])
        assert segments.exp().sum(-1).allclose(torch.ones(1), atol=1e-5)
    assert not torch.equal(
        network.listen(clip, melody, torch.tensor([200]), torch.tensor([0]))[1],
        network.listen(clip, melody, torch.tensor([200]), torch.tensor([1]))[1],
    )


def test_more_labels_than_frames_is_no_infinity(network: RecogniserNetwork) -> None:
    batch = {
        "mel": mels(4)[0][None],
        "pitch": pitches(4)[0][None],
        "frames": torch.tensor([4]),
        "labels": torch.tensor([[1, 2, 3, 4, 1, 2]]),
        "label_lengths": torch.tensor([6]),
        "tones": torch.zeros(1, 0, dtype=torch.int64),
        "tone_lengths": torch.tensor([0]),
        "languages": torch.tensor([0]),
    }
    losses = network("ctc", batch, 0)
    losses["total"].backward()
    assert losses["total"].item() == 0.0
    assert all(p.grad is None or bool(p.grad.isfinite().all()) for p in network.parameters())


def test_tones_follow_the_melody_and_cost_no_segment(section: Section, features: Path) -> None:
    task = SPEC.training_task(section, features, seed=3, warm_start=None)
    names = [row.utterance_id for row in task.train._rows]  # type: ignore[attr-defined]
    batch = dict(task.collate([task.train[names.index("train_zh_00001")]]))
    assert batch["tone_lengths"].item() > 0
    assert batch["pitch"].abs().sum() > 0
    network = task.network
    losses = network("ctc", batch, 0)
    blocks = [p for name, p in network.named_parameters() if not name.startswith("tones.")]
    gradients = [torch.autograd.grad(losses["total"], blocks, retain_graph=True, allow_unused=True)]
    batch["tones"] = batch["tones"] % 5 + 1
    gradients.append(torch.autograd.grad(network("ctc", batch, 0)["total"], blocks, allow_unused=True))
    for one, other in zip(*gradients, strict=True):
        assert (one is None and other is None) or torch.equal(one, other)
    heard = [
        network.listen(batch["mel"], pitch, batch["frames"], batch["languages"])
        for pitch in (batch["pitch"], -batch["pitch"])
    ]
    assert torch.equal(heard[0][0], heard[1][0])
    assert not torch.equal(heard[0][1], heard[1][1])


def test_a_tiny_batch_is_learned_by_heart(section: Section, features: Path) -> None:
    task = SPEC.training_task(section, features, seed=3, warm_start=None)
    names = [row.utterance_id for row in task.train._rows]  # type: ignore[attr-defined]
    chosen = [names.index(f"train_{language}_00000") for language in ("ko", "zh")]
    task.train._augmenter = None  # type: ignore[attr-defined]
    batch = task.collate([task.train[index] for index in chosen])
    network = task.network.train()
    optimiser = torch.optim.AdamW(network.parameters(), lr=4e-3)
    for _ in range(250):
        loss = network("ctc", batch, 0)["total"]
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        if loss.item() < 0.02:
            break
    with torch.inference_mode():
        segments, tones, lengths = network.eval().listen(
            batch["mel"], batch["pitch"], batch["frames"], batch["languages"]
        )
    for i, (heard, tone) in enumerate(zip(greedy(segments, lengths), greedy(tones, lengths), strict=True)):
        assert heard == batch["labels"][i, : batch["label_lengths"][i]].tolist()
        if batch["tone_lengths"][i]:
            assert tone == batch["tones"][i, : batch["tone_lengths"][i]].tolist()
