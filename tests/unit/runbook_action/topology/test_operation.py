"""Operation ``relate``, and what ``resolve`` adds of it: where labels lead, and what fails."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from runbook_action import handler as module
from runbook_action.errors import (
    ActionRefused,
    AwsUnavailable,
    ClusterUnreachable,
    InvalidRequest,
    RunbookActionError,
)
from runbook_action.ports import Services
from runbook_action.topology import parse_relate, relate
from tests.unit.runbook_action.fakes import INCIDENT, OTHER_INCIDENT, World
from tests.unit.runbook_action.invocations import Context
from tests.unit.runbook_action.resolve.scene import POLICY
from tests.unit.runbook_action.topology.scene import Objects, Rows

BEGAN = "2026-11-23T15:14:52.704Z"
#: As kube-state-metrics tells of a node, with its own place besides.
OF_A_NODE = {
    "node": "dead",
    "namespace": "monitoring",
    "pod": "kube-state-metrics-5d8f7c9b6-x2x4k",
    "job": "kube-state-metrics",
    "service": "kube-state-metrics",
}


@pytest.fixture
def objects() -> Objects:
    found = Objects()
    found.node("dead", ready="Unknown")
    found.workload("web", ("dead", False))
    found.workload("db", ("dead", False), kind="statefulset")
    return found


def asked(labels: dict[str, str], incident: str = INCIDENT, **more: Any) -> dict[str, Any]:
    return {
        "operation": "relate",
        "alert": {
            "severity": "warning",
            "labels": labels,
            "target": {"cluster": "sre-platform"},
        },
        "incident_id": incident,
        "timestamp": BEGAN,
        **more,
    }


def related(
    objects: Objects, rows: Rows, event: dict[str, Any], window: int = 900
) -> dict[str, Any]:
    services = replace(World.new().services, cluster=objects.cluster, places=rows)
    found: dict[str, Any] = relate(parse_relate(event), POLICY, lambda _: services, window)
    return found


@pytest.mark.parametrize(
    ("labels", "place"),
    [
        ({"namespace": "apps", "deployment": "web"}, "apps#deployment#web"),
        ({"namespace": "apps", "statefulset": "db"}, "apps#statefulset#db"),
        ({"namespace": "apps", "pod": "db-0"}, "apps#statefulset#db"),
        ({"namespace": "apps", "deployment": "web", "node": "dead"}, "apps#deployment#web"),
        (OF_A_NODE, "#node#dead"),
        ({"node": "dead"}, "#node#dead"),
    ],
)
def test_labels_lead_to_a_place(objects: Objects, labels: dict[str, str], place: str) -> None:
    rows = Rows()
    related(objects, rows, asked(labels))
    own = [key for key, marks in rows.marks.items() if marks[INCIDENT].own]
    assert own == [f"sre-platform#{place}"]


def test_a_workload_hangs_on_its_node_and_says_so(objects: Objects) -> None:
    rows = Rows()
    web = asked({"namespace": "apps", "deployment": "web"})
    assert related(objects, rows, web)["summary"] == "it may have a cause: node dead is not ready"
    related(objects, rows, asked({"node": "dead"}, OTHER_INCIDENT))
    answer = related(objects, rows, web)
    assert answer["relation"] == {
        "caused_by": OTHER_INCIDENT,
        "cause_timestamp": BEGAN,
        "cause_place": "node dead",
        "suspect": "node dead is not ready",
        "children": 0,
    }
    assert answer["summary"] == f"it hangs on incident {OTHER_INCIDENT} (node dead)"


@pytest.mark.parametrize(
    ("labels", "why"),
    [
        ({}, "the alert has no label node or instance"),
        ({"namespace": "apps", "deployment": "gone"}, "deployment apps/gone"),
        ({"namespace": "elsewhere", "deployment": "web"}, "namespace elsewhere is not one"),
        ({"deployment": "web"}, "the alert has no label namespace"),
        (
            {"namespace": "apps", "deployment": "web", "k8s_cluster_name": "far"},
            "the alert names another cluster, k8s_cluster_name='far', than sre-platform",
        ),
    ],
)
def test_labels_that_lead_nowhere_relate_nothing(
    objects: Objects, labels: dict[str, str], why: str
) -> None:
    rows = Rows()
    answer = related(objects, rows, asked(labels))
    assert answer["summary"].startswith(f"it hangs on nothing, because {why}")
    assert rows.marks == {}
    assert rows.alone == {INCIDENT}


def test_a_window_of_nothing_looks_at_nothing(objects: Objects) -> None:
    answer = related(objects, Rows(), asked({"namespace": "apps", "deployment": "web"}), window=0)
    assert answer["relation"]["caused_by"] == ""
    assert objects.reads == 0


@pytest.mark.parametrize("timestamp", [None, 5, "yesterday", "2026-11-23T15:14:52"])
def test_a_time_that_is_none_is_refused(timestamp: object) -> None:
    with pytest.raises(InvalidRequest, match="timestamp"):
        parse_relate(asked({}, timestamp=timestamp))


class TestWithResolve:
    """What a runbook is about; by the way its incident is hung on its cause."""

    def resolve(self, **changes: Any) -> dict[str, Any]:
        runbook = {
            "name": "Mend",
            "action": "restart_workload",
            "target": {"kind": "deployment", "namespace": "apps", "name": "checkout"},
            "on_failure": "undo",
        }
        event = {
            "operation": "resolve",
            "runbook": runbook,
            "alert": {"severity": "critical", "labels": {}, "target": {"cluster": None}},
            "incident_id": INCIDENT,
            "timestamp": BEGAN,
            **changes,
        }
        answer: dict[str, Any] = module.handler(event, Context())
        return answer

    @pytest.fixture
    def rows(self, world: World, monkeypatch: pytest.MonkeyPatch) -> Rows:
        rows = Rows()
        services = World.services.fget  # type: ignore[attr-defined]  # a property
        monkeypatch.setattr(
            World, "services", property(lambda self: replace(services(self), places=rows))
        )
        return rows

    def test_it_is_hung_up_besides_by_what_was_read(self, rows: Rows, world: World) -> None:
        self.resolve()
        mark = rows.marks["sre-platform#apps#deployment#checkout"][INCIDENT]
        assert mark.known.rank == 3
        assert world.calls.log.count("get deployment") == 1

    def test_whoever_says_no_time_is_not_related(self, rows: Rows) -> None:
        event = {"timestamp": None}
        assert self.resolve(**event)["status"] == "resolved"
        assert rows.marks == {}

    def test_what_passes_is_asked_again_and_what_does_not_stops_no_remediation(
        self, rows: Rows, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def failing(error: RunbookActionError) -> None:
            def settle(*_: object) -> None:
                raise error

            monkeypatch.setattr(rows, "settle", settle)

        for error in (AwsUnavailable("throttled"), ClusterUnreachable("503")):
            failing(error)
            with pytest.raises(type(error)):
                self.resolve()
        failing(ActionRefused("the item is too large"))
        answer = self.resolve()
        assert answer["status"] == "resolved"
        assert rows.alone == {INCIDENT}

    def test_the_heartbeat_is_nowhere(self, rows: Rows) -> None:
        canary = {
            "name": "PlatformCanary",
            "action": "probe_cluster",
            "target": {"kind": "deployment", "namespace": "apps", "name": "platform-canary"},
            "on_failure": "keep",
        }
        assert self.resolve(runbook=canary)["status"] == "resolved"
        assert rows.marks == {}


def test_services_without_rows_relate_nothing(objects: Objects) -> None:
    services: Services = replace(World.new().services, cluster=objects.cluster)
    event = asked({"namespace": "apps", "deployment": "web"})
    answer = relate(parse_relate(event), POLICY, lambda _: services, 900)
    assert answer["relation"]["caused_by"] == ""
