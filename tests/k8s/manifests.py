"""Where the manifests under test come from: overlays as kustomize renders them, or the files as they lie.

Rendering is kustomize's business. Where neither ``kubectl`` nor ``kustomize`` is installed, the files that
an overlay names are read unpatched (only its ``images`` are put in): the policies still see every object.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from components.core.paths import project_root

Manifest = dict[str, Any]
ROOT = project_root()
OVERLAYS = sorted(path.parent for path in ROOT.glob("k8s/overlays/*/kustomization.yaml"))
#: Site values that lead nowhere until somebody fills them in; the guide's table names their places.
PLACEHOLDERS = ("registry.invalid", "0" * 64, "192.0.2.")


def kustomize() -> list[str] | None:
    """The command that renders a folder, or None."""
    if shutil.which("kubectl"):
        return ["kubectl", "kustomize"]
    return ["kustomize", "build"] if shutil.which("kustomize") else None


@cache
def rendered(overlay: Path) -> str:
    """The overlay as YAML text; needs kustomize."""
    command = kustomize()
    assert command
    done = subprocess.run([*command, str(overlay)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@cache
def unrendered(overlay: Path) -> str:
    """Every file the overlay names, directly or through bases and components, unpatched."""
    images = {image["name"]: image for image in _kustomization(overlay)["images"]}
    manifests = [_with_images(manifest, images) for path in _files(overlay) for manifest in read(path)]
    return yaml.safe_dump_all(manifests)


def read(path: Path) -> list[Manifest]:
    """The objects in a file."""
    return [one for one in yaml.safe_load_all(path.read_text(encoding="utf-8")) if one]


def pod_specs(manifests: list[Manifest]) -> Iterator[tuple[Manifest, Manifest, Manifest]]:
    """Each object that makes pods, with its pod template and that template's spec."""
    for manifest in manifests:
        template = _template(manifest)
        if template is not None:
            yield manifest, template, template["spec"]


def named(manifest: Manifest) -> str:
    """``Kind namespace/name``."""
    metadata = manifest["metadata"]
    return f"{manifest['kind']} {metadata.get('namespace', '')}/{metadata['name']}"


def _template(manifest: Manifest) -> Manifest | None:
    spec = manifest.get("spec") or {}
    if manifest["kind"] == "Pod":
        return manifest
    if manifest["kind"] == "CronJob":
        spec = spec["jobTemplate"]["spec"]
    if manifest["kind"] in {"Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob"}:
        return spec["template"]  # type: ignore[no-any-return]
    return None


def _kustomization(folder: Path) -> Manifest:
    return yaml.safe_load((folder / "kustomization.yaml").read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def _files(folder: Path) -> Iterator[Path]:
    described = _kustomization(folder)
    for name in [*described.get("resources", []), *described.get("components", [])]:
        path = (folder / name).resolve()
        if path.is_dir():
            yield from _files(path)
        else:
            yield path


def _with_images(manifest: Manifest, images: dict[str, Manifest]) -> Manifest:
    for _, _, spec in pod_specs([manifest]):
        for container in [*spec.get("initContainers", []), *spec["containers"]]:
            if container["image"] in images:
                image = images[container["image"]]
                container["image"] = f"{image['newName']}@{image['digest']}"
    return manifest
