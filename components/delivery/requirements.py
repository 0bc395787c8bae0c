"""What an exported model needs installed: the part of requirements.lock that its imports reach."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from components.core.errors import ConfigError

LOCK = "requirements.lock"


def pinned(packages: Iterable[str], lock: Path) -> list[str]:
    """``name==version`` of every distribution behind the imported packages, and of what these need.

    Args:
        packages: top-level names as they are imported; those of the standard library are left out.
        lock: the tested versions.

    Raises:
        ConfigError: no lock there, or an imported package that it does not hold.
    """
    versions = _locked(lock)
    owners = metadata.packages_distributions()
    pending: list[str] = []
    for package in sorted(set(packages) - set(sys.stdlib_module_names)):
        owned = [canonicalize_name(name) for name in owners.get(package, ())]
        known = [name for name in owned if name in versions]
        if not known:
            raise ConfigError(
                who=f"package {package!r}",
                expected=f"a pinned distribution in {lock.name}",
                found=", ".join(owned) or "not installed",
                action="add it to requirements.lock: what is exported must be installable",
            )
        pending += known
    reached: set[str] = set()
    while pending:
        name = pending.pop()
        if name not in reached:
            reached.add(name)
            pending += [need for need in _needs(name) if need in versions]
    return [f"{name}=={versions[name]}" for name in sorted(reached)]


def _locked(lock: Path) -> dict[str, str]:
    try:
        lines = lock.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise ConfigError(
            who=str(lock),
            expected="the lock of tested versions",
            found="none",
            action="export from the repository",
        ) from error
    pins = (line.partition("==") for line in lines if "==" in line and not line.startswith("#"))
    return {canonicalize_name(name.strip()): version.strip() for name, _, version in pins}


def _needs(name: str) -> list[str]:
    """Names that a distribution requires here, without its extras."""
    try:
        lines = metadata.requires(name) or []
    except metadata.PackageNotFoundError:
        return []
    found: list[str] = []
    for line in lines:
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            continue
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            found.append(canonicalize_name(requirement.name))
    return found
