"""A Kubernetes small enough for a test: an API server over HTTP and a kubelet whose containers are processes.

What it proves: that our operator, Airflow's clients (`kubernetes` and `kubernetes_asyncio`), our pod manifests
and our stages fit together. A pod is created, scheduled, run, followed, evicted, deleted and read through the
same requests as on a cluster; its command runs for real, with the environment that the manifest gives it and
nothing of the test's own; exit codes, phases, conditions and reasons are those that a kubelet writes.

What it does not prove: that a real API server takes the manifest (no admission controllers, no schema, no
quota; `admission` holds the few rules that matter here), that a node fits (no scheduler, no GPUs, no Kueue:
labels are only checked to be there), that anything reaches anything (no kube-proxy, DNS or NetworkPolicy), nor
isolation: a container is a process group of this user, sees this machine's files, may write anywhere, and
takes whatever memory it likes. Clocks, disks and kernels are shared. There is no exec, hence no XCom sidecar.

One difference is on purpose: the interpreter of a *warm* image is forked from one that has the third-party
libraries loaded already, because importing them again for each pod would cost more than the stages.
"""

from kube_standin.cluster import Cluster
from kube_standin.faults import Faults
from kube_standin.images import Image

__all__ = ["Cluster", "Faults", "Image"]
