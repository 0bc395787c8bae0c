"""The retraining as a Kubeflow Pipelines v2 pipeline: reads ``python -m components graph``, writes YAML.

Runs in an environment of its own (``make kubeflow``) and imports nothing of this project but the list of pod
fields. It knows no stage, no model and no resource: the graph says what runs, in which order, in which pod.
What differs from Airflow, and why, is in docs/adr/0018-kubeflow.md.
"""

from __future__ import annotations

import argparse
import inspect
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from kfp import compiler, components, dsl, kubernetes
from pod_fields import undecided

EXIT_BAD_INPUT = 42
GPU = "nvidia.com/gpu"
NAME = "iris-retrain"
VERDICT, PASS = "verdict", "PASS"
PROFILE, FORCE = "profile", "force"
#: A secret has to be named key by key here: Kubeflow has no ``envFrom``. A key that a site lacks is left out.
SECRET_KEYS = (
    "MLFLOW_TRACKING_USERNAME",
    "MLFLOW_TRACKING_PASSWORD",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_ENDPOINT_URL",
)
Described = Mapping[str, Any]


class Pipeline:
    """Builds the tasks of one compilation; its methods run inside kfp's pipeline context."""

    def __init__(self, graph: Described) -> None:
        self.graph = graph
        self.tasks: dict[str, dsl.PipelineTask] = {}
        self.run: dict[str, Any] = {}

    def function(self) -> Callable[..., None]:
        """A pipeline function whose parameters are the models, the profile and force."""
        defaults = {**dict.fromkeys(self.graph["models"], True), PROFILE: self.graph["profile"], FORCE: False}

        def retrain(*given: Any) -> None:
            """Data in, evidence out, champions promoted: every stage in its pod, as Airflow runs it."""
            self.run = dict(zip(defaults, given, strict=True))
            self._whole()

        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        retrain.__signature__ = inspect.Signature(
            [inspect.Parameter(n, kind, default=v, annotation=type(v)) for n, v in defaults.items()]
        )
        return retrain

    def _whole(self) -> None:
        (last,) = (task for task in self.graph["tasks"] if task["collects"])
        # the exit task runs whatever became of the others; the run is red all the same if one of them failed
        with dsl.ExitHandler(self._task(last), name="retraining"):
            for task in self._of(None):
                self._task(task)
            for model in self.graph["models"]:
                with dsl.If(self.run[model] == True, name=model):  # noqa: E712 - a channel, not a bool
                    self._model(model)

    def _model(self, model: str) -> None:
        for task in self._of(model):
            if not task["only_on_pass"]:
                self._task(task)
                continue
            (judge,) = task["needs"]
            with dsl.If(self.tasks[judge].outputs[VERDICT] == PASS, name=f"{model}-passed"):
                self._task(task)

    def _of(self, model: str | None) -> list[Described]:
        return [task for task in self.graph["tasks"] if task["model"] == model and not task["collects"]]

    def _task(self, task: Described) -> dsl.PipelineTask:
        made = _component(task, self.graph["slots"])(**{name: self.run[name] for name in (PROFILE, FORCE)})
        made.set_display_name(task["name"])
        made.set_caching_options(False)  # stages skip by their own key, which also covers code and data
        if not task["collects"]:
            made.after(*(self.tasks[needed] for needed in task["needs"]))
        retry = self.graph["retry"]
        made.set_retry(
            num_retries=retry["count"],
            backoff_duration=f"{retry['delay_s']}s",
            backoff_factor=1.0,
            # counted from the first attempt's creation; the default of an hour would end a longer training
            backoff_max_duration=f"{retry['window_s']}s",
        )
        _into_pod(made, task["pod"])
        self.tasks[task["name"]] = made
        return made


def _component(task: Described, slots: Mapping[str, str]) -> Callable[..., dsl.PipelineTask]:
    container = task["pod"]["spec"]["containers"][0]
    program, *words = container["command"]

    def fill(word: str, filled: Mapping[str, Any]) -> str:
        for slot, value in filled.items():
            word = word.replace(slots[slot], f"{value}")
        return word

    def plain(profile: str, force: bool):
        filled = {"profile": profile, "force": force}
        return dsl.ContainerSpec(container["image"], [program], [fill(word, filled) for word in words])

    def judging(profile: str, force: bool, verdict: dsl.OutputPath(str)):
        filled = {"profile": profile, "force": force, "verdict": verdict}
        return dsl.ContainerSpec(container["image"], [program], [fill(word, filled) for word in words])

    made = judging if task["gives_verdict"] else plain
    made.__name__ = task["name"].replace(".", "_")
    made.__doc__ = task["summary"]
    # this file postpones annotations; kfp wants the types themselves
    made.__annotations__ = {"profile": str, "force": bool} | (
        {VERDICT: dsl.OutputPath(str)} if task["gives_verdict"] else {}
    )
    return dsl.container_component(made)


