"""What we hold every manifest to: a policy takes all objects of an overlay and tells what is wrong."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator

from manifests import Manifest, named, pod_specs

Policy = Callable[[list[Manifest]], Iterator[str]]
#: What the pod operator needs; anything beyond wants a reason in rbac.yaml and a line here.
ALLOWED_VERBS = {
    "pods": {"create", "delete", "get", "list", "patch"},
    "pods/log": {"get"},
    "events": {"list", "watch"},
    "jobs": {"create", "delete"},
    "jobs/status": {"get"},
}
#: An address block wider than this is no named destination.
WIDEST_PREFIX = 16
_SECRET_NAME = re.compile(
    r"PASSWORD|PASSWD|SECRET|TOKEN|ACCESS_KEY|API_KEY|CREDENTIAL|STORE_URI", re.IGNORECASE
)
_PASSWORD_IN_URL = re.compile(r"://[^/\s:@$]+:[^/\s@$]+@")
GPU = "requests.nvidia.com/gpu"
AIRFLOW_PARTS = ("scheduler", "dag-processor", "api-server", "triggerer", "worker")


def restricted_pods(manifests: list[Manifest]) -> Iterator[str]:
    """Pod Security `restricted`, for every container of every kind, and a read-only root beyond it."""
    for manifest, _, spec in pod_specs(manifests):
        who, context = named(manifest), spec.get("securityContext", {})
        for field in ("hostNetwork", "hostPID", "hostIPC"):
            if spec.get(field):
                yield f"{who}: {field}"
        if context.get("runAsNonRoot") is not True or context.get("runAsUser", 0) == 0:
            yield f"{who}: may run as root"
        if context.get("seccompProfile") != {"type": "RuntimeDefault"}:
            yield f"{who}: no seccomp profile"
        if spec.get("enableServiceLinks") is not False:
            yield f"{who}: service links fill its environment"
        for container in _containers(spec):
            wanted = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True}
            given = container.get("securityContext", {})
            if {key: given.get(key) for key in wanted} != wanted:
                yield f"{who}/{container['name']}: {wanted} expected"
            if given.get("capabilities") != {"drop": ["ALL"]}:
                yield f"{who}/{container['name']}: capabilities not dropped"
            if (
                given.get("privileged")
                or given.get("runAsUser", 1) == 0
                or given.get("runAsNonRoot") is False
            ):
                yield f"{who}/{container['name']}: takes back what the pod forbids"


def sized_volumes(manifests: list[Manifest]) -> Iterator[str]:
    """No host path; what is empty at first has a limit."""
    for manifest, _, spec in pod_specs(manifests):
        for volume in spec.get("volumes", []):
            if "hostPath" in volume:
                yield f"{named(manifest)}: volume {volume['name']} is a host path"
            if "emptyDir" in volume and not volume["emptyDir"].get("sizeLimit"):
                yield f"{named(manifest)}: volume {volume['name']} has no limit"


def images_by_digest(manifests: list[Manifest]) -> Iterator[str]:
    """An image is a digest, so that what was tested is what runs."""
    for manifest, _, spec in pod_specs(manifests):
        for container in _containers(spec):
            if not re.search(r"@sha256:[0-9a-f]{64}$", container["image"]):
                yield f"{named(manifest)}/{container['name']}: image {container['image']}"


def limits_everywhere(manifests: list[Manifest]) -> Iterator[str]:
    """Requests and limits of CPU, memory and scratch space."""
    for manifest, _, spec in pod_specs(manifests):
        for container in _containers(spec):
            resources = container.get("resources", {})
            for kind in ("requests", "limits"):
                missing = {"cpu", "memory", "ephemeral-storage"} - set(resources.get(kind, {}))
                if missing:
                    yield f"{named(manifest)}/{container['name']}: no {kind} of {', '.join(sorted(missing))}"


def no_needless_token(manifests: list[Manifest]) -> Iterator[str]:
    """Nobody in these manifests speaks to the API server (Airflow's accounts are its chart's): no token."""
    for manifest in manifests:
        mounts = manifest.get("automountServiceAccountToken") is not False
        if manifest["kind"] == "ServiceAccount" and mounts:
            yield f"{named(manifest)}: token"
    for manifest, _, spec in pod_specs(manifests):
        if spec.get("automountServiceAccountToken") is not False:
            yield f"{named(manifest)}: mounts a token"


def narrow_roles(manifests: list[Manifest]) -> Iterator[str]:
    """Namespaced roles with the verbs that are used, and no wildcard anywhere."""
    for manifest in manifests:
        if manifest["kind"] in {"ClusterRole", "ClusterRoleBinding"}:
            yield f"{named(manifest)}: reaches the whole cluster"
        for rule in manifest.get("rules") or () if manifest["kind"] == "Role" else ():
            if "*" in [*rule["apiGroups"], *rule["resources"], *rule["verbs"]]:
                yield f"{named(manifest)}: wildcard"
            for resource in rule["resources"]:
                beyond = set(rule["verbs"]) - ALLOWED_VERBS.get(resource, set())
                if beyond:
                    yield f"{named(manifest)}: {', '.join(sorted(beyond))} on {resource}"


def default_deny(manifests: list[Manifest]) -> Iterator[str]:
    """Each namespace is closed until a policy opens a door."""
    closed = {
        manifest["metadata"]["namespace"]
        for manifest in manifests
        if manifest["kind"] == "NetworkPolicy"
        and manifest["spec"] == {"podSelector": {}, "policyTypes": manifest["spec"]["policyTypes"]}
        and set(manifest["spec"]["policyTypes"]) == {"Ingress", "Egress"}
    }
    for namespace in _namespaces(manifests):
        if namespace not in closed:
            yield f"namespace {namespace}: no default-deny"


def named_doors(manifests: list[Manifest]) -> Iterator[str]:
    """A policy that opens a door says which one: to or from whom, why, on which ports."""
    for manifest in manifests:
        if manifest["kind"] != "NetworkPolicy" or manifest["metadata"]["name"] == "default-deny":
            continue
        who, spec = named(manifest), manifest["spec"]
        if not re.search(r"-(to|from)-", manifest["metadata"]["name"]):
            yield f"{who}: the name says no destination"
        if not manifest["metadata"].get("annotations", {}).get("iris/reason"):
            yield f"{who}: no reason"
        if not spec.get("podSelector"):
            yield f"{who}: opens the door for every pod"
        for rule, side in [(r, "to") for r in spec.get("egress", [])] + [
            (r, "from") for r in spec.get("ingress", [])
        ]:
            if not rule.get("ports"):
                yield f"{who}: all ports"
            if not rule.get(side):
                yield f"{who}: everybody"
            for peer in rule.get(side, []):
                block = peer.get("ipBlock", {}).get("cidr")
                if block and ipaddress.ip_network(block).prefixlen < WIDEST_PREFIX:
                    yield f"{who}: {block} is no named destination"
                if not block and not any(peer.get(key) for key in ("podSelector", "namespaceSelector")):
                    yield f"{who}: a peer that selects everything"


def doors_lead_to_pods(manifests: list[Manifest]) -> Iterator[str]:
    """Every selector of a policy finds a pod: a mistyped label would close the door, or open none."""
    known = [template["metadata"].get("labels", {}) for _, template, _ in pod_specs(manifests)]
    known += [{"tier": "airflow", "component": part} for part in AIRFLOW_PARTS]  # its chart's labels
    known.append({"k8s-app": "kube-dns"})
    for manifest in manifests:
        if manifest["kind"] != "NetworkPolicy":
            continue
        spec = manifest["spec"]
        peers = [peer for rule in spec.get("egress", []) for peer in rule.get("to", [])]
        peers += [peer for rule in spec.get("ingress", []) for peer in rule.get("from", [])]
        for selector in [spec["podSelector"], *(p["podSelector"] for p in peers if "podSelector" in p)]:
            if not any(_selects(selector, labels) for labels in known):
                yield f"{named(manifest)}: {selector} finds no pod"


def enforced_namespaces(manifests: list[Manifest]) -> Iterator[str]:
    """Pod Security `restricted` is enforced, at a pinned version."""
    for manifest in manifests:
        if manifest["kind"] == "Namespace":
            labels = manifest["metadata"].get("labels", {})
            for mode in ("enforce", "audit", "warn"):
                if labels.get(f"pod-security.kubernetes.io/{mode}") != "restricted":
                    yield f"{named(manifest)}: {mode} is not restricted"
                if not re.fullmatch(r"v1\.\d+", labels.get(f"pod-security.kubernetes.io/{mode}-version", "")):
                    yield f"{named(manifest)}: {mode} without a pinned version"


def complete_quotas(manifests: list[Manifest]) -> Iterator[str]:
    """Each namespace has a quota over pods, CPU, memory, GPUs and storage; nothing is open to outside."""
    quotas = {
        manifest["metadata"]["namespace"]: manifest["spec"]["hard"]
        for manifest in manifests
        if manifest["kind"] == "ResourceQuota"
    }
    wanted = {
        "pods",
        "requests.cpu",
        "limits.cpu",
        "requests.memory",
        "limits.memory",
        GPU,
        "requests.storage",
    }
    for namespace in _namespaces(manifests):
        hard = quotas.get(namespace, {})
        if missing := wanted - set(hard):
            yield f"namespace {namespace}: quota without {', '.join(sorted(missing))}"
        for outside in ("services.nodeports", "services.loadbalancers"):
            if hard.get(outside) != "0":
                yield f"namespace {namespace}: {outside} not 0"
    for manifest in manifests:
        if manifest["kind"] == "Service" and manifest["spec"].get("type") != "ClusterIP":
            yield f"{named(manifest)}: reachable from outside"


def sound_jobs(manifests: list[Manifest]) -> Iterator[str]:
    """A job says which ends count as failure, and the API takes that only with restartPolicy Never."""
    for manifest in manifests:
        if manifest["kind"] not in {"Job", "CronJob"}:
            continue
        who = named(manifest)
        spec = manifest["spec"] if manifest["kind"] == "Job" else manifest["spec"]["jobTemplate"]["spec"]
        pod = spec["template"]["spec"]
        rules = spec.get("podFailurePolicy", {}).get("rules", [])
        if not rules:
            yield f"{who}: no podFailurePolicy"
        if rules and pod.get("restartPolicy") != "Never":
            yield f"{who}: podFailurePolicy needs restartPolicy Never"
        conditions = [
            c["type"] for rule in rules if rule["action"] == "Ignore" for c in rule.get("onPodConditions", [])
        ]
        if rules and "DisruptionTarget" not in conditions:
            yield f"{who}: an eviction counts as a failure"
        containers = {container["name"] for container in pod["containers"]}
        for rule in rules:
            codes = rule.get("onExitCodes", {})
            if codes.get("containerName", next(iter(containers))) not in containers:
                yield f"{who}: podFailurePolicy names no container of the pod"
            if codes.get("operator") == "In" and 0 in codes["values"]:
                yield f"{who}: exit code 0 is no failure"
        for field in ("activeDeadlineSeconds", "ttlSecondsAfterFinished"):
            if not spec.get(field):
                yield f"{who}: no {field}"


def secrets_by_reference(manifests: list[Manifest]) -> Iterator[str]:
    """No secret object, no value that is one, no password in an address."""
    for manifest in manifests:
        if manifest["kind"] == "Secret":
            yield f"{named(manifest)}: a secret in the repository"
        for value in _texts(manifest):
            if _PASSWORD_IN_URL.search(value):
                yield f"{named(manifest)}: a password in an address"
    for manifest, _, spec in pod_specs(manifests):
        for container in _containers(spec):
            for entry in container.get("env", []):
                reference = entry.get("valueFrom", {}).get("secretKeyRef")
                if _SECRET_NAME.search(entry["name"]) and not reference:
                    yield f"{named(manifest)}/{container['name']}: {entry['name']} is not a reference"


def everything_named_exists(manifests: list[Manifest]) -> Iterator[str]:
    """Accounts, claims and classes that a pod names are there; a service finds its pods."""
    there = {(m["kind"], m["metadata"].get("namespace", ""), m["metadata"]["name"]) for m in manifests}
    labels = [
        (m["metadata"]["namespace"], t["metadata"].get("labels", {})) for m, t, _ in pod_specs(manifests)
    ]
    for manifest, _, spec in pod_specs(manifests):
        namespace = manifest["metadata"]["namespace"]
        wanted = [
            ("ServiceAccount", namespace, spec.get("serviceAccountName", "default")),
            ("PriorityClass", "", spec.get("priorityClassName", "(none)")),
            *(
                ("PersistentVolumeClaim", namespace, volume["persistentVolumeClaim"]["claimName"])
                for volume in spec.get("volumes", [])
                if "persistentVolumeClaim" in volume
            ),
        ]
        for missing in (one for one in wanted if one not in there):
            yield f"{named(manifest)}: {missing[0]} {missing[2]} does not exist"
    for manifest in manifests:
        namespace = manifest["metadata"].get("namespace", "")
        if namespace and ("Namespace", "", namespace) not in there:
            yield f"{named(manifest)}: no such namespace"
        if manifest["kind"] == "Service":
            selector = manifest["spec"]["selector"].items()
            if not any(space == namespace and selector <= found.items() for space, found in labels):
                yield f"{named(manifest)}: selects no pod"
        if (
            manifest["kind"] == "RoleBinding"
            and ("Role", namespace, manifest["roleRef"]["name"]) not in there
        ):
            yield f"{named(manifest)}: no such role"
        if manifest["metadata"].get("labels", {}).get("app.kubernetes.io/part-of") not in {
            None,
            "iris-retraining",
        }:
            yield f"{named(manifest)}: part of something else"


def consistent_queues(manifests: list[Manifest]) -> Iterator[str]:
    """Kueue: a local queue has its cluster queue, whose flavours exist and hold every covered resource."""
    queues = {m["metadata"]["name"]: m["spec"] for m in manifests if m["kind"] == "ClusterQueue"}
    flavours = {m["metadata"]["name"] for m in manifests if m["kind"] == "ResourceFlavor"}
    for manifest in manifests:
        if "kueue" in manifest["apiVersion"] and manifest["apiVersion"] != "kueue.x-k8s.io/v1beta2":
            yield f"{named(manifest)}: {manifest['apiVersion']}"
        if manifest["kind"] == "LocalQueue" and manifest["spec"]["clusterQueue"] not in queues:
            yield f"{named(manifest)}: no cluster queue {manifest['spec']['clusterQueue']}"
    for name, spec in queues.items():
        if not spec.get("namespaceSelector"):
            yield f"ClusterQueue {name}: open to no or every namespace"
        for group in spec["resourceGroups"]:
            for flavour in group["flavors"]:
                if flavour["name"] not in flavours:
                    yield f"ClusterQueue {name}: no flavour {flavour['name']}"
                if [r["name"] for r in flavour["resources"]] != group["coveredResources"]:
                    yield f"ClusterQueue {name}: {flavour['name']} does not hold {group['coveredResources']}"


POLICIES: tuple[Policy, ...] = (
    restricted_pods, sized_volumes, images_by_digest, limits_everywhere, no_needless_token, narrow_roles,
    default_deny, named_doors, doors_lead_to_pods, enforced_namespaces, complete_quotas, sound_jobs,
    secrets_by_reference, everything_named_exists, consistent_queues,
)  # fmt: skip


def _containers(spec: Manifest) -> list[Manifest]:
    return [*spec.get("initContainers", []), *spec["containers"], *spec.get("ephemeralContainers", [])]


def _selects(selector: Manifest, labels: Manifest) -> bool:
    wanted = selector.get("matchLabels", {}).items()
    expressions = selector.get("matchExpressions", [])
    return wanted <= labels.items() and all(
        one["operator"] == "In" and labels.get(one["key"]) in one["values"] for one in expressions
    )


def _namespaces(manifests: list[Manifest]) -> list[str]:
    return [manifest["metadata"]["name"] for manifest in manifests if manifest["kind"] == "Namespace"]


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, list):
        for part in value:
            yield from _texts(part)
