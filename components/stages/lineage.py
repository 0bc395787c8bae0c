"""``lineage``: what the recordings of one speaker have reached, so that a withdrawal can be answered."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from components import catalogue
from components.core.errors import DataError
from components.core.params import Params
from components.core.paths import Workspace
from components.core.ports import RunSummary
from components.data.consent import ConsentRecord, register_with_shipped
from components.data.corpus import Corpus
from components.data.csv_table import cell_rows
from components.data.manifest import MANIFEST_NAME
from components.delivery.consents import consents_of
from components.features.flat_store import INDEX_NAME
from components.promotion.succession import champion_alias
from components.stages import services
from components.stages.shipped import shipped

_RUNS_SEARCHED = 10_000
_VERSIONS = "data-versions"
_LABELS = ("evaluation", "reports")
_MEDIA = (".wav", ".mp4", ".npz")
"""The last: pictures of a lip sync that an exported model has to render again."""
_SCOPES = ("laptop", "a100")


@dataclass(frozen=True)
class Lineage:
    """What was found; every list is of lines for people, sorted.

    Attributes:
        consents: records, with whether they hold today.
        data: corpora that hold recordings now.
        versions: data versions that held some; also those of which no list is at hand.
        features: stores with rows of the speaker.
        runs: of models that saw such a data version.
        models: delivered weights whose card names the speaker.
        media: labelled files in the speaker's voice below the workspace.
    """

    speaker: str
    consents: tuple[str, ...]
    data: tuple[str, ...]
    versions: tuple[str, ...]
    features: tuple[str, ...]
    runs: tuple[str, ...]
    models: tuple[str, ...]
    media: tuple[str, ...]

    def lines(self) -> list[str]:
        """For a terminal; a part that holds nothing says so."""
        titles = {
            "consents": "consents / 동의",
            "data": "recordings now / 현재 녹음",
            "versions": "data versions / 데이터 버전",
            "features": "feature stores / 특징",
            "runs": "runs / 학습 실행",
            "models": "model versions / 모델 버전",
            "media": "labelled media / 생성 매체",
        }
        told = [f"speaker {self.speaker} / 화자 {self.speaker}"]
        for name, title in titles.items():
            found: Sequence[str] = getattr(self, name)
            told += [f"{title}: {len(found) or 'none / 없음'}", *(f"  {line}" for line in found)]
        return told

    def to_json(self) -> str:
        """The same for programs."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=2)


def lineage(project: Path, params: Params, workspace: Workspace, speaker: str) -> Lineage:
    """Everything in workspace, registry and ``pretrained/`` that the speaker's recordings reached.

    What left the workspace (downloads, exports, other registries) is not known here.

    Raises:
        DataError: nothing at all knows of that speaker, or a table cannot be read.
        TrackingUnavailableError: MLflow does not answer.
    """
    held, unknown = _versions(workspace, speaker)
    runs = _runs(params, workspace, held)
    found = Lineage(
        speaker=speaker,
        consents=tuple(_consents(workspace.data, shipped(project), speaker)),
        data=tuple(_data(workspace.data, speaker)),
        versions=(*(f"{md5} ({count} files)" for md5, count in sorted(held.items())), *unknown),
        features=tuple(_features(workspace, speaker)),
        runs=tuple(sorted(f"{run.run_id} ({run.name}, {run.status}, {run.started})" for run in runs)),
        models=tuple(_models(project, params, workspace, speaker)),
        media=tuple(_media(workspace, speaker)),
    )
    if not any((found.consents, found.data, held, found.features, found.runs, found.models, found.media)):
        raise DataError(
            who=f"speaker {speaker!r}",
            expected="a speaker of this workspace",
            found="no consent, recording, version, run, model or file of that name",
            action="look at data/*/consent.csv for the names there are, or name the --workspace",
        )
    return found


def _consents(data: Path, travelling: Path, speaker: str) -> Iterator[str]:
    day = datetime.datetime.now(datetime.UTC).date()
    for consent_id, record in sorted(register_with_shipped(data, travelling).items()):
        if record.speaker_id == speaker:
            yield f"{consent_id}: {_terms(record)}; {record.objection(speaker, day) or 'holds today'}"


