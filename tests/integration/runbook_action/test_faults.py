"""Every action against everything an API server may answer: the right error, and twice is once.

The answers are the real server's. Only what it cannot be made to say on demand (429 to a patch,
500, an answer that is lost) is said by a proxy in front of it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client

from onemachine.processes.ports import free_port
from onemachine.processes.waiting import wait_until
from runbook_action.actions import REGISTRY
from runbook_action.errors import ClusterConflict, RunbookActionError
from runbook_action.outcome import Outcome
from runbook_action.ports import Right
from runbook_action.request import Request, Target
from tests.integration.kubernetes_fixtures import KubernetesApi
from tests.integration.runbook_action.drain_scene import create_pods
from tests.integration.runbook_action.faulty_proxy import FaultyProxy
from tests.integration.runbook_action.support import PARAMETER, Place

pytestmark = pytest.mark.kubernetes
PARAMETERS: dict[str, dict[str, Any]] = {"scale_deployment": {"step": 2, "max_replicas": 10}}
ROLLOUTS = {"scale_deployment": 0, "drain_node": 0}  # each other action makes one
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
        self.before = self.rollouts()

    def request(self) -> Request:
        asked = self.place.request(
            self.action, name=self.name, parameters=PARAMETERS.get(self.action, {})
        )
        if self.node:
            return replace(asked, target=Target(None, None, "node", self.name))
        return asked

    def execute(self) -> Outcome:
        return REGISTRY[self.action].execute(self.request(), self.place.services(seconds=60))

    def repeated(self) -> Outcome:
        """Execute once more, as the state machine does: also where controllers were quicker."""
        for _ in range(3):
            with contextlib.suppress(ClusterConflict):
                return self.execute()
        return self.execute()

    def patch(self, patch: dict[str, Any]) -> None:
        """As somebody else who may."""
        if self.node:
            self.place.core.patch_node(self.node, patch)
        else:
            self.place.apps.patch_namespaced_deployment("checkout", self.place.namespace, patch)

    def rollouts(self) -> int:
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
        group, resource = ("", "nodes") if self.node else ("apps", "deployments")
        namespace = "" if self.node else self.place.namespace
        right = Right(group, resource, "get")
        # The API server goes by what it has heard of, a moment later.
        wait_until(
            lambda: not self.place.cluster.allows(namespace, right), "the right to be gone", 20
        )
        self.proxy.writes.clear()

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


@pytest.fixture(params=[name for name in REGISTRY if name != PROBE])
def case(request: pytest.FixtureRequest, place: Place, proxy: FaultyProxy) -> Case:
    """Each action in turn."""
    action: str = request.param
    on_node = REGISTRY[action].target_kind == "node"
    node: str | None = request.getfixturevalue("node") if on_node else None
    return Case(action, place, node, proxy)


BEFORE_ANY_WRITE: list[tuple[Callable[[Case], None], str]] = [
    (Case.refusal, "ActionRefused"),
    (Case.unreachable, "ClusterUnreachable"),
    (Case.unauthorized, "AccessDenied"),
    (Case.forbidden, "AccessDenied"),
    (Case.missing, "TargetNotFound"),
]
AT_THE_FIRST_WRITE: list[tuple[Callable[[Case], None], str]] = [
    (Case.conflict, "ClusterConflict"),
    (Case.invalid, "ClusterRejected"),
    (Case.throttled, "ClusterThrottled"),
    (Case.server_error, "ClusterUnreachable"),
    (Case.halfway, "ClusterUnreachable"),
]


def named(fault: object) -> str:
    return getattr(fault, "__name__", str(fault))


@pytest.mark.parametrize(("fault", "error"), BEFORE_ANY_WRITE, ids=named)
def test_what_fails_before_the_first_write_changes_nothing(
    case: Case, fault: Callable[[Case], None], error: str
) -> None:
    fault(case)
    with pytest.raises(RunbookActionError) as caught:
        case.execute()
    assert type(caught.value).__name__ == error
    assert case.proxy.writes == []
    setting = "true" if case.action == "disable_degraded_mode" else "false"
    assert case.place.parameters.values[PARAMETER] == setting


@pytest.mark.parametrize(("fault", "error"), AT_THE_FIRST_WRITE, ids=named)
def test_what_fails_at_the_first_write_is_made_good_by_a_repeat_and_twice_is_once(
    case: Case, fault: Callable[[Case], None], error: str
) -> None:
    fault(case)
    with pytest.raises(RunbookActionError) as caught:
        case.execute()
    assert type(caught.value).__name__ == error
    case.proxy.heal()
    assert case.repeated().status == "succeeded"
    assert case.is_done()
    assert case.rollouts() == case.before + ROLLOUTS.get(case.action, 1)
    written = len(case.proxy.writes)
    assert case.execute().status == "succeeded"
    assert len(case.proxy.writes) == written


def test_without_a_fault_it_is_done_and_twice_is_once(case: Case) -> None:
    assert case.execute().status == "succeeded"
    assert case.is_done()
    assert case.rollouts() == case.before + ROLLOUTS.get(case.action, 1)
    written = len(case.proxy.writes)
    assert case.execute().status == "succeeded"
    assert len(case.proxy.writes) == written


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Case.unreachable, "ClusterUnreachable"),
        (Case.unauthorized, "AccessDenied"),
        (Case.forbidden, "AccessDenied"),
        *((fault, error) for fault, error in AT_THE_FIRST_WRITE if fault is not Case.conflict),
    ],
    ids=named,
)
def test_the_probe_tells_every_fault_that_would_stop_a_remediation_and_changes_nothing(
    place: Place, proxy: FaultyProxy, fault: Callable[[Case], None], error: str
) -> None:
    case = Case(PROBE, place, None, proxy)
    before = case.place.deployment().metadata.resource_version
    fault(case)
    with pytest.raises(RunbookActionError) as caught:
        case.execute()
    assert type(caught.value).__name__ == error
    proxy.heal()
    assert case.place.deployment().metadata.resource_version == before


def test_a_probe_without_a_fault_changes_nothing(place: Place, proxy: FaultyProxy) -> None:
    case = Case(PROBE, place, None, proxy)
    before = case.place.deployment().metadata.resource_version
    assert [case.execute().status for _ in range(2)] == ["unchanged", "unchanged"]
    assert case.place.deployment().metadata.resource_version == before
