"""A share is named as number/of how many; anything else is told before a corpus is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.core.errors import BadInputError, ConfigError
from components.core.paths import Workspace, project_root
from components.stages.features_shard import extract_shard
from components.stages.runner import Request


@pytest.mark.parametrize("shard", ["4/4", "-1/4", "1", "1/", "/2", "0/0", "a/b", "1/2/3"])
def test_no_such_share(shard: str, tmp_path: Path) -> None:
    request = Request("features", "fastpitch", "ci", Workspace.embedded(tmp_path), project_root())
    with pytest.raises(BadInputError, match="0/4"):
        extract_shard(request, shard)


def test_a_share_of_data_that_nobody_validated_is_refused(tmp_path: Path) -> None:
    request = Request("features", "fastpitch", "ci", Workspace.embedded(tmp_path), project_root())
    with pytest.raises(ConfigError, match="no record of it"):
        extract_shard(request, "0/2")
    assert not (tmp_path / "features").exists()
