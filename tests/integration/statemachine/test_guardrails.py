"""The guardrails on what a runbook may touch: shipped runbook, shipped function, real cluster.

Between the alert and the target everything is real: the state machine, the built artifact of
runbook-action as a function of the local AWS, the role it assumes, its token, the RBAC of the
manifests and the API server. What a guardrail forbids could be done but for it: the remediation
has its rights in the forbidden namespace, too.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from onemachine.aws.local_aws import LocalAws
from runbook_action.objects import GROUP_LABELS
from tests.integration.kubernetes_fixtures import CLUSTER_NAME, StartedControlPlane
from tests.integration.rie.harness import RUNBOOK_ACTION
from tests.integration.runbook_action.drain_scene import kept_ready
from tests.integration.runbook_action.support import (
    PARAMETER,
    REMEDIATION_GROUP,
    Place,
    PodStatuses,
    TokenAccess,
    admin_api,
    install_shipped_rbac,
    trusting_role,
)
from tests.integration.statemachine.platform import Platform, incident, wait_for

pytestmark = [pytest.mark.localaws, pytest.mark.kubernetes]

SERVICE = "guarded"
FORBIDDEN = "payments"


@dataclass
class Scene:
    """The runbook with the real function, a Deployment in ``apps`` and one where none may act."""

    platform: Platform
    machine: str
    allowed: Place
    forbidden: Place
    #: Errors of the function in the last response, one for each call that failed.
    failures: list[str] = field(default_factory=list)

    def respond(self, runbook: str, **alert: Any) -> dict[str, Any]:
        """Let the runbook answer an alert until it ends; returns the alert's record."""
        event = incident(runbook, **alert)
        # It is heard firing to the end; without that, what is healthy would not be undone.
        self.platform.set_record(event, heard_at="2099-01-01T00:00:00.000Z")
        execution = self.platform.run(event, self.machine, timeout=120)
        assert execution["status"] == "SUCCEEDED", execution
        history = self.platform.history(execution["executionArn"])
        failed = [each["taskFailedEventDetails"] for each in history if "Failed" in each["type"]]
        self.failures = [each["error"] for each in failed if "lambda" in each["resource"]]
        return self.platform.record(event["detail"]["data"]["incident_id"])

    def restart(self, namespace: str = "apps", **changes: Any) -> str:
        """Publish a runbook that restarts the Deployment of a namespace."""
        target = {"kind": "deployment", "namespace": namespace, "name": SERVICE}
        settings = {
            "action": "restart_deployment",
            "parameters": {},
            "on_failure": "keep",
            "target": target,
            "guard": {"cooldown_seconds": 0, "max_actions": 100, "window_seconds": 3600},
        }
        return self.platform.runbook(**{**settings, **changes})

    def refused(self, record: dict[str, Any], *words: str, code: str = "action-failed") -> None:
        """A human was told what forbade the action, which was asked for only once."""
        assert record["status"] == "escalated", record
        assert record["escalation_code"] == code
        (told,) = wait_for(
            lambda: self.platform.notifications(record["incident_id"]), "a notification", 10
        )
        for word in ("ActionRefused", *words):
            assert word in record["escalation_reason"]
            assert word in told["reason"]
        assert self.failures == ["ActionRefused"]

    def refused_target(self, record: dict[str, Any], code: str, error: str) -> None:
        """Nothing was even locked: the alert and the runbook do not lead to one object."""
        assert (record["status"], record["escalation_code"]) == ("escalated", code), record
        assert error in record["escalation_reason"]
        assert self.failures == [error]


def state_of(place: Place) -> tuple[Any, ...]:
    """What an action on a Deployment would leave a trace in."""
    found = place.deployment(SERVICE)
    return (
        found.metadata.generation,
        found.metadata.annotations,
        found.spec.template.metadata.annotations,
        place.pod_uids(),
    )


