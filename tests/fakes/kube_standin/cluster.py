"""API server, kubelet and faults together, and the kubeconfig that leads to them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

import yaml

from kube_standin.admission import Policy
from kube_standin.api import ApiServer
from kube_standin.faults import Faults
from kube_standin.images import Image
from kube_standin.kubelet import Kubelet
from kube_standin.store import Manifest, Store

_TOKEN = "a-token-of-the-stand-in"
_END_S = 300.0


class Cluster:
    """A stand-in that runs until it is left (``with``).

    Args:
        folder: where the kubeconfig goes.
        images: repository → image, ``*`` for any.
        claims: claim → folder.
        secrets: what ``envFrom`` finds.
        policies: what PodSecurity refuses; each yields what is wrong with a list of manifests.
    """

    def __init__(
        self,
        folder: Path,
        images: Mapping[str, Image],
        claims: Mapping[str, Path],
        secrets: Mapping[str, Mapping[str, str]],
        policies: tuple[Policy, ...] = (),
    ) -> None:
        self.faults = Faults()
        self.pods, self.events = Store("Pod"), Store("Event")
        self.images, self.claims = dict(images), dict(claims)
        self.kubelet = Kubelet(self.pods, self.events, self.faults, self.images, self.claims, secrets)
        self.api = ApiServer(self.kubelet, policies, _TOKEN)
        self.kubeconfig = folder / "kubeconfig.yaml"
        self.kubeconfig.write_text(yaml.safe_dump(self._kubeconfig()), encoding="utf-8")

    def __enter__(self) -> Cluster:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End everything that runs."""
        self.api.gone()
        self.kubelet.close()

    def created(self) -> list[Manifest]:
        """Every pod that was ever created, as it was then."""
        return [pod for _, change, pod in self.pods.history if change == "ADDED"]

    def log(self, name: str) -> str:
        """What a pod wrote, also when its object is gone."""
        for (_, known), life in self.kubelet.lives.items():
            if known == name and life.container is not None:
                return life.container.log.text()
        return ""

    def wait_until_still(self) -> None:
        """Until no container runs any more."""
        for life in tuple(self.kubelet.lives.values()):
            life.join(_END_S)

    def _kubeconfig(self) -> dict[str, object]:
        name = "standin"
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": name,
            "clusters": [{"name": name, "cluster": {"server": self.api.url}}],
            "users": [{"name": name, "user": {"token": _TOKEN}}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        }