def _terms(record: ConsentRecord) -> str:
    scope = f" for {', '.join(record.scope)}" if record.scope else ""
    until = f" until {record.expires}" if record.expires else ""
    return f"{record.basis}{scope}{until}"


def _data(data: Path, speaker: str) -> Iterator[str]:
    for path in sorted(data.glob(f"*/{MANIFEST_NAME}")):
        rows = [row for row in Corpus(path.parent).rows if row.speaker_id == speaker]
        if rows and path.parent.name[0] != ".":
            seconds = sum(row.duration_s for row in rows)
            yield f"{path.parent.name}: {len(rows)} recordings, {seconds / 60:.1f} minutes"


def _versions(workspace: Workspace, speaker: str) -> tuple[dict[str, int], list[str]]:
    """Versions that hold recordings → how many; and lines about those whose list is not at hand."""
    from components.adapters.dvc_listings import listed

    stores = (workspace.dvc_dir / ".dvc" / "cache", workspace.dvc_remote)
    held: dict[str, int] = {}
    unknown: list[str] = []
    for pointer in sorted((workspace.root / _VERSIONS).glob("*.dvc")):
        md5 = pointer.stem
        paths = listed(md5, stores)
        if paths is None:
            unknown.append(f"{md5} (not known: its list is in no local store; see restore-data)")
        elif count := sum(speaker in path.parts[:-1] for path in paths):
            held[md5] = count
    return held, unknown


def _features(workspace: Workspace, speaker: str) -> Iterator[str]:
    for index in sorted(workspace.features.rglob(INDEX_NAME)):
        rows = cell_rows(index)
        header = next(rows, [])
        if "speaker_id" in header:
            place = header.index("speaker_id")
            if count := sum(cells[place] == speaker for cells in rows):
                yield f"{index.parent.relative_to(workspace.root).as_posix()}: {count} rows"


def _runs(params: Params, workspace: Workspace, held: Iterable[str]) -> list[RunSummary]:
    if not _tracked(params, workspace):
        return []
    wanted = set(held)
    runs = services.tracker_of(params.platform.mlflow, workspace).runs(None, _RUNS_SEARCHED)
    return [run for run in runs if run.tags.get("data_md5") in wanted]


def _models(project: Path, params: Params, workspace: Workspace, speaker: str) -> Iterator[str]:
    """By the cards: what a network learned from stands in the weights' own card."""
    for folder in sorted(path.parent for path in shipped(project).glob("*/model.json")):
        if speaker in consents_of(folder):
            yield f"{folder.name}, shipped: pretrained/{folder.name}"
    if not _tracked(params, workspace):
        return
    registry = services.registry_of(params.platform.mlflow, workspace)
    for model in catalogue.model_names():
        serving = {
            found.version: alias
            for alias in map(champion_alias, _SCOPES)
            if (found := registry.by_alias(model, alias))
        }
        for version in registry.versions(model):
            if speaker in consents_of(registry.weights(version)):
                alias = f", {serving[version.version]} now" if version.version in serving else ""
                yield f"{model} v{version.version}{alias}: run {version.run_id}, {version.source}"


def _media(workspace: Workspace, speaker: str) -> Iterator[str]:
    for folder in _LABELS:
        for sidecar in sorted((workspace.root / folder).rglob("*.json")):
            if not sidecar.stem.endswith(_MEDIA):
                continue
            try:
                label = json.loads(sidecar.read_text(encoding="utf-8"))
            except (OSError, ValueError):
                continue
            if isinstance(label, dict) and label.get("speaker") == speaker:
                yield sidecar.with_suffix("").relative_to(workspace.root).as_posix()


def _tracked(params: Params, workspace: Workspace) -> bool:
    """Without a tracking database nothing was ever logged here, and asking would create one."""
    return bool(params.platform.mlflow.tracking_uri) or workspace.tracking_database.is_file()
