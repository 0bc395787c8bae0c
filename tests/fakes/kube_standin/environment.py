"""What a container sees: its environment, with the paths of its mounts turned into folders of ours."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from kube_standin.images import Image
from kube_standin.status import NODE
from kube_standin.store import Manifest

_LABEL = re.compile(r"metadata\.(labels|annotations)\['(.+)'\]")


class ConfigError(Exception):
    """The kubelet's ``CreateContainerConfigError``: something the pod names does not exist."""


class Mounts:
    """Mount path → folder. ``/app`` is the image's root; claims are shared, an emptyDir is the pod's own."""

    def __init__(self, pod: Manifest, image: Image, claims: Mapping[str, Path], scratch: Path) -> None:
        scratch.mkdir(parents=True, exist_ok=True)
        self._scratch = scratch
        volumes = {volume["name"]: volume for volume in pod["spec"].get("volumes", [])}
        self.folders: dict[str, Path] = {"/app": image.app}
        for mount in pod["spec"]["containers"][0].get("volumeMounts", []):
            folder = _folder(volumes[mount["name"]], claims, scratch)
            if folder is None:
                continue
            below = folder / mount.get("subPath", "")
            below.mkdir(parents=True, exist_ok=True)
            self.folders[mount["mountPath"]] = below

    def add_file(self, path: str, name: str) -> None:
        """An empty file of the pod's own, mounted at ``path``."""
        (self._scratch / name).touch()
        self.folders[path] = self._scratch / name

    def translate(self, text: str) -> str:
        """The same text with every path below a mount pointing at its folder; the deepest mount decides."""
        for mounted in sorted(self.folders, key=len, reverse=True):
            pattern = rf"(?<![\w.\-/]){re.escape(mounted)}(?=/|$|[:,;\s])"
            if re.search(pattern, text):
                return re.sub(pattern, str(self.folders[mounted]), text)
        return text


def environment_of(
    pod: Manifest, image: Image, mounts: Mounts, secrets: Mapping[str, Mapping[str, str]]
) -> dict[str, str]:
    """The image's environment, then ``envFrom``, then ``env``, as the kubelet lays them over each other.

    Raises:
        ConfigError: a secret that is not optional does not exist.
    """
    container = pod["spec"]["containers"][0]
    values = dict(image.environment)
    for source in container.get("envFrom", []):
        values |= _secret(source.get("secretRef", {}), secrets)
    for entry in container.get("env", []):
        reference = entry.get("valueFrom", {})
        if "fieldRef" in reference:
            values[entry["name"]] = _field(pod, reference["fieldRef"]["fieldPath"])
        elif "secretKeyRef" in reference:
            named = reference["secretKeyRef"]
            values[entry["name"]] = _secret(named, secrets).get(named["key"], "")
        else:
            values[entry["name"]] = entry.get("value", "")
    values["HOSTNAME"] = pod["metadata"]["name"]
    return {name: mounts.translate(value) for name, value in values.items()}


def _folder(volume: Manifest, claims: Mapping[str, Path], scratch: Path) -> Path | None:
    if "persistentVolumeClaim" in volume:
        name = volume["persistentVolumeClaim"]["claimName"]
        if name not in claims:
            raise ConfigError(f'persistentvolumeclaim "{name}" not found')
        return claims[name]
    if volume.get("emptyDir", {}).get("medium") == "Memory":
        return None  # /dev/shm is this machine's own
    return scratch / str(volume["name"])


def _secret(reference: Manifest, secrets: Mapping[str, Mapping[str, str]]) -> Mapping[str, str]:
    name = reference.get("name", "")
    if name in secrets:
        return secrets[name]
    if name and not reference.get("optional"):
        raise ConfigError(f'secret "{name}" not found')
    return {}


def _field(pod: Manifest, path: str) -> str:
    metadata = pod["metadata"]
    if found := _LABEL.fullmatch(path):
        return str(metadata.get(found[1], {}).get(found[2], ""))
    known = {
        "metadata.name": metadata["name"],
        "metadata.namespace": metadata["namespace"],
        "metadata.uid": metadata["uid"],
        "spec.nodeName": pod["spec"].get("nodeName", NODE),
        "spec.serviceAccountName": pod["spec"].get("serviceAccountName", "default"),
        "status.podIP": "192.0.2.2",
    }
    return str(known[path])
