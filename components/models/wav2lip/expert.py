"""The gate between SyncNet and generator: a SyncNet that guesses would teach nothing, for days."""

from __future__ import annotations

from pathlib import Path

import torch

from components.auxiliaries.syncnet.dataset import SyncWindows
from components.auxiliaries.syncnet.loading import SYNCNET, load, require_same_hearing
from components.auxiliaries.syncnet.network import LN2
from components.auxiliaries.syncnet.params import Section as SyncSection
from components.auxiliaries.syncnet.spec import pair_figures
from components.core.errors import DataError
from components.features.talking.store import TalkingStore
from components.models.wav2lip.params import Section
from components.nn.taught import ExpertReport

_HELD_OUT = ("test", "validation")
"""The first that has clips: unseen voices, faces and sentences, else unseen sentences."""


def examine(
    section: Section, taught_with: SyncSection, syncnet: Path, features: Path, device: torch.device
) -> ExpertReport:
    """Loss and accuracy on held-out clips of the generator's own store, against ``models.wav2lip.training``.

    Raises:
        ConfigError: a SyncNet of other windows, mels or image size.
        DataError: no held-out clip that is long enough.
    """
    store, limits, training = TalkingStore(features), section.training, taught_with.training
    expert = load(syncnet, SYNCNET, device)
    require_same_hearing(expert, store.hearing, section.architecture.image_size, f"Wav2Lip with {features}")
    part = next((part for part in _HELD_OUT if store.of_part(part)), _HELD_OUT[-1])
    pairs = SyncWindows(store, part, training)
    loss, accuracy = pair_figures(expert.network, pairs, training, device)
    count = len(pairs) * training.windows_per_clip
    what = f"over {count} windows of {len(pairs)} held-out clips"
    reasons = []
    if not loss <= limits.syncnet_eval_max:
        reasons.append(
            f"loss {loss:.3f} {what}, at most {limits.syncnet_eval_max:g} allowed (guessing: {LN2:.3f})"
        )
    if not accuracy >= limits.syncnet_accuracy_min:
        reasons.append(
            f"right sound nearer than a wrong one in {accuracy:.1%} {what}, "
            f"at least {limits.syncnet_accuracy_min:.1%} needed (guessing: 50 %)"
        )
    figures = {"loss": loss, "accuracy": accuracy, "windows": float(count)}
    return ExpertReport(figures, tuple(reasons), store.statistics)


def unfound(features: Path) -> DataError:
    """A training without a SyncNet."""
    return DataError(
        who=f"Wav2Lip with {features}",
        expected="a SyncNet to learn from",
        found="none",
        action="run `python -m components expert --model wav2lip`, then train",
    )
