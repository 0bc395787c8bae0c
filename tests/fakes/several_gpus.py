"""The parameters of a profile with a model that trains on several GPUs or nodes."""

from __future__ import annotations

from components.core.params import Params


def spread(params: Params, nodes: int, gpus: int, model: str = "fastpitch") -> Params:
    """The same, ``model`` on ``nodes`` with ``gpus`` each."""
    section = params.models[model]
    resources = section.resources.model_copy(update={"nodes": nodes, "gpus": gpus})
    changed = section.model_copy(update={"resources": resources})
    return params.model_copy(update={"models": {**params.models, model: changed}})
