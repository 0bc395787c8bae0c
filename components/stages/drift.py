"""drift: the current data version against the data that each model's champion was evaluated on.

Outside a retraining (`stage_graph.REVIEWS`); its result is printed by the next report.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import yaml

from components import catalogue
from components.core.drift import DataProfile, ModelDrift, shifts
from components.core.errors import IrisError
from components.core.paths import Workspace
from components.core.ports import ModelRegistry
from components.core.storage import sha256_json, write_json
from components.data.corpus import corpora
from components.evaluation.data_profile import profile
from components.features.pitch import PitchAnalysis
from components.promotion.ledger import Ledger
from components.promotion.succession import champion_alias
from components.stages import services
from components.stages.contract import Outcome, StageContext
from components.stages.restore_data import restore
from components.stages.version import pointer_copy

_FOLDER, _PROFILES = "drift", "profiles"
_BYTES_PER_GIB = 1 << 30


def run(context: StageContext) -> Outcome:
    """Profile the current data, compare, write ``drift/drift.json``.

    Raises:
        DataError: a corpus that cannot be read.
        TrackingUnavailableError: the registry does not answer.
    """
    current = _profile_of(context, context.data_md5, context.workspace.data)
    registry = services.registry(context)
    found = [_model(context, registry, current, name) for name in catalogue.trainable()]
    path = context.workspace.root / _FOLDER / "drift.json"
    write_json(path, {"data_md5": context.data_md5, "models": [asdict(one) for one in found]})
    for one in found:
        moved = ", ".join(f"{shift.name} {shift.before} → {shift.after}" for shift in one.drifted)
        context.progress.say(f"{one.model}: {one.reason or moved or 'no drift'}")
    return Outcome(outputs={"drift": path}, summary={one.model: len(one.drifted) for one in found})


def fingerprint(context: StageContext) -> Mapping[str, str]:
    """Another champion is compared with other data; read from the ledger, as the gate does."""
    scope, ledger = context.params.evaluation.scope, Ledger(context.workspace.ledger)
    return {f"champion.{name}": ledger.history(name, scope).champion or "" for name in catalogue.trainable()}


def _model(context: StageContext, registry: ModelRegistry, current: DataProfile, name: str) -> ModelDrift:
    version = registry.by_alias(name, champion_alias(context.params.evaluation.scope))
    if version is None:
        return ModelDrift(name, "", "", "no champion in this scope: nothing to compare with", ())
    evidence = registry.evidence_of(version)
    md5 = evidence.data_md5 if evidence else version.tags.get("data_md5", "")
    if not md5:
        return ModelDrift(name, version.version, "", "the champion's evidence names no data version", ())
    earlier, reason = _earlier(context, md5)
    if earlier is None:
        return ModelDrift(name, version.version, md5, reason, ())
    limits = context.params.review.drift
    return ModelDrift(name, version.version, md5, "", shifts(earlier, current, limits))


def _earlier(context: StageContext, md5: str) -> tuple[DataProfile | None, str]:
    """The profile of an earlier version, and why there is none."""
    kept = _read(_profile_path(context, md5))
    if kept is not None or md5 == context.data_md5:
        return kept or _profile_of(context, md5, context.workspace.data), ""
    limit = context.params.review.drift.restore_max_gib
    size = _size_gib(context.workspace, md5)
    if size is None or size > limit:
        told = "of unknown size" if size is None else f"{size:.1f} GiB"
        return None, f"data version {md5} has no profile, and is {told}: up to {limit:g} GiB are restored"
    target = Path(tempfile.mkdtemp(prefix="restored-", dir=_made(context.workspace.root / _FOLDER)))
    try:
        restore(context.params, context.workspace, run_id=None, md5=md5, target=target)
        return _profile_of(context, md5, target), ""
    except IrisError as error:  # an old version that is gone must not end the review of the new one
        return None, f"data version {md5} cannot be restored: {error}"
    finally:
        shutil.rmtree(target, ignore_errors=True)


def _profile_of(context: StageContext, md5: str, folder: Path) -> DataProfile:
    path = _profile_path(context, md5)
    kept = _read(path)
    if kept is not None:
        return kept
    params = context.params
    pitch = PitchAnalysis(params.audio.f0_method, params.audio.f0_floor_hz, params.audio.f0_ceil_hz)
    made = profile(
        corpora(folder, params.data.corpora),
        md5,
        params.review.drift,
        pitch,
        params.seed,
        params.platform.workers,
        context.progress,
    )
    write_json(path, asdict(made))
    return made


def _profile_path(context: StageContext, md5: str) -> Path:
    """A profile is kept under the version and the way it was sampled."""
    drift, audio = context.params.review.drift, context.params.audio
    sampled = [drift.rows, drift.recordings, drift.listen_s, context.params.seed, audio.model_dump()]
    name = f"{md5}-{sha256_json([*sampled, *context.params.data.corpora])[:12]}.json"
    return context.workspace.root / _FOLDER / _PROFILES / name


def _read(path: Path) -> DataProfile | None:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        return DataProfile(
            data_md5=str(values["data_md5"]),
            duration_s=tuple(values["duration_s"]),
            f0_hz=tuple(values["f0_hz"]),
            snr_db=tuple(values["snr_db"]),
            languages=dict(values["languages"]),
        )
    except (OSError, ValueError, KeyError, TypeError):  # absent or half: measured again
        return None


def _size_gib(workspace: Workspace, md5: str) -> float | None:
    try:
        pointer = yaml.safe_load(pointer_copy(workspace, md5).read_text(encoding="utf-8"))
        return float(pointer["outs"][0]["size"]) / _BYTES_PER_GIB
    except (OSError, yaml.YAMLError, KeyError, IndexError, TypeError, ValueError):
        return None


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder
