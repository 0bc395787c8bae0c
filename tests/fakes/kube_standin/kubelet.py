"""The kubelet: takes the pods that are created, ends those that are deleted, reports events."""

from __future__ import annotations

import itertools
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from kube_standin import status
from kube_standin.faults import Faults
from kube_standin.images import Image
from kube_standin.life import PodLife
from kube_standin.store import Manifest, Store, now


class Kubelet:
    """Runs the pods of a store.

    Args:
        pods: what it watches and whose status it writes.
        events: where it reports.
        faults: asked at each step of a pod's life.
        images: repository or whole reference → image; ``*`` for any other.
        claims: claim name → folder.
        secrets: secret name → its keys.
    """

    def __init__(
        self,
        pods: Store,
        events: Store,
        faults: Faults,
        images: Mapping[str, Image],
        claims: Mapping[str, Path],
        secrets: Mapping[str, Mapping[str, str]],
    ) -> None:
        self.pods, self.events, self.faults = pods, events, faults
        self.images, self.claims, self.secrets = images, claims, secrets
        self.lives: dict[tuple[str, str], PodLife] = {}
        self.scratch = Path(tempfile.mkdtemp(prefix="kube-standin-"))
        self._numbers = itertools.count()

    def take(self, pod: Manifest) -> None:
        """Begin the life of a pod that was created."""
        life = PodLife(self, pod)
        self.lives[life.namespace, life.name] = life
        life.start()

    def delete(self, pod: Manifest, grace_s: float | None) -> None:
        """What follows a DELETE: SIGTERM, grace, SIGKILL, and only then the object goes."""
        life = self.lives.get((pod["metadata"]["namespace"], pod["metadata"]["name"]))
        if life is None or not life.is_alive():
            self.pods.remove(pod["metadata"]["namespace"], pod["metadata"]["name"])
            return
        life.remove = True
        life.stop(life.grace_s if grace_s is None else grace_s)

    def image(self, reference: str) -> Image | None:
        """The image of a reference: named whole, by its repository, or by ``*``."""
        for key in (reference, reference.split("@", maxsplit=1)[0], "*"):
            if key in self.images:
                return self.images[key]
        return None

    def tell(self, pod: Manifest, reason: str, message: str, kind: str = "Normal") -> None:
        """An event about the pod."""
        metadata = pod["metadata"]
        involved = {"kind": "Pod", "namespace": metadata["namespace"], "name": metadata["name"]}
        event = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": f"{metadata['name']}.{next(self._numbers):x}"},
            "involvedObject": involved | {"uid": metadata["uid"]},
            "reason": reason,
            "message": message,
            "type": kind,
            "count": 1,
            "firstTimestamp": now(),
            "lastTimestamp": now(),
            "source": {"component": "kubelet", "host": status.NODE},
        }
        self.events.add(metadata["namespace"], event)

    def close(self) -> None:
        """End every container and forget the scratch space."""
        for life in tuple(self.lives.values()):
            life.stop(0)
        for life in tuple(self.lives.values()):
            life.join(10)
        shutil.rmtree(self.scratch, ignore_errors=True)