def _into_pod(made: dsl.PipelineTask, pod: Described) -> None:
    if open_fields := undecided(dict(pod)):
        raise SystemExit(
            f"k8s/pod-template.yaml: expected fields that k8s/kubeflow/pod_fields.py decides about, found "
            f"{', '.join(open_fields)}. To do: carry them in k8s/kubeflow/compile.py or list them as lost"
        )
    spec, container = pod["spec"], pod["spec"]["containers"][0]
    for name, value in pod["metadata"]["labels"].items():
        kubernetes.add_pod_label(made, name, value)
    kubernetes.set_timeout(made, spec["activeDeadlineSeconds"])
    context = spec["securityContext"]
    kubernetes.set_security_context(
        made, context["runAsUser"], context["runAsGroup"], context["runAsNonRoot"]
    )
    for entry in container["env"]:
        made.set_env_variable(entry["name"], entry["value"])
    for entry in container["envFrom"]:
        keys = {key: key for key in SECRET_KEYS}
        kubernetes.use_secret_as_env(made, entry["secretRef"]["name"], keys, optional=True)
    _resources(made, container["resources"])
    _placement(made, spec)
    _volumes(made, spec["volumes"], container["volumeMounts"])


def _resources(made: dsl.PipelineTask, resources: Described) -> None:
    made.set_cpu_request(resources["requests"]["cpu"]).set_cpu_limit(resources["limits"]["cpu"])
    made.set_memory_request(resources["requests"]["memory"]).set_memory_limit(resources["limits"]["memory"])
    if GPU in resources["limits"]:
        made.set_accelerator_type(GPU).set_accelerator_limit(resources["limits"][GPU])


def _placement(made: dsl.PipelineTask, spec: Described) -> None:
    required = spec.get("affinity", {}).get("nodeAffinity", {})
    terms = required.get("requiredDuringSchedulingIgnoredDuringExecution", {}).get("nodeSelectorTerms", [])
    for term in terms:
        kubernetes.add_node_affinity(made, match_expressions=term["matchExpressions"])
    for toleration in spec.get("tolerations", []):
        kubernetes.add_toleration(made, **toleration)


def _volumes(made: dsl.PipelineTask, volumes: list[Described], mounts: list[Described]) -> None:
    """Claims and empty folders; two mounts of one empty folder become two folders (no ``subPath`` here)."""
    by_name = {volume["name"]: volume for volume in volumes}
    used: set[str] = set()
    for mount in mounts:
        volume = by_name[mount["name"]]
        if "persistentVolumeClaim" in volume:
            claim = volume["persistentVolumeClaim"]["claimName"]
            kubernetes.mount_pvc(made, claim, mount["mountPath"])
            continue
        name = mount["name"] if mount["name"] not in used else f"{mount['name']}-{mount['subPath']}"
        used.add(name)
        folder = volume["emptyDir"]
        kubernetes.empty_dir_mount(
            made, name, mount["mountPath"], folder.get("medium"), folder.get("sizeLimit")
        )


def main() -> int:
    """Compile, then load what was written: kfp's own check of the YAML."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("graph", type=Path, help="what `python -m components graph` says")
    parser.add_argument("out", type=Path, help="YAML that receives the pipeline")
    arguments = parser.parse_args()
    graph = json.loads(arguments.graph.read_text(encoding="utf-8"))
    function = Pipeline(graph).function()
    pipeline = dsl.pipeline(name=NAME, display_name="IRIS retraining")(function)
    compiler.Compiler().compile(pipeline, str(arguments.out))
    loaded = components.load_component_from_file(str(arguments.out))
    found = set(loaded.pipeline_spec.deployment_spec["executors"])
    if len(found) != len(graph["tasks"]):
        print(f"{arguments.out}: {len(graph['tasks'])} tasks expected, {len(found)} found", file=sys.stderr)
        return EXIT_BAD_INPUT
    print(f"{arguments.out}: {len(found)} tasks, parameters {', '.join(loaded.component_spec.inputs)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
