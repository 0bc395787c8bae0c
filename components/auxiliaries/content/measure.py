"""Held-out figures of a content encoder: what it predicts, what its features tell and should not tell."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from components.auxiliaries.content import clusters
from components.auxiliaries.content.cepstra import log_mel_frames
from components.auxiliaries.content.clips import NO_SYMBOL, ClipStore, StoredClip
from components.auxiliaries.content.contract import NAME, Choice
from components.auxiliaries.content.dataset import MaskedSpeech, collate
from components.auxiliaries.content.encoder import HubertContent, load
from components.auxiliaries.content.layers import layers_of
from components.auxiliaries.content.network import NO_TARGET, MaskedPrediction
from components.auxiliaries.content.params import Architecture, Section
from components.auxiliaries.content.probe import speaker_probe
from components.auxiliaries.content.targets import Targets, read_targets
from components.core.progress import Progress
from components.features.mel import MelAnalysis
from components.features.recorded_clips import spread
from components.nn.delivered import read_delivered

Floats = NDArray[np.float32]
Vectors = Callable[[StoredClip], Floats]
#: The seed of clusters, probes and the untrained network: figures of two trainings differ by training alone.
_SEED = 0
_LABEL = "HuBERT"
#: Training clips that fit clusters and probes, and test clips that judge them; evenly over the voices.
_FIT_CLIPS, _TEST_CLIPS = 256, 192
_FRAMES_OF_A_PROBE = 20_000
#: The recording that is heard whole and in chunks: test clips one after the other.
_LONG_S = 60.0


def choice_of(architecture: Architecture, layer: int) -> Choice:
    """An encoder of ours by the layer."""
    return Choice(_LABEL, NAME, layer, architecture.hidden_size)


def vectors_of(encoder: HubertContent, store: ClipStore) -> Vectors:
    """A clip's features [T, dim]."""
    return lambda row: encoder.features(store.waveform(row)).cpu().numpy()


def measure(
    section: Section, delivered: Path, features: Path, device: torch.device, progress: Progress
) -> Mapping[str, float]:
    """All on generated voices; what is judged trained nothing.

    Returns:
        ``masked_accuracy`` of the last iteration's clusters and ``masked_majority``, the share of the most
        frequent one (guessing); ``n_masked`` frames.
        ``pnmi_…`` and ``phone_purity_…`` of clusters (as many as the first iteration has) against the true
        symbols, over ``n_frames``: of each ``layer_N`` as it is and ``centred`` (without the clip's mean), of
        ``mfcc``, and of the network before any training
        (``untrained_layer_N``). ``speaker_mean_…`` and ``speaker_frame_…``: how often a linear probe tells
        the speaker from a clip's mean vector or from one frame (`probe.speaker_probe`), of the same and of
        log-``mel``; ``speaker_chance``, ``n_probe`` clips.
        ``chunked_cosine_mean`` and ``_min``: between features of a long recording heard whole and in chunks.
    """
    targets = read_targets(features)
    store = targets.store
    bench = _Bench(section, store)
    figures = _masked(section, delivered, targets, device)
    networks = {"layer": _trained(section, delivered), "untrained_layer": _initial(section)}
    for name, network in networks.items():
        layers = layers_of(network.encoder.to(device), store, bench.rows, progress, name)
        for layer in range(1, section.architecture.layers + 1):
            figures |= bench.figures(f"{name}_{layer}", layers.of(layer))
            if name == "layer":
                figures |= bench.figures(f"centred_{name}_{layer}", _centred(layers.of(layer)))
    figures |= bench.figures("mfcc", store.cepstra)
    analysis = MelAnalysis(**store.summary["mel"])
    figures |= bench.figures("mel", lambda row: log_mel_frames(store.waveform(row), analysis))
    figures |= bench.counts() | _chunked(section, delivered, store, device)
    return figures


