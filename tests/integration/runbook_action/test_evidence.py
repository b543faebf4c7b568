"""Evidence from a real API server, with the shipped rights to read and nothing more."""

from __future__ import annotations

import http.server
import json
import re
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from kubernetes import client

from onemachine.kubernetes.pki import CertificateAuthority
from runbook_action.evidence import Tools, collect, parse_collect
from runbook_action.ports import Right
from tests.integration.runbook_action.grants import grant
from tests.integration.runbook_action.support import INCIDENT, Place, running, shipped
from tests.support.shipped import manifest
from tests.support.waiting import eventually
from tests.unit.runbook_action.fake_catalogue import FakeCatalogue

pytestmark = pytest.mark.kubernetes

SHOP = "registry.example.com/shop/checkout"
GOOD, BROKEN = f"{SHOP}:1.4.2", f"{SHOP}:1.4.3"
DEPLOYER = "team-pipeline"
SECRET = "hunter2-of-the-pipeline"


@dataclass
class Kept:
    """A store in memory."""

    documents: dict[str, dict[str, Any]] = field(default_factory=dict)

    def keep(self, incident_id: str, document: bytes) -> str:
        self.documents[incident_id] = json.loads(document)
        return f"incidents/{incident_id}.json"


def grant_shipped(place: Place, file: str) -> None:
    """Give remediation's account in the place what a shipped manifest gives its group in apps."""
    for role in manifest(file):
        if not role["kind"].endswith("Role"):
            continue
        where = role["metadata"].get("namespace", "")
        where = place.namespace if where == "apps" else where
        name = f"{role['metadata']['name']}-{place.namespace}"
        grant(place.admin, place.namespace, name, role["rules"], namespace=where)


