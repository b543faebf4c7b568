"""What a Job that remediation makes may be, and what it may not: a copy, field by field.

The failed Job of the scene has much of what one does not give away: that is copied, and nothing
more.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from typing import Any

from kubernetes import client

from tests.integration.runbook_action.admission.scene import MARKS, Scene
from tests.integration.runbook_action.support import NO_SCHEDULER

COPY, RUN_AGAIN = "sre-platform/copy", "sre-platform/run-again"
# Of a group that nobody collects.
OWNER = {"apiVersion": "none.example/v1", "kind": "CronJob", "name": "nightly", "uid": "c-1"}
Body = dict[str, Any]


def failed_job() -> Body:
    """A Job that nobody looks after, as its owner made it."""
    main = {
        "name": "main",
        "image": "team.example/report:1",
        "envFrom": [{"secretRef": {"name": "database"}}],
        "volumeMounts": [{"name": "keys", "mountPath": "/keys"}],
        "securityContext": {"capabilities": {"add": ["NET_BIND_SERVICE"]}},
    }
    pod = {
        "schedulerName": NO_SCHEDULER,
        "serviceAccountName": "nightly",
        "restartPolicy": "Never",
        "containers": [main],
        "volumes": [{"name": "keys", "secret": {"secretName": "keys"}}],
    }
    template = {"metadata": {"labels": {"app": "report"}, "annotations": {"a": "b"}}, "spec": pod}
    return {
        "metadata": {
            "name": "checkout",
            "labels": {"app": "report", RUN_AGAIN: "again"},
            "ownerReferences": [{**OWNER, "controller": True, "blockOwnerDeletion": True}],
        },
        "spec": {"managedBy": "example.com/nobody", "backoffLimit": 2, "template": template},
    }


def jobs_that_run() -> list[Body]:
    """Jobs that nobody looks after, too: copies of remediation and what others have made."""
    copied = {"labels": {COPY: "true"}, "annotations": MARKS}
    jobs: dict[str, tuple[Body, bool]] = {
        "copy": (copied, False),
        "copy-held": (copied, True),
        "theirs": ({}, False),
        "theirs-held": ({}, True),
    }
    spec = failed_job()["spec"]
    return [
        {"metadata": {"name": name, **metadata}, "spec": {**spec, "suspend": suspended}}
        for name, (metadata, suspended) in jobs.items()
    ]


def end(batch: Any, namespace: str) -> None:
    """Say that it has failed."""
    now = "2026-11-27T03:00:00Z"
    ended = [
        {"type": each, "status": "True", "reason": "Said", "lastTransitionTime": now}
        for each in ("FailureTarget", "Failed")
    ]
    status = {"startTime": now, "conditions": ended}
    batch.patch_namespaced_job_status("checkout", namespace, {"status": status})


def run_again(scene: Scene, change: Callable[[Body], None] | None = None, where: str = "") -> Any:
    """Make a copy as the action does, with one change in it."""
    body = failed_job()
    body["metadata"].update(name="again", labels={"app": "report", COPY: "true"}, annotations=MARKS)
    (owner,) = body["metadata"]["ownerReferences"]
    owner["blockOwnerDeletion"] = False
    body = copy.deepcopy(body)
    if change is not None:
        change(body)
    return scene.api(client.BatchV1Api).create_namespaced_job(
        where or scene.namespace, body, dry_run="All"
    )


def _setting(path: str, value: Any) -> Callable[[Body], None]:
    """A change at a path such as ``spec.template.spec.main.image``; ``None`` takes away."""

    def change(body: Body) -> None:
        *way, last = path.split(".")
        at = body
        for step in way:
            at = at["containers"][0] if step == "main" else at.setdefault(step, {})
        if value is None:
            del at[last]
        else:
            at[last] = value

    return change


def _pods(**fields: Any) -> Callable[[Body], None]:
    return lambda body: body["spec"]["template"]["spec"].update(fields)


def _main(**fields: Any) -> Callable[[Body], None]:
    return lambda body: body["spec"]["template"]["spec"]["containers"][0].update(fields)


def _volume(**source: Any) -> Callable[[Body], None]:
    def change(body: Body) -> None:
        body["spec"]["template"]["spec"]["volumes"].append({"name": "more", **source})

    return change


def _unmasked(body: Body) -> None:
    _pods(hostUsers=False)(body)
    _main(securityContext={"procMount": "Unmasked"})(body)


def _selecting(body: Body) -> None:
    body["spec"].update(manualSelector=True, selector={"matchLabels": {"app": "report"}})


def _label(key: str, value: str | None) -> Callable[[Body], None]:
    def change(body: Body) -> None:
        body["metadata"]["labels"][key] = value

    return change


def _annotation(body: Body) -> None:
    body["metadata"]["annotations"] = {**MARKS, "a": "b"}


OTHER = {"name": "other", "image": "team.example/report:1"}
PODS = "has the pods of the job"
AS_OFTEN = "as many pods, as often and as long"
BELONGS = "labels and owners of the job"
CHANGED: dict[str, tuple[str, Callable[[Body], None]]] = {
    **{
        f"a job with {what}": (PODS, change)
        for what, change in {
            "another image": _main(image="team.example/report:2"),
            "a command": _main(command=["sh"]),
            "another secret as variables": _main(envFrom=[{"secretRef": {"name": "other"}}]),
            "a secret as a variable": _main(
                env=[{"name": "A", "valueFrom": {"secretKeyRef": {"name": "other", "key": "a"}}}]
            ),
            "a port of its node": _main(ports=[{"containerPort": 80, "hostPort": 80}]),
            "another user": _main(securityContext={"runAsUser": 0}),
            "capabilities": _main(securityContext={"capabilities": {"add": ["SYS_ADMIN"]}}),
            "another container": _pods(containers=[OTHER]),
            "a container before": _pods(initContainers=[OTHER]),
            "an account": _pods(serviceAccountName="admin"),
            "its node's network": _pods(hostNetwork=True),
            "its node's processes": _pods(hostPID=True),
            "a node by name": _pods(nodeName="control-plane"),
            "a node by label": _pods(nodeSelector={"node-role.kubernetes.io/control-plane": ""}),
            "a taint that it bears": _pods(tolerations=[{"operator": "Exists"}]),
            "a priority": _pods(priorityClassName="system-node-critical"),
            "another runtime": _pods(runtimeClassName="other"),
            "names of hosts": _pods(hostAliases=[{"ip": "10.0.0.1", "hostnames": ["a.example"]}]),
            "a folder of its node": _volume(hostPath={"path": "/"}),
            "a secret as a volume": _volume(secret={"secretName": "other"}),
            "a token as a volume": _volume(
                projected={"sources": [{"serviceAccountToken": {"path": "token"}}]}
            ),
            "an image as a volume": _volume(image={"reference": "evil.example/a:1"}),
            "labels of pods": _setting("spec.template.metadata.labels.team", "another"),
            "annotations of pods": _setting("spec.template.metadata.annotations", {"a": "c"}),
            "finalizers of pods": _setting("spec.template.metadata.finalizers", ["a.example/b"]),
        }.items()
    },
    "a job with its node's own process table": (PODS, _unmasked),
    "a job of more pods": (AS_OFTEN, _setting("spec.parallelism", 9)),
    "a job that lasts": (AS_OFTEN, _setting("spec.backoffLimit", 99)),
    "a job that another looks after": (AS_OFTEN, _setting("spec.managedBy", "evil.example/a")),
    "a job that takes pods of others": (AS_OFTEN, _selecting),
    "a job with another label": (BELONGS, _label("team", "another")),
    "a job of another owner": (
        BELONGS,
        _setting("metadata.ownerReferences", [{**OWNER, "uid": "c-2", "controller": True}]),
    ),
    "a job of no owner": (BELONGS, _setting("metadata.ownerReferences", None)),
    "a job that cannot be deleted": (BELONGS, _setting("metadata.finalizers", ["a.example/b"])),
    "a job for no incident": ("names the incident", _setting("metadata.annotations", {})),
    "a job with another annotation": ("bears no other annotation", _annotation),
    "a job that does not say what it is": ("says that it is a copy", _label(COPY, "false")),
}

FORBIDDEN_COPIES: dict[str, tuple[str, Callable[[Scene], Any]]] = {
    **{
        name: (why, functools.partial(run_again, change=change))
        for name, (why, change) in CHANGED.items()
    },
    "a job again that is still at work": (
        "only a job that has failed",
        lambda scene: run_again(scene, where=scene.at_work),
    ),
}
