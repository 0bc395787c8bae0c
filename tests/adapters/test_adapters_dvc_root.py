"""The repository's own DVC set-up agrees with the code that writes one for a workspace."""

from __future__ import annotations

import configparser

from components import catalogue
from components.adapters.dvc_versions import IGNORED
from components.core.paths import Workspace, project_root


def test_the_root_repository_is_set_up_like_a_workspace() -> None:
    root = project_root()
    config = configparser.ConfigParser()
    config.read(root / ".dvc" / "config", encoding="utf-8")
    name = catalogue.load(root, None).data.dvc.remote_name
    remote = config[f"'remote \"{name}\"'"]
    assert config["core"]["remote"] == name
    assert config["core"]["analytics"] == "false"
    assert remote["verify"] == "true"
    assert (root / ".dvc" / remote["url"]).resolve() == Workspace.of_project(root).dvc_remote
    assert (root / ".dvcignore").read_text(encoding="utf-8") == IGNORED
