"""SyncNet's hooks for `make pretrain`; `components.auxiliaries.sync_judge` uses them in its other role."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.data import Dataset

from components.auxiliaries.syncnet.dataset import SyncWindows, collate
from components.auxiliaries.syncnet.loading import SYNCNET, card_of, hearing_of, load
from components.auxiliaries.syncnet.network import SyncLearner, SyncNet
from components.auxiliaries.syncnet.params import Section, Training
from components.core.errors import ConfigError
from components.core.extraction import Extraction, FeatureReport
from components.core.params import AuxiliarySection, narrowed
from components.features.talking.prepare import prepare
from components.features.talking.sources import Learner
from components.features.talking.store import TalkingStore
from components.nn.contracts import TrainingTask
from components.nn.delivered import read_delivered
from components.nn.held_out import HeldOut, MeasuredSpec
from components.nn.single_phase import single_phase_task, warmed_up


class SyncNetSpec(MeasuredSpec):
    """See `components.nn.contracts.AuxiliarySpec`.

    Args:
        name: in params.yaml and in pretrained/.
        learner: whose voices and faces it learns from.
    """

    def __init__(self, name: str, learner: Learner) -> None:
        self.name, self._learner = name, learner

    def prepare(self, section: AuxiliarySection, extraction: Extraction) -> FeatureReport:
        """Talking faces of the learner's voices; see `components.features.talking.prepare`.

        Raises:
            DataError: no usable clip.
            ValidationBlockedError: the data gate refuses.
        """
        architecture = narrowed(section, Section).architecture
        hearing = hearing_of(architecture, extraction.audio.log_floor)
        return prepare(extraction, self._learner, hearing, architecture.image_size)

    def training_task(
        self, section: AuxiliarySection, features: Path, seed: int, warm_start: Path | None
    ) -> TrainingTask:
        """The network and its data.

        Raises:
            DataError: a part without clips that are long enough.
            ConfigError: a store of another image size, or a warm start of other dimensions.
        """
        typed, store = narrowed(section, Section), TalkingStore(features)
        architecture, training = typed.architecture, typed.training
        if (store.image_size, store.hearing.span) != (
            architecture.image_size,
            architecture.video_window_frames,
        ):
            raise ConfigError(
                who=str(features),
                expected=f"crops of {architecture.image_size} pixels",
                found=f"{store.image_size}",
                action="prepare them again with these parameters",
            )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            network = SyncNet(architecture)
        if warm_start is not None:
            network.load_state_dict(dict(read_delivered(warm_start, self.name).weights))
        card = card_of(architecture, store.hearing)
        return single_phase_task(
            self.name,
            card,
            training,
            seed,
            phase=warmed_up("sync", ("network",), training),
            network=SyncLearner(network, training, store.statistics),
            train=SyncWindows(store, "train", training),
            validation=SyncWindows(store, "validation", training),
            collate=collate,
        )

    def figures(self, section: AuxiliarySection, held_out: HeldOut) -> Mapping[str, float]:
        """On clips of unseen voices, sentences and faces.

        Returns:
            ``loss`` and ``accuracy`` of pairs (n_windows); ``offset_within_1``: share of clips whose offset
            is found within a frame; ``lse_d`` and ``lse_c``, means over ``n_clips``; ``lse_c_shuffled``: with
            the sound of another clip.
        """
        training, store = narrowed(section, Section).training, TalkingStore(held_out.features)
        network = load(held_out.delivered, self.name, held_out.device)
        windows = SyncWindows(store, "test", training)
        loss, accuracy = pair_figures(network.network, windows, training, held_out.device)
        rows = [row for row in store.of_part("test") if len(store.starts(row)) == row.frames - 4]
        own, other = [], []
        for place, row in enumerate(held_out.progress.track(rows, len(rows), "clips")):
            crops = store.crops(row)
            own.append(network.score(crops, store.mel(row), row.clip_id))
            wrong = store.mel(rows[(place + 1) % len(rows)])
            other.append(network.score(crops, wrong, row.clip_id))
        count = max(1, len(own))
        return {
            "loss": loss,
            "accuracy": accuracy,
            "n_windows": float(len(windows) * training.windows_per_clip),
            "offset_within_1": sum(abs(one.offset) <= 1 for one in own) / count,
            "lse_d": sum(one.lse_d for one in own) / count,
            "lse_c": sum(one.lse_c for one in own) / count,
            "lse_c_shuffled": sum(one.lse_c for one in other) / count,
            "n_clips": float(len(own)),
        }


@torch.no_grad()
def pair_figures(
    network: SyncNet, windows: Dataset[Mapping[str, Tensor]], training: Training, device: torch.device
) -> tuple[float, float]:
    """Loss and accuracy over a whole set of pairs, clip by clip."""
    learner = SyncLearner(network, training, ()).to(device).eval()
    told = []
    for index in range(len(windows)):  # type: ignore[arg-type]
        batch = {name: value.to(device) for name, value in collate([windows[index]]).items()}
        told.append(learner("sync", batch, 0))
    return tuple(float(torch.stack([one[name] for one in told]).mean()) for name in ("pairs", "accuracy"))  # type: ignore[return-value]


SPEC = SyncNetSpec(SYNCNET, "model")
