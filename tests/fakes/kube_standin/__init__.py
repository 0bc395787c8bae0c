"""A Kubernetes small enough for a test: an API server over HTTP and a kubelet that runs processes.

What it proves: that our operator, Airflow's clients (`kubernetes`, `kubernetes_asyncio`), our manifests and
our stages fit together. A pod is created, scheduled, run, followed, evicted, deleted and read through the
same requests as on a cluster; its command runs for real, with the environment that the manifest gives it
and nothing of the test's own; exit codes, phases, conditions and reasons are those that a kubelet writes.

What it does not prove: that a real API server takes the manifest (`admission` holds the schema and the
policies that a test hands over; there are no admission controllers, quotas or defaults), that a node fits
(no scheduler, no GPUs, no Kueue: labels are only kept), that anything reaches anything (no kube-proxy, DNS
or NetworkPolicy), nor isolation: a container is a process group of this user, sees this machine's files,
may write anywhere and takes whatever memory it likes. Clock, disk and kernel are shared. There is no exec,
hence no XCom sidecar.

One difference is on purpose: the interpreter of a *warm* image is forked from one that has the third-party
libraries loaded already, because importing them again for each pod would cost more than the stages.
"""

from kube_standin.cluster import Cluster
from kube_standin.faults import Faults
from kube_standin.images import Image, stage_environment
from kube_standin.processes import Nursery

__all__ = ["Cluster", "Faults", "Image", "Nursery", "stage_environment"]
