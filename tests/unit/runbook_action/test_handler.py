"""The handler: input to output, errors by name, and what it logs and counts."""

from __future__ import annotations

import json
from typing import Any

import pytest

from runbook_action import handler as module
from runbook_action.errors import (
    AccessDenied,
    ActionRefused,
    AwsRejected,
    ClusterUnreachable,
    InvalidRequest,
    ResourceMissing,
    RunbookActionError,
    StateUnknown,
)
from runbook_action.settings import InvalidSettings, Settings
from tests.unit.runbook_action.environment import GOOD
from tests.unit.runbook_action.fakes import INCIDENT, OTHER_INCIDENT, PARAMETER, World
from tests.unit.runbook_action.invocations import Context, event, logged


def counted(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """The metric of the invocation, as CloudWatch takes it from standard output.

    A refusal is counted apart, before it.
    """
    line: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return line


def test_an_action_answers_with_every_key_of_the_contract(world: World) -> None:
    answer = module.handler(event(), Context())
    assert json.loads(json.dumps(answer)) == answer
    assert list(answer) == [
        "status",
        "action",
        "operation",
        "target",
        "incident_id",
        "step",
        "action_id",
        "changed",
        "summary",
        "details",
        "plan",
        "undo",
        "healthy",
        "facts",
        "applies",
        "why_not",
    ]
    assert answer["status"] == "succeeded"
    assert answer["undo"] == {
        "action": "enable_degraded_mode",
        "parameters": {"degraded_mode": False},
    }
    assert world.parameters.values == {PARAMETER: "true"}


def test_a_part_in_a_lease_is_handed_over_and_an_action_without_any_has_none(world: World) -> None:
    undo = module.handler(event(), Context())["undo"]
    answer = module.handler(event(operation="hand_over", undo=undo), Context())
    assert (answer["operation"], answer["status"]) == ("hand_over", "unchanged")
    assert "stays as it is, because its alert fires again" in answer["summary"]
    assert world.parameters.values == {PARAMETER: "true"}
    for action in ("restart_workload", "disable_degraded_mode"):
        other = event(operation="hand_over", action=action, incident_id=OTHER_INCIDENT)
        assert "is not held for this incident" in module.handler(other, Context())["summary"]


def test_the_undo_that_execute_returned_is_what_undo_takes(world: World) -> None:
    undo = module.handler(event(), Context())["undo"]
    answer = module.handler(event(operation="undo", undo=undo), Context())
    assert answer["status"] == "succeeded"
    assert world.parameters.values == {PARAMETER: "false"}


@pytest.mark.parametrize("operation", ["plan", "execute", "verify", "undo"])
def test_each_operation_reaches_the_action(world: World, operation: str) -> None:
    assert module.handler(event(operation=operation), Context())["operation"] == operation


def test_success_is_counted_for_the_action_and_logged_for_the_incident(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    module.handler(event(), Context())
    metric = counted(capsys)
    assert metric["RunbookActionSucceeded"] == [1.0]
    assert (metric["action"], metric["operation"]) == ("enable_degraded_mode", "execute")
    (line,) = logged()
    assert (line["incident_id"], line["status"]) == (INCIDENT, "succeeded")


def test_failure_is_counted_logged_and_raised_under_its_own_name(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.calls.fail_at(1, ClusterUnreachable("no answer"))
    with pytest.raises(ClusterUnreachable):
        module.handler(event(), Context())
    metric = counted(capsys)
    assert metric["RunbookActionFailed"] == [1.0]
    assert (metric["action"], metric["error"]) == ("enable_degraded_mode", "ClusterUnreachable")
    (line,) = logged()
    assert (line["level"], line["error"]) == ("ERROR", "ClusterUnreachable")
    assert "no answer" in line["exception"]


def test_a_fault_of_our_own_is_counted_as_a_failure_too(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.calls.fail_at(1, ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        module.handler(event(), Context())
    assert "RunbookActionFailed" in counted(capsys)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"action": "delete_everything"}, InvalidRequest),
        ({"incident_id": ""}, InvalidRequest),
        (
            {"target": {"namespace": "kube-system", "kind": "deployment", "name": "coredns"}},
            ActionRefused,
        ),
    ],
)
def test_a_bad_request_touches_nothing(
    world: World,
    capsys: pytest.CaptureFixture[str],
    changes: dict[str, Any],
    error: type[RunbookActionError],
) -> None:
    with pytest.raises(error):
        module.handler(event(**changes), Context())
    assert world.calls.log == []
    assert "RunbookActionFailed" in counted(capsys)


def test_one_invocations_incident_does_not_show_in_the_next_ones_log(
    world: World,
) -> None:
    module.handler(event(), Context())
    with pytest.raises(InvalidRequest):
        module.handler(event(action="no such"), Context())
    first, second = logged()
    assert "incident_id" in first
    assert "incident_id" not in second


def test_a_bad_environment_stops_the_function_with_its_faults(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("CLUSTERS", raising=False)
    module.container.cache_clear()
    with pytest.raises(InvalidSettings, match="CLUSTERS is missing"):
        module.handler(event(), Context())


def test_the_container_makes_its_clients_without_calling_anything(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    container = module.Container(Settings.from_environment(GOOD))
    services = container.services(None, Context())
    assert services.degraded_mode_parameter == PARAMETER
    assert 100 < services.clock.remaining() <= 105
    assert container.services("sre-platform", Context()).cluster is services.cluster


def resolving(**labels: str) -> dict[str, Any]:
    target = {"kind": "deployment", "namespace": "apps", "name": "checkout"}
    return {
        "operation": "resolve",
        "runbook": {
            "name": "CheckoutDown",
            "action": "restart_deployment",
            "target": target,
            "on_failure": "undo",
        },
        "alert": {"labels": labels, "target": {"cluster": None}},
        "incident_id": INCIDENT,
    }


def test_resolve_answers_what_a_runbook_is_about_and_changes_nothing(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.cluster.put("namespace", {"metadata": {"name": "apps"}})
    answer = module.handler(resolving(deployment="checkout"), Context())
    assert json.loads(json.dumps(answer)) == answer
    assert (answer["status"], answer["changed"]) == ("resolved", False)
    assert answer["locks"] == ["target#sre-platform#apps#deployment#checkout"]
    assert world.calls.writes() == []
    metric = counted(capsys)
    assert metric["RunbookActionSucceeded"] == [1.0]
    assert (metric["action"], metric["operation"]) == ("restart_deployment", "resolve")
    (line,) = logged()
    assert (line["runbook"], line["incident_id"]) == ("CheckoutDown", INCIDENT)


def test_an_alert_that_names_another_object_is_refused_under_its_own_name(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ActionRefused, match=r"staging/checkout.*apps/checkout"):
        module.handler(resolving(namespace="staging", deployment="checkout"), Context())
    apart, failed = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert (apart["RunbookActionRefusals"], apart["service"]) == ([1.0], "runbook-action")
    assert apart["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["service"]]
    assert failed["RunbookActionFailed"] == [1.0]
    assert world.calls.log == []
    assert world.cluster.events == {}


def test_an_inspection_that_fails_is_no_failure_of_an_incident(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The doctor asks, and says so; nobody is to be woken because it asked three times."""

    def away(*_: Any) -> None:
        raise ClusterUnreachable("the API server does not answer")

    monkeypatch.setattr(module, "inspect", away)
    with pytest.raises(ClusterUnreachable):
        module.handler({"operation": "inspect", "cluster": None}, Context())
    apart, failed = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert apart["RunbookActionRefusals"] == [1.0]
    assert (failed["RunbookActionFailed"], failed["operation"]) == ([1.0], "inspect")
    assert world.calls.writes() == []


@pytest.mark.parametrize("error", [StateUnknown, ResourceMissing, AwsRejected, AccessDenied])
def test_what_could_not_be_found_out_is_counted_as_no_refusal(
    world: World,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    error: type[RunbookActionError],
) -> None:
    def read(_: str) -> None:
        raise error("the lock cannot be read")

    monkeypatch.setattr(world.locks, "read", read)
    with pytest.raises(error):
        module.handler(event(), Context())
    (line,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert line["RunbookActionFailed"] == [1.0]
    assert world.calls.writes() == []
