"""The recogniser's hooks for `make pretrain`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch

from components.auxiliaries.recogniser.augmentation import Augmenter
from components.auxiliaries.recogniser.dataset import ReferenceSpeech, collate
from components.auxiliaries.recogniser.labels import Labels
from components.auxiliaries.recogniser.measure import measure
from components.auxiliaries.recogniser.network import RecogniserNetwork
from components.auxiliaries.recogniser.params import Section
from components.auxiliaries.recogniser.phoneme_recogniser import NAME
from components.auxiliaries.recogniser.prepare import prepare
from components.auxiliaries.recogniser.store import ReferenceStore
from components.core.extraction import Extraction, FeatureReport
from components.core.params import AuxiliarySection, narrowed
from components.core.storage import sha256_json
from components.features.mel import MelAnalysis
from components.nn.contracts import TrainingTask
from components.nn.delivered import read_delivered
from components.nn.held_out import HeldOut, MeasuredSpec
from components.nn.single_phase import single_phase_task, warmed_up
from components.text import INVENTORY_VERSION


class RecogniserSpec(MeasuredSpec):
    """See `components.nn.contracts.AuxiliarySpec`."""

    name = NAME

    def prepare(self, section: AuxiliarySection, extraction: Extraction) -> FeatureReport:
        """Render the reference speech. The corpora hold the voices that are judged, so none is read.

        Raises:
            DataError: nothing could be rendered.
        """
        e = extraction
        return prepare(narrowed(section, Section), e.audio, e.data, e.target, e.seed, e.workers, e.progress)

    def training_task(
        self, section: AuxiliarySection, features: Path, seed: int, warm_start: Path | None
    ) -> TrainingTask:
        """The network and its data.

        Args:
            features: the reference store.
            seed: of the initial weights and of the training.
            warm_start: a delivered recogniser with the same labels to begin from.

        Raises:
            DataError: no utterances of a part, or no delivered recogniser in ``warm_start``.
            CorruptFileError: the store or the weights are damaged.
        """
        typed, store = narrowed(section, Section), ReferenceStore(features)
        labels, hearing = store.labels(), typed.architecture.hearing
        analysis = MelAnalysis(**store.summary["analysis"])
        augmenter = Augmenter(typed.training.augmentation, analysis)
        card = {
            "architecture": typed.architecture.model_dump(mode="json"),
            "labels": labels.to_json(),
            "log_floor": analysis.log_floor,
            "inventory_version": INVENTORY_VERSION,
            "reference_sha256": sha256_json([row.fingerprint for row in store.rows]),
            "utterances": len(store.of_part("train")),
        }
        return single_phase_task(
            NAME,
            card,
            typed.training,
            seed,
            phase=warmed_up("ctc", ("",), typed.training),
            network=_initial_network(typed, labels, seed, warm_start),
            train=ReferenceSpeech(store, "train", labels, hearing, augmenter),
            validation=ReferenceSpeech(store, "validation", labels, hearing, None),
            collate=collate,
        )

    def figures(self, section: AuxiliarySection, held_out: HeldOut) -> Mapping[str, float]:
        """Held-out error rates; see `measure.measure`."""
        return measure(held_out.delivered, held_out.features, held_out.device, held_out.progress)


def _initial_network(
    section: Section, labels: Labels, seed: int, delivered: Path | None
) -> RecogniserNetwork:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = RecogniserNetwork(section.architecture, labels, section.training.tone_loss_weight)
    if delivered is not None:
        network.load_state_dict(dict(read_delivered(delivered, NAME).weights))
    return network


SPEC = RecogniserSpec()
