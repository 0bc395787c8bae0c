"""Model versions and aliases on MLflow's registry (3.17). Weights are safetensors; nothing is pickled."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from contextlib import AbstractContextManager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from components.adapters.mlflow_client import answering, connect
from components.adapters.mlflow_models import LOGGED_MODEL_TAG, log_kpis, log_model
from components.core.errors import BadInputError, CorruptFileError
from components.core.metrics import Evidence
from components.core.ports import ModelVersion
from components.core.storage import sha256_json, sha256_path

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion as MlflowVersion

WEIGHTS_TAG = "weights_sha256"
EVIDENCE_TAG = "evidence_sha256"
_PREFIX = "iris-"
_DELIVERED_SUFFIXES = frozenset({".safetensors", ".json", ".md"})
_ABSENT = frozenset({"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"})


class MlflowRegistry:
    """Implements `components.core.ports.ModelRegistry`.

    A version's source is a copy of the delivered folder among its run's artefacts, named by its sha256: the
    workspace's own folder is overwritten by the next training. Aliases are read by
    ``get_model_version_by_alias``; ``search_model_versions`` leaves them empty on an SQL store.

    Args:
        tracking_uri: an MLflow server or ``sqlite:///…``.
        cache: where weights from a remote artefact store are laid; local ones are read in place.
        request_timeout_s: how long one request to a server may take.
    """

    def __init__(self, tracking_uri: str, cache: Path, request_timeout_s: int) -> None:
        self._uri = tracking_uri
        self._cache = cache
        self._timeout_s = request_timeout_s

    def register(self, model: str, run_id: str, source: Path, tags: Mapping[str, str]) -> ModelVersion:
        """A version for the delivered folder ``source``; the same run and bytes give the same version.

        Raises:
            BadInputError: ``source`` holds no safetensors, or a file that could be a pickle.
            TrackingUnavailableError: the registry does not answer.
        """
        _check_delivered(source)
        sha256 = sha256_path(source)
        with self._asking(f"register {model}"):
            known = self._version_of(model, run_id, sha256)
            if known is not None:
                return known
            self._ensure_model(model)
            folder = f"delivered/{sha256[:16]}"
            self._client.log_artifacts(run_id, str(source), folder)
            root = self._client.get_run(run_id).info.artifact_uri
            logged = log_model(self._client, _PREFIX + model, run_id, {WEIGHTS_TAG: sha256})
            made = self._client.create_model_version(
                _PREFIX + model,
                source=f"{root}/{folder}",
                run_id=run_id,
                tags={**tags, WEIGHTS_TAG: sha256, LOGGED_MODEL_TAG: logged},
                model_id=logged,
                await_creation_for=0,  # there is nothing to wait for: the files are there already
            )
            return _ours(made)

    def by_alias(self, model: str, alias: str) -> ModelVersion | None:
        """The version an alias points to, read afresh; None where alias or model is not there."""
        from mlflow.exceptions import MlflowException

        with self._asking(f"alias {alias} of {model}"):
            try:
                return _ours(self._client.get_model_version_by_alias(_PREFIX + model, alias))
            except MlflowException as error:
                if error.error_code in _ABSENT:
                    return None
                raise

    def by_version(self, model: str, version: str) -> ModelVersion:
        """A version by its number.

        Raises:
            BadInputError: there is no such version.
        """
        from mlflow.exceptions import MlflowException

        with self._asking(f"{model} v{version}"):
            try:
                return _ours(self._client.get_model_version(_PREFIX + model, version))
            except MlflowException as error:
                if error.error_code not in _ABSENT:
                    raise
                raise BadInputError(
                    who=f"{model} v{version}",
                    expected="a version in the registry",
                    found="none of that number",
                    action=f"look at {_PREFIX}{model} in MLflow for the versions there are",
                ) from error

    def versions(self, model: str) -> list[ModelVersion]:
        """Every version, the oldest first; none where the model is not there."""
        with self._asking(f"versions of {model}"):
            return [_ours(version) for version in self._all(model)]

    def set_alias(self, model: str, alias: str, version: str) -> None:
        """Point the alias at a version. The last writer wins: callers hold the promotion lease."""
        with self._asking(f"alias {alias} of {model}"):
            self._client.set_registered_model_alias(_PREFIX + model, alias, version)

    def delete_alias(self, model: str, alias: str) -> None:
        """Remove an alias; absent is fine."""
        if self.by_alias(model, alias) is not None:
            with self._asking(f"alias {alias} of {model}"):
                self._client.delete_registered_model_alias(_PREFIX + model, alias)

    def set_version_tags(self, model: str, version: str, tags: Mapping[str, str]) -> None:
        """Tag a version; the last value wins."""
        with self._asking(f"tags of {model} v{version}"):
            for key, value in tags.items():
                self._client.set_model_version_tag(_PREFIX + model, version, key, value)

    def weights(self, version: ModelVersion) -> Path:
        """The folder with that version's delivered files, on this machine, its bytes checked.

        Raises:
            CorruptFileError: the bytes are not the ones that were registered.
            TrackingUnavailableError: the artefact store does not answer.
        """
        from mlflow.artifacts import download_artifacts

        recorded = version.tags.get(WEIGHTS_TAG, "")
        with self._asking(f"weights of {version.model} v{version.version}"):
            local = Path(
                download_artifacts(
                    artifact_uri=version.source, tracking_uri=self._uri, **self._target(version)
                )
            )
        found = sha256_path(local)
        if found != recorded:
            raise CorruptFileError(
                who=f"weights of {version.model} v{version.version} in {local}",
                expected=f"sha256 {recorded or '(none recorded)'}",
                found=found,
                action="restore the artefact store from a backup, or register the version again",
            )
        return local

    def attach_evidence(self, version: ModelVersion, evidence: Evidence) -> None:
        """Keep evidence among the run's artefacts and tag the version with its sha256; earlier ones stay."""
        sha256 = sha256_json(evidence.model_dump(mode="json"))
        with self._asking(f"evidence of {version.model} v{version.version}"):
            self._client.log_text(version.run_id, evidence.model_dump_json(indent=2), _evidence_path(sha256))
            if LOGGED_MODEL_TAG in version.tags:  # a version of before has none
                log_kpis(self._client, version.tags[LOGGED_MODEL_TAG], evidence)
        self.set_version_tags(version.model, version.version, {EVIDENCE_TAG: sha256})

    def evidence_of(self, version: ModelVersion) -> Evidence | None:
        """The latest evidence about a version, None where none was attached.

        Raises:
            CorruptFileError: it cannot be read, or is not what the version's tag names.
        """
        sha256 = self.by_version(version.model, version.version).tags.get(EVIDENCE_TAG)
        if sha256 is None:
            return None
        who = f"evidence of {version.model} v{version.version}"
        with self._asking(who), tempfile.TemporaryDirectory(prefix="iris-evidence-") as folder:
            file = self._client.download_artifacts(version.run_id, _evidence_path(sha256), folder)
            text = Path(file).read_text(encoding="utf-8")
        try:
            evidence = Evidence.model_validate_json(text)
        except ValidationError as error:
            raise _corrupt_evidence(who, "a whole evidence record", str(error.errors()[0]["msg"])) from error
        found = sha256_json(evidence.model_dump(mode="json"))
        if found != sha256:
            raise _corrupt_evidence(who, f"sha256 {sha256}", found)
        return evidence

    @cached_property
    def _client(self) -> MlflowClient:
        return connect(self._uri, self._timeout_s)

    def _ensure_model(self, model: str) -> None:
        from mlflow.exceptions import MlflowException

        try:
            self._client.create_registered_model(_PREFIX + model)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise

    def _version_of(self, model: str, run_id: str, sha256: str) -> ModelVersion | None:
        """Filtered here rather than in the query, whose language has no escape for quotes."""
        for version in self._all(model):
            if version.run_id == run_id and version.tags.get(WEIGHTS_TAG) == sha256:
                return _ours(version)
        return None

    def _all(self, model: str) -> list[MlflowVersion]:
        found: list[MlflowVersion] = []
        token: str | None = None
        while token is None or token:
            page = self._client.search_model_versions(f"name = '{_PREFIX}{model}'", page_token=token)
            found += page
            token = page.token or ""
        return sorted(found, key=lambda version: int(version.version))

    def _target(self, version: ModelVersion) -> dict[str, str]:
        """Only remote artefacts are copied; a local path is used where it lies."""
        if version.source.startswith(("/", "file:")):
            return {}
        return {"dst_path": str(self._cache / version.model / version.version)}

    def _asking(self, what: str) -> AbstractContextManager[None]:
        return answering(self._uri, f"{what} in the model registry")


def _check_delivered(source: Path) -> None:
    files = [path for path in source.rglob("*") if path.is_file()] if source.is_dir() else []
    foreign = sorted(path.name for path in files if path.suffix not in _DELIVERED_SUFFIXES)
    if foreign or not any(path.suffix == ".safetensors" for path in files):
        raise BadInputError(
            who=str(source),
            expected=f".safetensors weights and only {', '.join(sorted(_DELIVERED_SUFFIXES))} files",
            found=", ".join(foreign[:5]) or "no weights",
            action="deliver weights as safetensors; pickled checkpoints are not registered",
        )


def _corrupt_evidence(who: str, expected: str, found: str) -> CorruptFileError:
    return CorruptFileError(
        who=who,
        expected=expected,
        found=found,
        action="evaluate this version again and attach the new evidence",
    )


def _evidence_path(sha256: str) -> str:
    return f"evidence/{sha256}.json"


def _ours(version: MlflowVersion) -> ModelVersion:
    return ModelVersion(
        model=version.name.removeprefix(_PREFIX),
        version=str(version.version),
        run_id=version.run_id or "",
        source=version.source,
        tags=dict(version.tags),
    )