@contextmanager
def service_in(namespace: str, started: StartedControlPlane) -> Iterator[Place]:
    """A ready Deployment with three replicas, in a namespace where the remediation may act."""
    plane = started.plane
    admin = admin_api(plane.admin_kubeconfig)
    install_shipped_rbac(admin, namespace)
    statuses = PodStatuses(plane.admin_kubeconfig, namespace)
    no_cluster: Any = None  # only the admin looks
    place = Place(
        admin, namespace, TokenAccess(plane.endpoint, plane.ca_pem, ""), no_cluster, statuses
    )
    place.create_deployment(SERVICE)
    statuses.start()
    try:
        place.wait_until_ready(SERVICE)
        yield place
    finally:
        place.apps.delete_namespaced_deployment(SERVICE, namespace)
        statuses.stop()


@pytest.fixture(scope="module")
def function(platform: Platform, local_aws: LocalAws) -> str:
    """Deploy the built artifact as template.yaml does; returns the function's ARN."""
    remediator = trusting_role(local_aws, f"{platform.name}-remediation")
    local_aws.client("eks").create_access_entry(
        clusterName=CLUSTER_NAME, principalArn=remediator, kubernetesGroups=[REMEDIATION_GROUP]
    )
    return platform.deploy(
        RUNBOOK_ACTION,
        "eks:DescribeCluster",
        "sts:AssumeRole",
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:UpdateItem",
        "dynamodb:DeleteItem",
        RUNBOOKS_TABLE=platform.table("runbooks"),
        GUARD_TABLE=platform.table("guard"),
        CLUSTERS=f"sre-platform={CLUSTER_NAME}",
        DEFAULT_CLUSTER="sre-platform",
        REMEDIATION_ROLE_ARN=remediator,
        DEGRADED_MODE_PARAMETER=PARAMETER,
        DEGRADED_MODE_KMS_KEY_ID="alias/unused",
        ALLOWED_NAMESPACES="apps",
        POWERTOOLS_SERVICE_NAME="runbook-action",
    )


@pytest.fixture(scope="module")
def scene(
    platform: Platform, own_control_plane: StartedControlPlane, function: str
) -> Iterator[Scene]:
    machine = platform.variant(
        RunbookActionArn=function,
        StabilizationSeconds="1",
        VerifyTimeoutSeconds="1",
        ActionTimeoutSeconds="60",
    )
    with (
        service_in("apps", own_control_plane) as allowed,
        service_in(FORBIDDEN, own_control_plane) as forbidden,
    ):
        yield Scene(platform, machine, allowed, forbidden)


def test_within_its_limits_a_runbook_acts(scene: Scene) -> None:
    before = state_of(scene.allowed)
    record = scene.respond(scene.restart(parameters={"min_ready": 3, "min_ready_percent": 100}))
    assert record["escalation_code"] == "not-resolved"  # done; the alert goes on all the same
    assert scene.failures == []
    generation, annotations, template, pods = state_of(scene.allowed)
    assert generation > before[0]
    assert annotations["sre-platform/incident-id"] == record["incident_id"]
    assert template["sre-platform/restarted-for"] == f"{record['incident_id']}/1"
    assert pods.isdisjoint(before[3])


def test_a_runbook_that_was_not_seen_to_help_three_times_asks_and_unasked_does_nothing(
    scene: Scene,
) -> None:
    """The function itself judges by the locks that the machine has written; nobody answers here."""
    runbook = scene.restart(approval={"required": False, "timeout_seconds": 2})
    for _ in range(3):
        assert scene.respond(runbook)["escalation_code"] == "not-resolved"
    before = state_of(scene.allowed)
    record = scene.respond(runbook)
    assert record["escalation_code"] == "approval-timeout", record
    assert state_of(scene.allowed) == before
    why = f"runbook {runbook} was not seen to help in its last 3 remediations here"
    told = wait_for(lambda: scene.platform.notifications(record["incident_id"]), "the question")
    (asked,) = (each for each in told if each["event"] == "incident.approval-needed")
    assert why in asked["message"]
    assert scene.failures == []


