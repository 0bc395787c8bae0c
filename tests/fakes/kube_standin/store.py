"""Pods and events as the API server keeps them: versioned, watchable, merged by patch."""

from __future__ import annotations

import copy
import datetime
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Manifest = dict[str, Any]
ADDED, MODIFIED, DELETED = "ADDED", "MODIFIED", "DELETED"
_POLL_S = 0.5


def now() -> str:
    """This moment as the API writes it, to the second like a real one."""
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class NotFoundError(LookupError):
    """404."""


class AlreadyExistsError(ValueError):
    """409."""


class Store:
    """Objects of one kind, by namespace and name; each change has a number, watchers see them in order."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.history: list[tuple[int, str, Manifest]] = []
        self._objects: dict[tuple[str, str], Manifest] = {}
        self._changed = threading.Condition()
        self._version = 0

    @property
    def version(self) -> int:
        """``resourceVersion`` of the newest change."""
        return self._version

    def add(self, namespace: str, manifest: Manifest) -> Manifest:
        """Keep a new object.

        Raises:
            AlreadyExistsError: its name is taken.
        """
        manifest = copy.deepcopy(manifest)
        metadata = manifest["metadata"]
        with self._changed:
            if (namespace, metadata["name"]) in self._objects:
                raise AlreadyExistsError(metadata["name"])
            metadata |= {"namespace": namespace, "uid": str(uuid.uuid4()), "creationTimestamp": now()}
            self._keep(ADDED, manifest)
            return copy.deepcopy(manifest)

    def get(self, namespace: str, name: str) -> Manifest:
        """A copy.

        Raises:
            NotFoundError: there is none.
        """
        with self._changed:
            return copy.deepcopy(self._one(namespace, name))

    def change(self, namespace: str, name: str, edit: Callable[[Manifest], object]) -> Manifest:
        """Apply ``edit`` to the object.

        Raises:
            NotFoundError: there is none.
        """
        with self._changed:
            manifest = copy.deepcopy(self._one(namespace, name))
            edit(manifest)
            self._keep(MODIFIED, manifest)
            return copy.deepcopy(manifest)

    def remove(self, namespace: str, name: str) -> None:
        """Forget it; of no consequence where it is gone already."""
        with self._changed:
            manifest = self._objects.pop((namespace, name), None)
            if manifest is not None:
                self._version += 1
                manifest["metadata"]["resourceVersion"] = str(self._version)
                self._tell(DELETED, manifest)

    def list(self, namespace: str, wanted: Callable[[Manifest], bool]) -> list[Manifest]:
        """Copies of those that match, oldest first."""
        with self._changed:
            found = [m for (where, _), m in self._objects.items() if where == namespace and wanted(m)]
            return copy.deepcopy(found)

    def watch(
        self, namespace: str, wanted: Callable[[Manifest], bool], after: int, ended: Callable[[], bool]
    ) -> Iterator[tuple[str, Manifest]]:
        """Changes later than version ``after``, as they come, until ``ended``."""
        seen = 0
        while not ended():
            with self._changed:
                if seen == len(self.history):
                    self._changed.wait(_POLL_S)
                fresh, seen = self.history[seen:], len(self.history)
            for version, change, manifest in fresh:
                if version > after and manifest["metadata"]["namespace"] == namespace and wanted(manifest):
                    yield change, manifest

    def wait_for(self, holds: Callable[[], bool], timeout_s: float) -> bool:
        """Whether ``holds`` came true within the time; looked at after each change."""
        with self._changed:
            return self._changed.wait_for(holds, timeout_s)

    def _one(self, namespace: str, name: str) -> Manifest:
        if (namespace, name) not in self._objects:
            raise NotFoundError(f'{self.kind.lower()}s "{name}" not found')
        return self._objects[namespace, name]

    def _keep(self, change: str, manifest: Manifest) -> None:
        self._version += 1
        metadata = manifest["metadata"]
        metadata["resourceVersion"] = str(self._version)
        self._objects[metadata["namespace"], metadata["name"]] = manifest
        self._tell(change, manifest)

    def _tell(self, change: str, manifest: Manifest) -> None:
        self.history.append((self._version, change, copy.deepcopy(manifest)))
        self._changed.notify_all()


def merge(target: Manifest, patch: Mapping[str, Any]) -> None:
    """A merge patch (RFC 7396): null removes, objects merge, everything else replaces."""
    for key, value in patch.items():
        if value is None:
            target.pop(key, None)
        elif isinstance(value, Mapping) and isinstance(target.get(key), dict):
            merge(target[key], value)
        else:
            target[key] = copy.deepcopy(value)


def by_labels(selector: str) -> Callable[[Manifest], bool]:
    """A label selector: ``a=b``, ``a==b``, ``a!=b``, ``a``, ``!a``, joined by commas."""
    terms = [term.strip() for term in selector.split(",") if term.strip()]

    def matches(manifest: Manifest) -> bool:
        labels = manifest["metadata"].get("labels") or {}
        return all(_holds(term, labels) for term in terms)

    return matches


def _holds(term: str, labels: Mapping[str, str]) -> bool:
    if "!=" in term:
        key, value = term.split("!=", 1)
        return labels.get(key) != value
    if "=" in term:
        key, value = term.replace("==", "=").split("=", 1)
        return labels.get(key) == value
    return term[1:] not in labels if term.startswith("!") else term in labels


def by_fields(selector: str) -> Callable[[Manifest], bool]:
    """A field selector: ``involvedObject.name=x``, joined by commas."""
    terms = [term.split("=", 1) for term in selector.replace("==", "=").split(",") if term]

    def matches(manifest: Manifest) -> bool:
        return all(_at(manifest, path.split(".")) == value for path, value in terms)

    return matches


def _at(value: Any, path: list[str]) -> object:
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value