class _Bench:
    """The clips and what is asked of any vectors of theirs."""

    def __init__(self, section: Section, store: ClipStore) -> None:
        training = section.training
        self._store, self._limit = store, training.fit_frames
        self._clusters = training.iterations[0].clusters
        self._fit = spread(_voices(store, "train"), _FIT_CLIPS)
        self._test = spread(_voices(store, "test"), _TEST_CLIPS)

    @property
    def rows(self) -> list[StoredClip]:
        return [*self._fit, *self._test]

    def counts(self) -> dict[str, float]:
        frames = sum(int((self._store.symbols(row) != NO_SYMBOL).sum()) for row in self._test)
        speakers = len({row.speaker for row in self._fit})
        return {
            "n_frames": float(frames),
            "n_probe": float(len(self._test)),
            "speaker_chance": 1.0 / speakers,
        }

    def figures(self, name: str, vectors: Vectors) -> dict[str, float]:
        fit, test = [vectors(row) for row in self._fit], [vectors(row) for row in self._test]
        agreed = self._agreement(fit, test)
        means = [np.stack([one.mean(axis=0) for one in part]) for part in (fit, test)]
        frames = [_thinned(fit, self._fit), _thinned(test, self._test)]
        return {
            f"pnmi_{name}": agreed.pnmi,
            f"phone_purity_{name}": agreed.phone_purity,
            f"speaker_mean_{name}": speaker_probe(
                means[0], [row.speaker for row in self._fit], means[1], [row.speaker for row in self._test]
            ),
            f"speaker_frame_{name}": speaker_probe(*frames[0], *frames[1]),
        }

    def _agreement(self, fit: Sequence[Floats], test: Sequence[Floats]) -> clusters.Agreement:
        centroids = clusters.fit(np.concatenate(fit)[: self._limit], self._clusters, _SEED)
        symbols = np.concatenate([self._store.symbols(row) for row in self._test])
        numbers = clusters.nearest(np.concatenate(test), centroids)
        known = symbols != NO_SYMBOL
        return clusters.agreement(numbers[known], symbols[known])


def _centred(vectors: Vectors) -> Vectors:
    """Each clip without its mean vector."""
    return lambda row: vectors(row) - vectors(row).mean(axis=0)


def _voices(store: ClipStore, split: str) -> list[StoredClip]:
    """Generated voices: their symbols are known, and several speakers say the same languages."""
    return [row for row in store.of_split(split) if row.role == "model"]


def _thinned(vectors: Sequence[Floats], rows: Sequence[StoredClip]) -> tuple[Floats, list[str]]:
    """At most `_FRAMES_OF_A_PROBE` frames, evenly taken, and the speaker of each."""
    whole = np.concatenate(vectors)
    step = max(1, -(-len(whole) // _FRAMES_OF_A_PROBE))
    speakers = [row.speaker for row, part in zip(rows, vectors, strict=True) for _ in range(len(part))]
    return whole[::step], speakers[::step]


def _trained(section: Section, delivered: Path) -> MaskedPrediction:
    weights = read_delivered(delivered, NAME)
    network = MaskedPrediction(section.architecture, section.training, weights.card["clusters"])
    network.load_state_dict(dict(weights.weights))
    return network


def _initial(section: Section) -> MaskedPrediction:
    """The same network before any training."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(_SEED)
        return MaskedPrediction(
            section.architecture, section.training, section.training.iterations[0].clusters
        )


@torch.no_grad()
def _masked(section: Section, delivered: Path, targets: Targets, device: torch.device) -> dict[str, float]:
    """How often the cluster of a hidden frame is told, over test clips; masks are always the same."""
    network = _trained(section, delivered).to(device).eval()
    test = MaskedSpeech(targets, "test", section.architecture, section.training)
    right, hidden = 0, []
    for index in range(len(test)):
        batch = {name: value.to(device) for name, value in collate([test[index]]).items()}
        where = batch["mask"] & (batch["targets"] != NO_TARGET)
        told = network.logits(batch).argmax(-1)[where]
        right += int((told == batch["targets"][where]).sum())
        hidden.append(batch["targets"][where].cpu().numpy())
    every = np.concatenate(hidden)
    return {
        "masked_accuracy": right / len(every),
        "masked_majority": float(np.bincount(every).max() / len(every)),
        "n_masked": float(len(every)),
    }


def _chunked(section: Section, delivered: Path, store: ClipStore, device: torch.device) -> dict[str, float]:
    """Of the deepest layer, where it differs most; a minute in chunks of a third of it."""
    architecture = section.architecture
    parts: list[Floats] = []
    for row in _voices(store, "test"):
        if sum(map(len, parts)) < _LONG_S * architecture.sample_rate_hz:
            parts.append(store.waveform(row))
    speech = np.concatenate(parts)
    length = len(speech) / architecture.sample_rate_hz
    choice = choice_of(architecture, architecture.layers)
    heard = []
    for seconds in (length, min(length / 3, architecture.chunks.chunk_s)):
        chunks = architecture.chunks.model_copy(update={"chunk_s": seconds})
        effort = architecture.model_copy(update={"chunks": chunks})
        heard.append(load(delivered, choice, device, effort).features(speech))
    cosine = torch.cosine_similarity(heard[0], heard[1], dim=-1)
    return {"chunked_cosine_mean": float(cosine.mean()), "chunked_cosine_min": float(cosine.min())}