def test_where_no_rung_helps_the_workload_of_the_alert_ends_as_it_began(scene: Scene) -> None:
    """Two rungs on what the labels name; neither helps, both are undone, newest first."""
    place = scene.allowed
    before = place.deployment(SERVICE)
    within = {"from_alert": "deployment", "namespaces": ["apps"], "names": ["guard*"]}
    more = {"step": 1, "max_replicas": 6}
    steps = [
        {"name": "restart", "action": "restart_deployment"},
        {"name": "scale", "action": "scale_deployment", "parameters": more},
    ]
    runbook = scene.restart(steps=steps, strategy="ladder", target=within, on_failure="undo")
    labels = {"alertname": "Guarded", "namespace": "apps", "deployment": SERVICE}
    record = scene.respond(runbook, labels=labels)

    assert record["escalation_code"] == "not-resolved", record
    assert "1. restart: done" in record["escalation_reason"]
    assert "2. scale: done" in record["escalation_reason"]

    def recorded() -> list[dict[str, Any]] | None:
        found = scene.platform.record(record["incident_id"]).get("actions_taken", [])
        return found if len(found) == 4 else None

    told = wait_for(recorded, "both steps and their undo on record")
    told.sort(key=lambda each: each["started_at"])
    assert [(each["operation"], json.loads(each["step"])["name"]) for each in told] == [
        ("execute", "restart"),
        ("execute", "scale"),
        ("undo", "scale"),
        ("undo", "restart"),
    ]
    assert all(json.loads(each["result"])["plan"] for each in told[:2])
    after = place.deployment(SERVICE)
    assert after.spec.replicas == before.spec.replicas
    assert scene.failures == []
    guards = scene.platform.ddb.scan(TableName=scene.platform.table("guard"))["Items"]
    left = [each for each in guards if each["guard_key"]["S"].startswith("lease#")]
    assert left == []
    assert not [each for each in guards if each.get("holder", {}).get("S") == record["incident_id"]]


@pytest.mark.parametrize("limit", [{"min_ready": 3}, {"min_ready_percent": 70}])
@pytest.mark.parametrize("on_failure", ["keep", "undo"])
def test_blast_radius_too_few_ready_replicas_forbid_a_restart(
    scene: Scene, limit: dict[str, int], on_failure: str
) -> None:
    place = scene.allowed
    sick = place.core.list_namespaced_pod("apps", label_selector=f"app={SERVICE}").items[0]
    condition = {"type": "Ready", "status": "False"}
    place.core.patch_namespaced_pod_status(
        sick.metadata.name, "apps", {"status": {"conditions": [condition]}}
    )
    wait_for(lambda: place.deployment(SERVICE).status.ready_replicas == 2, "one to be not ready")
    before = state_of(place)
    try:
        record = scene.respond(scene.restart(parameters=limit, on_failure=on_failure))
    finally:
        after = state_of(place)
        condition["status"] = "True"
        place.core.patch_namespaced_pod_status(
            sick.metadata.name, "apps", {"status": {"conditions": [condition]}}
        )
        place.wait_until_ready(SERVICE)
    scene.refused(record, "has 2 ready replicas and must keep 3")
    assert after == before


@pytest.fixture
def group(scene: Scene) -> Iterator[tuple[str, str]]:
    """Two nodes of one group: the one to drain, and its neighbour, both of them ready.

    No test has the node of another: two alerts on one node are one fault, of which the one with the
    greater id hangs on the other and waits for its end, which nobody tells here.
    """
    core = scene.allowed.core
    own = uuid.uuid4().hex[:8]
    names = (f"guarded-{own}-a", f"guarded-{own}-b")
    for name in names:
        core.create_node({"metadata": {"name": name, "labels": {GROUP_LABELS[0]: "guarded"}}})
    with kept_ready(scene.allowed, names[0]), kept_ready(scene.allowed, names[1]):
        wait_for(lambda: not any(core.read_node(name).spec.taints for name in names), "the nodes")
        yield names
    for name in names:
        core.delete_node(name)


def drain(scene: Scene, node: str) -> dict[str, Any]:
    """Let an alert about a node ask for its drain, as the shipped runbooks for nodes do."""
    runbook = scene.platform.runbook(
        action="drain_node",
        target={"kind": "node", "name": {"from_label": "node"}},
        parameters={},
        on_failure="keep",
    )
    return scene.respond(
        runbook,
        labels={"alertname": "NodeNotReady", "node": node},
        target={"cluster": "sre-platform", "namespace": None, "kind": "node", "name": node},
    )


