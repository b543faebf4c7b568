"""Every action against everything an API server may answer: the right error, and twice is once.

The answers are the real server's. Only what it cannot be made to say on demand (429 to a patch,
500, an answer that is lost) is said by a proxy in front of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client

from onemachine.processes.ports import free_port
from runbook_action.actions import REGISTRY
from runbook_action.errors import RunbookActionError
from runbook_action.outcome import Outcome
from runbook_action.request import Request, Target
from tests.integration.kubernetes_fixtures import KubernetesApi
from tests.integration.runbook_action.daemon_scene import OnDaemonSet
from tests.integration.runbook_action.drain_scene import create_pods
from tests.integration.runbook_action.fault_cases import (
    ON_CHECKOUT,
    SCENES,
    WITHOUT_CONFLICT,
    FaultCase,
    repeated,
)
from tests.integration.runbook_action.faulty_proxy import FaultyProxy
from tests.integration.runbook_action.support import PARAMETER, Place

pytestmark = pytest.mark.kubernetes
PARAMETERS: dict[str, dict[str, Any]] = {"scale_deployment": {"step": 2, "max_replicas": 10}}
ROLLOUTS = {"scale_deployment": 0, "drain_node": 0}  # each other action makes one
DAEMONS = "restart_workload of a DaemonSet"
PROBE = "probe_cluster"  # changes nothing, and looks at rights instead of its target


class Case:
    """One action on a target that is ready for it."""

    def __init__(self, action: str, place: Place, node: str | None, proxy: FaultyProxy) -> None:
        self.action, self.place, self.node, self.proxy = action, place, node, proxy
        self.name = node or "checkout"
        place.access.url = proxy.url
        if action == "disable_degraded_mode":
            place.parameters.values[PARAMETER] = "true"
        if action == "rollback_deployment":
            containers = [{"name": "checkout", "image": "none/none:2"}]
            self.patch({"spec": {"template": {"spec": {"containers": containers}}}})
            place.wait_until_ready()
        if node:
            create_pods(place, node, ["a", "b"])
        self.before = self.effects()
        self.once = ROLLOUTS.get(action, 1)

    def request(self) -> Request:
        asked = self.place.request(
            self.action, name=self.name, parameters=PARAMETERS.get(self.action, {})
        )
        if self.node:
            return replace(asked, target=Target(None, None, "node", self.name))
        return asked

    def execute(self) -> Outcome:
        return REGISTRY[self.action].execute(self.request(), self.place.services(seconds=60))

    def patch(self, patch: dict[str, Any]) -> None:
        """As somebody else who may."""
        if self.node:
            self.place.core.patch_node(self.node, patch)
        else:
            self.place.apps.patch_namespaced_deployment("checkout", self.place.namespace, patch)

    def effects(self) -> int:
        """How many templates there were: each one has a ReplicaSet."""
        found = self.place.apps.list_namespaced_replica_set(self.place.namespace).items
        return len(found)

    def is_done(self) -> bool:
        """Whether exactly what was asked for is there."""
        if self.node:
            left = self.place.core.list_namespaced_pod(
                self.place.namespace, field_selector=f"spec.nodeName={self.node}"
            ).items
            return bool(self.place.core.read_node(self.node).spec.unschedulable) and not left
        found = self.place.deployment()
        done: dict[str, bool] = {
            "scale_deployment": found.spec.replicas == 5,
            "rollback_deployment": found.spec.template.spec.containers[0].image == "none/none:1",
            "enable_degraded_mode": self.place.parameters.values[PARAMETER] == "true",
            "disable_degraded_mode": self.place.parameters.values[PARAMETER] == "false",
        }
        return done.get(self.action, True)

    # What goes wrong.

    def refusal(self) -> None:
        if self.node:
            create_pods(self.place, self.node, ["bare"], managed=False)
        else:
            self.patch({"spec": {"paused": True}})

    def unreachable(self) -> None:
        self.place.access.url = f"http://127.0.0.1:{free_port()}"

    def unauthorized(self) -> None:
        self.place.access.bearer = "nonsense"

    def forbidden(self) -> None:
        rbac: Any = client.RbacAuthorizationV1Api(self.place.admin)
        if self.node:
            rbac.patch_cluster_role(self.node, {"rules": []})
        rbac.patch_namespaced_role("checkout-remediation", self.place.namespace, {"rules": []})

    def missing(self) -> None:
        self.name = "missing"

    def conflict(self) -> None:
        def change() -> None:
            spec = {"podCIDR": "10.9.9.0/24"} if self.node else {"minReadySeconds": 1}
            self.patch({"spec": spec})

        self.proxy.before = change

    def invalid(self) -> None:
        self.proxy.mangle = True

    def throttled(self) -> None:
        self.proxy.answer = 429

    def server_error(self) -> None:
        self.proxy.answer = 500

    def halfway(self) -> None:
        self.proxy.lose = True


@pytest.fixture
def proxy(control_plane: KubernetesApi, tmp_path: Path) -> Iterator[FaultyProxy]:
    """In front of the API server."""
    ca_file = tmp_path / "ca.pem"
    ca_file.write_text(control_plane.ca_pem)
    started = FaultyProxy(control_plane.endpoint, str(ca_file))
    yield started
    started.stop()


@pytest.fixture
def case(
    request: pytest.FixtureRequest, action: str, proxy: FaultyProxy
) -> Iterator[Case | FaultCase]:
    """An action on what it acts on."""
    scenes = {**SCENES, DAEMONS: OnDaemonSet}
    if action in scenes:
        name = "restart_workload" if action == DAEMONS else action
        made = scenes[action](name, request.getfixturevalue("bare_place"), proxy)
        yield made
        made.clear()
        return
    assert action in ON_CHECKOUT, "a new action has a scene in fault_cases.SCENES"
    on_node = "node" in REGISTRY[action].target_kinds
    node: str | None = request.getfixturevalue("node") if on_node else None
    yield Case(action, request.getfixturevalue("place"), node, proxy)


ACTIONS = [name for name, action in REGISTRY.items() if name != PROBE and action.rights]
ACTIONS.append(DAEMONS)
BEFORE_ANY_WRITE = {
    "refusal": "ActionRefused",
    "unreachable": "ClusterUnreachable",
    "unauthorized": "AccessDenied",
    "forbidden": "AccessDenied",
    "missing": "TargetNotFound",
}
AT_THE_FIRST_WRITE = {
    "conflict": "ClusterConflict",
    "invalid": "ClusterRejected",
    "throttled": "ClusterThrottled",
    "server_error": "ClusterUnreachable",
    "halfway": "ClusterUnreachable",
}


@pytest.mark.parametrize("fault", BEFORE_ANY_WRITE)
@pytest.mark.parametrize("action", ACTIONS)
def test_what_fails_before_the_first_write_changes_nothing(
    case: Case | FaultCase, fault: str
) -> None:
    getattr(case, fault)()
    with pytest.raises(RunbookActionError) as caught:
        case.execute()
    assert type(caught.value).__name__ == BEFORE_ANY_WRITE[fault]
    assert case.proxy.writes == []
    setting = "true" if case.action == "disable_degraded_mode" else "false"
    assert case.place.parameters.values[PARAMETER] == setting


@pytest.mark.parametrize(
    ("action", "fault"),
    [
        (action, fault)
        for action in ACTIONS
        for fault in AT_THE_FIRST_WRITE
        if fault != "conflict" or action not in WITHOUT_CONFLICT
    ],
)
def test_what_fails_at_the_first_write_is_made_good_by_a_repeat_and_twice_is_once(
    case: Case | FaultCase, fault: str
) -> None:
    getattr(case, fault)()
    with pytest.raises(RunbookActionError) as caught:
        case.execute()
    assert type(caught.value).__name__ == AT_THE_FIRST_WRITE[fault]
    case.proxy.heal()
    check_it_is_done_and_twice_is_once(case)


@pytest.mark.parametrize("action", ACTIONS)
def test_without_a_fault_it_is_done_and_twice_is_once(case: Case | FaultCase) -> None:
    check_it_is_done_and_twice_is_once(case)


def check_it_is_done_and_twice_is_once(case: Case | FaultCase) -> None:
    assert repeated(case.execute).status == "succeeded"
    assert case.is_done()
    assert case.effects() == case.before + case.once
    written = len(case.proxy.writes)
    assert case.execute().status == "succeeded"
    assert len(case.proxy.writes) == written


PROBED = {
    **{fault: BEFORE_ANY_WRITE[fault] for fault in ("unreachable", "unauthorized", "forbidden")},
    **{fault: error for fault, error in AT_THE_FIRST_WRITE.items() if fault != "conflict"},
}


@pytest.mark.parametrize("fault", PROBED)
def test_the_probe_tells_every_fault_that_would_stop_a_remediation_and_changes_nothing(
    place: Place, proxy: FaultyProxy, fault: str
) -> None:
    case = Case(PROBE, place, None, proxy)
    before = case.place.deployment().metadata.resource_version
    getattr(case, fault)()
    with pytest.raises(RunbookActionError) as caught:
        case.execute()
    assert type(caught.value).__name__ == PROBED[fault]
    proxy.heal()
    assert case.place.deployment().metadata.resource_version == before


def test_a_probe_without_a_fault_changes_nothing(place: Place, proxy: FaultyProxy) -> None:
    case = Case(PROBE, place, None, proxy)
    before = case.place.deployment().metadata.resource_version
    assert [case.execute().status for _ in range(2)] == ["unchanged", "unchanged"]
    assert case.place.deployment().metadata.resource_version == before
