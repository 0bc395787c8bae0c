"""What the maintenance commands of this folder need of params.yaml: the seed and the section ``data``."""

from __future__ import annotations

import yaml

from components.core.params.data import DataParams
from components.core.paths import project_root


def seed_and_data() -> tuple[int, DataParams]:
    """From params.yaml without a profile; the models, whose types stand in rooms above, are not read."""
    values = yaml.safe_load((project_root() / "params.yaml").read_text(encoding="utf-8"))
    return int(values["seed"]), DataParams.model_validate(values["data"])