def test_never_more_than_one_node_of_a_group(scene: Scene, group: tuple[str, str]) -> None:
    node, neighbour = group
    core = scene.allowed.core
    core.patch_node(neighbour, {"spec": {"unschedulable": True}})
    record = drain(scene, node)
    scene.refused(record, f"{neighbour} is cordoned")
    found = core.read_node(node)
    assert not found.spec.unschedulable
    assert not [key for key in found.metadata.annotations or {} if key.startswith("sre-platform/")]


def test_one_node_of_a_group_is_drained(scene: Scene, group: tuple[str, str]) -> None:
    record = drain(scene, group[0])
    assert record["escalation_code"] == "not-resolved"  # done; the alert goes on all the same
    assert scene.allowed.core.read_node(group[0]).spec.unschedulable


def test_a_namespace_that_is_not_allowed_is_left_alone(scene: Scene) -> None:
    before = state_of(scene.forbidden)
    record = scene.respond(scene.restart(FORBIDDEN))
    scene.refused(
        record, f"namespace {FORBIDDEN} is not one this platform may change", code="target-refused"
    )
    assert state_of(scene.forbidden) == before


def test_a_cluster_that_is_not_on_the_list_is_left_alone(scene: Scene) -> None:
    before = state_of(scene.allowed)
    target = {"cluster": "elsewhere", "namespace": "apps", "kind": "deployment", "name": SERVICE}
    record = scene.respond(scene.restart(on_failure="undo"), target=target)
    scene.refused(record, "cluster 'elsewhere' is not on the allow-list", code="target-refused")
    assert state_of(scene.allowed) == before


def test_a_kind_that_an_action_is_not_for_is_left_alone(
    scene: Scene, group: tuple[str, str]
) -> None:
    record = scene.respond(scene.restart(target={"kind": "node", "name": group[0]}))
    assert record["escalation_code"] == "resolve-failed"
    assert f"acts on a deployment, and the target is node {group[0]}" in record["escalation_reason"]
    assert scene.failures == ["InvalidRequest"]
    assert not scene.allowed.core.read_node(group[0]).spec.unschedulable


def test_an_object_that_is_not_there_is_not_looked_for_elsewhere(scene: Scene) -> None:
    before = state_of(scene.allowed)
    target = {"kind": "deployment", "namespace": "apps", "name": f"{SERVICE}-gone"}
    scene.refused_target(
        scene.respond(scene.restart(target=target)), "target-not-found", "TargetNotFound"
    )
    assert state_of(scene.allowed) == before


@pytest.mark.parametrize("labels", [{"namespace": FORBIDDEN}, {"deployment": "other"}])
def test_an_alert_that_names_another_place_than_its_runbook_changes_neither(
    scene: Scene, labels: dict[str, str]
) -> None:
    """Only the runbook's place counts, and of an alert of another one nobody knows what helps."""
    before = state_of(scene.forbidden), state_of(scene.allowed)
    record = scene.respond(scene.restart(), labels={"alertname": "Guarded", **labels})
    scene.refused_target(record, "target-refused", "ActionRefused")
    assert (state_of(scene.forbidden), state_of(scene.allowed)) == before


def test_labels_of_an_alert_widen_nothing(scene: Scene) -> None:
    """The alert claims another namespace where no alert has a say: only the runbook's counts."""
    before = state_of(scene.forbidden)
    claimed = {"cluster": None, "namespace": FORBIDDEN, "kind": "deployment", "name": SERVICE}
    labels = {"allowed_namespaces": FORBIDDEN, "ALLOWED_NAMESPACES": FORBIDDEN}
    record = scene.respond(
        scene.restart(), target=claimed, labels=labels, annotations={"namespace": FORBIDDEN}
    )
    assert state_of(scene.forbidden) == before
    annotations = scene.allowed.deployment(SERVICE).metadata.annotations
    assert annotations["sre-platform/incident-id"] == record["incident_id"]


def test_a_label_that_is_no_name_of_a_node_names_none(scene: Scene) -> None:
    record = drain(scene, "../../apis/apps/v1/namespaces/payments/deployments/guarded")
    scene.refused_target(record, "target-refused", "ActionRefused")
    assert "is neither the name nor the address of a node" in record["escalation_reason"]