def collected(
    place: Place, began: datetime, **labels: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the operation answers, and what it has kept."""
    asked = parse_collect(
        {
            "operation": "collect_evidence",
            "incident_id": INCIDENT,
            "alert": {
                "alert_name": "PodsFail",
                "labels": {"namespace": place.namespace, **labels},
                "target": {"cluster": None},
                "timestamp": began.isoformat(),
            },
        }
    )
    kept = Kept()
    tools = Tools(place.cluster, place.cluster, FakeCatalogue([]), store=kept)
    answer = collect(asked, tools, frozenset({place.namespace}), datetime.now(UTC))
    return answer, kept.documents[INCIDENT]


def killed(pod: Any) -> dict[str, Any] | None:
    """Killed for its memory, again and again, where its image is the broken one."""
    status = running(pod)
    if status is None or pod.spec.containers[0].image != BROKEN:
        return status
    for each in status["conditions"]:
        if each["type"].endswith("Ready"):
            each["status"] = "False"
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    status["containerStatuses"][0].update(
        ready=False,
        started=False,
        restartCount=3,
        state={"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 40s"}},
        lastState={
            "terminated": {
                "exitCode": 137,
                "reason": "OOMKilled",
                "startedAt": now,
                "finishedAt": now,
                "message": f"password={SECRET}",
            }
        },
    )
    return status


def roll_out_a_bad_version(place: Place) -> None:
    """Another hand rolls out an image that needs more memory than it may have."""
    place.apps.patch_namespaced_deployment(
        "checkout",
        place.namespace,
        {
            "spec": {
                "strategy": {"type": "Recreate", "rollingUpdate": None},
                "template": {
                    "spec": {
                        "containers": [
                            {
                                "name": "checkout",
                                "image": BROKEN,
                                "env": [{"name": "DB_PASSWORD", "value": SECRET}],
                                "resources": {"limits": {"memory": "512Mi"}},
                            }
                        ]
                    }
                },
            }
        },
        field_manager=DEPLOYER,
    )
    eventually("three pods are killed", lambda: len(ended(place)) == 3)


def ended(place: Place) -> list[Any]:
    return [
        pod
        for pod in place.core.list_namespaced_pod(place.namespace).items
        if pod.spec.containers[0].image == BROKEN and pod.status.container_statuses
    ]


@pytest.fixture
def rolled_out(place: Place) -> Place:
    """A Deployment whose last rollout kills its pods, and the rights of evidence without logs."""
    grant_shipped(place, "base/evidence-rbac.yaml")
    place.apps.patch_namespaced_deployment(
        "checkout",
        place.namespace,
        {"spec": {"template": {"spec": {"containers": [{"name": "checkout", "image": GOOD}]}}}},
    )
    place.wait_until_ready()
    place.statuses.status = killed
    roll_out_a_bad_version(place)
    return place


def test_a_bad_rollout_is_named_with_image_time_and_manager_and_why_its_pods_ended(
    rolled_out: Place,
) -> None:
    place = rolled_out
    pod = ended(place)[0]
    event = {
        "metadata": {"name": "unready", "namespace": place.namespace},
        "involvedObject": {
            "apiVersion": "v1",
            "kind": "Pod",
            "name": pod.metadata.name,
            "namespace": place.namespace,
            "uid": pod.metadata.uid,
        },
        "reason": "Unhealthy",
        "message": "Readiness probe failed: HTTP probe failed with statuscode: 503",
        "type": "Warning",
    }
    place.core.create_namespaced_event(place.namespace, event)
    answer, whole = collected(place, datetime.now(UTC), pod=pod.metadata.name)
    assert answer["target"]["kind"] == "deployment", answer
    rollout, ends, probes = answer["findings"][:3]
    assert rollout.startswith("image checkout:1.4.3 (before: checkout:1.4.2) rolled out ")
    assert rollout.endswith(f"before the alert, by {DEPLOYER}")
    assert ends == "3 of 3 pods OOMKilled at 512Mi"
    # Its container does not run any more, so that nobody asks it.
    told = r"1 of 3 pods failed the readiness probe, last \d+ seconds? (before|after) the alert.*: "
    assert re.fullmatch(f"{told}HTTP probe failed with statuscode: 503", probes), probes
    # Of every source something was read, but of the logs, which is a right of its own.
    assert {name: state for name, state in answer["sources"].items() if state != "read"} == {
        "measurements": "not asked",
        "logs": answer["sources"]["logs"],
    }
    assert "AccessDenied" in answer["sources"]["logs"]
    assert "pods/log" in answer["sources"]["logs"]
    facts = whole["facts"]["rollouts"]
    made = place.apps.read_namespaced_deployment("checkout", place.namespace).metadata
    written = next(each for each in made.managed_fields if each.manager == DEPLOYER)
    assert facts["rolled_out_by"] == DEPLOYER
    took = datetime.fromisoformat(facts["rolled_out_at"]) - written.time
    assert abs(took.total_seconds()) < 30
    assert {"container": "checkout", "field": "env", "names": ["DB_PASSWORD"]} in facts["changes"]
    assert any(each["reason"] == "ScalingReplicaSet" for each in whole["facts"]["events"]["events"])
    assert SECRET not in json.dumps([answer, whole])
    assert whole["findings"] == answer["findings"]


def test_a_version_that_is_taken_again_was_rolled_out_when_it_was_taken_again(
    rolled_out: Place,
) -> None:
    """Its ReplicaSet is the oldest; what tells is who wrote the image last."""
    place = rolled_out
    time.sleep(1.1)  # the API's times are whole seconds
    place.apps.patch_namespaced_deployment(
        "checkout",
        place.namespace,
        {
            "spec": {
                "template": {
                    "spec": {
                        "containers": [
                            {
                                "name": "checkout",
                                "image": GOOD,
                                "env": [{"name": "DB_PASSWORD", "$patch": "delete"}],
                                "resources": {"limits": {"memory": None}},
                            }
                        ]
                    }
                }
            }
        },
        field_manager="night-shift",
    )
    place.wait_until_ready()
    answer, whole = collected(place, datetime.now(UTC), deployment="checkout")
    facts = whole["facts"]["rollouts"]
    assert facts["rolled_out_by"] == "night-shift", facts
    assert answer["findings"][0].startswith("image checkout:1.4.2 (before: checkout:1.4.3)")
    first = min(each["made_at"] for each in facts["revisions"])
    assert facts["rolled_out_at"] > first


class Kubelet(http.server.BaseHTTPRequestHandler):
    """Answers for the logs of a node's containers, as a kubelet does."""

    asked: list[tuple[str, dict[str, list[str]]]] = []  # noqa: RUF012 - made anew for each server
    lines = ("starting", f"Authorization: Bearer {SECRET}", "panic: no such table")

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        self.asked.append((address.path, parse_qs(address.query)))
        body = "".join(f"2026-11-23T15:14:52Z {line}\n" for line in self.lines).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


@contextmanager
def kubelet(folder: Path) -> Iterator[tuple[int, list[tuple[str, dict[str, list[str]]]]]]:
    authority = CertificateAuthority(folder, "kubelets")
    pair = authority.issue_server("kubelet", ["127.0.0.1"])
    asked: list[tuple[str, dict[str, list[str]]]] = []
    answering = type("Answering", (Kubelet,), {"asked": asked})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), answering)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1], asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


