"""``export-model``: a version as a folder that anyone can load, checked before it appears."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from components.adapters.mlflow_pyfunc import add_flavour
from components.core.errors import BadInputError, DataError
from components.core.exported import DELIVERED, PARTS
from components.core.metrics import Evidence
from components.core.params import Params
from components.core.paths import Workspace
from components.core.ports import ModelVersion
from components.core.storage import atomic_folder, sha256_path
from components.data.consent import ConsentRecord, register_with_shipped
from components.data.corpus import Corpus
from components.data.manifest import MANIFEST_NAME
from components.delivery.bundle import Contents, seal, write_bundle
from components.delivery.clean_room import CleanCheck
from components.delivery.consents import consents_of
from components.delivery.requirements import LOCK, pinned
from components.reporting.model_card import CardFacts, VoiceTerms, model_card
from components.stages import services
from components.stages.deliverable import EVIDENCE, checked, contents
from components.stages.gate import read_evidence
from components.stages.shipped import shipped
from components.stages.synthesise import SHIPPED, chosen_weights

CARD, REQUIREMENTS = "README.md", "requirements.txt"
_TRACKING = "mlflow"


@dataclass(frozen=True)
class ExportWish:
    """What is exported.

    Attributes:
        version: ``champion`` (else what is shipped), ``pretrained``, or a number in the registry.
        profile: name for the description; "" is params.yaml.
    """

    model: str
    version: str
    profile: str


@dataclass(frozen=True)
class ExportedFolder:
    """What was written: the version, its folder, and what a clean process said of it."""

    version: str
    folder: Path
    check: CleanCheck


def export_model(
    project: Path, params: Params, workspace: Workspace, wish: ExportWish, out: Path
) -> ExportedFolder:
    """Write the exported model to ``out``, which appears whole and checked or not at all.

    Raises:
        DataError: ``out`` has content.
        RetryableError: no answer of the clean process in time.
        ConfigError: no such model or version, or a network that params.yaml does not ask for.
        BadInputError: it does not run, or does not say what was evaluated, outside the repository.
        StorageError: no space or no permission.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise DataError(
            who=str(out),
            expected="an empty or absent folder",
            found="one with content",
            action="name another --out",
        )
    name, weights = chosen_weights(project, params, workspace, wish.model, wish.version)
    version = _version(params, workspace, wish.model, name)
    evidence, evaluation = _evaluation(params, workspace, version, weights)
    what = contents(project, params, version, weights, evaluation, wish.profile or "a100", {})
    files = _files(project, params, workspace, version, what, evidence)
    what = Contents(what.description, what.delivered, what.auxiliaries, what.heard, files)
    with atomic_folder(out) as folder:
        write_bundle(folder, what)
        add_flavour(folder, what.description.kind, files[REQUIREMENTS].split())
        seal(folder)
        check = checked(project, params, folder, what.description)
        if not check.holds:
            raise BadInputError(
                who=f"export of {wish.model} v{name}",
                expected="what was evaluated, outside the repository",
                found=check.objection,
                action="evaluate this version again with this code and this profile; nothing was exported",
            )
    return ExportedFolder(name, out, check)


def _version(params: Params, workspace: Workspace, model: str, name: str) -> ModelVersion:
    if name == SHIPPED:
        return ModelVersion(model, SHIPPED, "", "", {})
    return services.registry_of(params.platform.mlflow, workspace).by_version(model, name)


def _evaluation(
    params: Params, workspace: Workspace, version: ModelVersion, weights: Path
) -> tuple[Evidence | None, Path]:
    """What is known about these weights, and the folder of the evaluation that heard them here."""
    nowhere = workspace.evaluation / ".none"
    sha256 = sha256_path(weights / "model.safetensors")
    found = None
    if version.version != SHIPPED:
        found = services.registry_of(params.platform.mlflow, workspace).evidence_of(version)
    for folder in (
        workspace.evaluation / version.model,
        workspace.evaluation / f"{version.model}-pretrained",
    ):
        if (folder / EVIDENCE).is_file():
            heard = read_evidence(folder / EVIDENCE)
            if heard.checkpoint_sha256 == sha256:
                return found or heard, folder
    return found, nowhere


def _files(
    project: Path,
    params: Params,
    workspace: Workspace,
    version: ModelVersion,
    what: Contents,
    evidence: Evidence | None,
) -> dict[str, str]:
    metric = evidence.metrics[0] if evidence and evidence.metrics else None
    card = CardFacts(
        description=what.description,
        voices=tuple(_voices(workspace.data, shipped(project), what.delivered)),
        data_md5=evidence.data_md5 if evidence else "",
        git_sha=metric.git_sha if metric else "",
        origins=f"{PARTS}/{DELIVERED}/{CARD}" if (what.delivered / CARD).is_file() else "",
        evidence=evidence,
        kpi=params.kpi,
    )
    lines = pinned({*what.code.packages, _TRACKING, "pandas"}, project / LOCK)
    files = {CARD: model_card(card), REQUIREMENTS: "\n".join(lines) + "\n"}
    return files | ({EVIDENCE: evidence.model_dump_json(indent=2) + "\n"} if evidence else {})


def _voices(data: Path, travelling: Path, delivered: Path) -> Iterator[VoiceTerms]:
    """The voices of the card with the terms that the registers here know."""
    known, licences = register_with_shipped(data, travelling), _licences(data)
    for speaker, consent in sorted(consents_of(delivered).items()):
        record = known.get(consent)
        yield _terms(speaker, consent, record, licences.get(speaker, ""))


def _terms(speaker: str, consent: str, record: ConsentRecord | None, licence: str) -> VoiceTerms:
    if record is None:
        basis = "synthetic" if consent.startswith("synthetic-") else ""
        return VoiceTerms(speaker, consent, basis, "", "", licence)
    expires = str(record.expires or "")
    return VoiceTerms(speaker, consent, record.basis, ", ".join(record.scope), expires, licence)


def _licences(data: Path) -> dict[str, str]:
    found: dict[str, set[str]] = {}
    for path in sorted(data.glob(f"*/{MANIFEST_NAME}")):
        for row in Corpus(path.parent).rows:
            found.setdefault(row.speaker_id, set()).add(row.licence)
    return {speaker: ", ".join(sorted(names)) for speaker, names in found.items()}
