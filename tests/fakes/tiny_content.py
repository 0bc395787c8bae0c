"""The content encoder of the ci profile."""

from __future__ import annotations

from components import catalogue
from components.auxiliaries.content.params import Section
from components.core.paths import project_root


def section_of(profile: str | None) -> Section:
    """``auxiliaries.content`` of a profile."""
    found = catalogue.load(project_root(), profile).auxiliaries["content"]
    assert isinstance(found, Section)
    return found