def test_with_the_right_to_read_logs_the_last_words_of_both_runs_are_kept_without_secrets(
    bare_place: Place, tmp_path: Path
) -> None:
    place = bare_place
    grant_shipped(place, "base/evidence-rbac.yaml")
    grant_shipped(place, "evidence-logs/evidence-logs-rbac.yaml")
    name = f"node-of-{place.namespace}"
    place.core.create_node({"metadata": {"name": name}})
    with kubelet(tmp_path) as (port, asked):
        place.core.patch_node_status(
            name,
            {
                "status": {
                    "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
                    "daemonEndpoints": {"kubeletEndpoint": {"Port": port}},
                }
            },
        )
        place.statuses.status = killed
        place.core.create_namespaced_pod(
            place.namespace,
            {
                "metadata": {"name": "checkout"},
                "spec": {
                    "nodeName": name,
                    "containers": [{"name": "checkout", "image": BROKEN}],
                },
            },
        )
        eventually("the pod is killed", lambda: len(ended(place)) == 1)
        answer, whole = collected(place, datetime.now(UTC), pod="checkout")
        place.core.delete_node(name)
    assert answer["sources"]["logs"] == "read", answer
    assert [each["run"] for each in whole["facts"]["logs"]["logs"]] == ["ended", "current"]
    assert all(
        each["lines"][-1].endswith("panic: no such table")
        for each in whole["facts"]["logs"]["logs"]
    )
    assert SECRET not in json.dumps([answer, whole])
    assert [("previous" in query, query["tailLines"]) for _, query in asked] == [
        (True, ["40"]),
        (False, ["40"]),
    ]
    assert "the pod OOMKilled" in answer["findings"]


# A right, and the sources that lose it. What only finds the alert's object is none of them.
SOURCES_OF = {
    Right("events.k8s.io", "events", "list"): {"events"},
    Right("policy", "poddisruptionbudgets", "list"): {"budgets"},
    Right("autoscaling", "horizontalpodautoscalers", "list"): {"scaling", "events"},
    Right("apps", "replicasets", "list"): {"rollouts", "events"},
    Right("", "pods", "list"): {"ends", "logs", "events", "resources", "nodes"},
}


def test_without_one_right_of_the_shipped_role_its_sources_say_so_and_no_other(
    place: Place,
) -> None:
    rbac: Any = client.RbacAuthorizationV1Api(place.admin)
    grant_shipped(place, "base/evidence-rbac.yaml")
    grant_shipped(place, "evidence-logs/evidence-logs-rbac.yaml")
    rbac.delete_namespaced_role_binding("checkout-remediation", place.namespace)
    name = f"checkout-evidence-{place.namespace}"
    rules = shipped("base/evidence-rbac.yaml", "Role")["rules"]
    for right, losing in SOURCES_OF.items():
        fewer = [
            {**rule, "verbs": [verb for verb in rule["verbs"] if verb != right.verb]}
            if rule["resources"] == [right.resource]
            else rule
            for rule in rules
        ]
        kept = [rule for rule in fewer if rule["verbs"]]
        rbac.patch_namespaced_role(name, place.namespace, {"rules": kept})
        eventually(f"{right} is taken", partial(is_allowed, place, right, allowed=False))
        answer, _ = collected(place, datetime.now(UTC), deployment="checkout")
        refused = {each for each, state in answer["sources"].items() if "AccessDenied" in state}
        assert refused == losing, right
        rbac.patch_namespaced_role(name, place.namespace, {"rules": rules})
        eventually(f"{right} is back", partial(is_allowed, place, right, allowed=True))


def is_allowed(place: Place, right: Right, *, allowed: bool) -> bool:
    return place.cluster.allows(place.namespace, right) is allowed
