"""What would become of an alert: the same answer as the state machine gives."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from jsonata import Jsonata

from srectl import runbooks
from srectl.errors import CommandFailed
from srectl.operate import catalogue, plans
from srectl.operate.account import Account
from srectl.operate.plans import Limits, decide
from tests.support.machines import machines

ROOT = Path(__file__).resolve().parents[4]
EVENTS = ROOT / "events"
CATALOGUE = {one.name: one.definition for one in runbooks.load(ROOT / "runbooks")}
Run = Callable[..., Result]


def alert(**changes: Any) -> dict[str, Any]:
    return {
        "incident_id": "i1",
        "status": "firing",
        "alert_name": "CheckoutHighErrorRate",
        "severity": "critical",
        "runbook": None,
        "labels": {},
        "target": {"cluster": None, "namespace": None, "kind": None, "name": None},
        **changes,
    }


def planned(srectl: Run, file: Path, *arguments: str) -> list[dict[str, Any]]:
    answer = srectl("runbooks", "plan", "--event", str(file), "--json", *arguments)
    assert answer.exit_code == 0, answer.output
    return list(json.loads(answer.stdout))


def resolved(part: str, incident: dict[str, Any], runbook: dict[str, Any]) -> dict[str, Any]:
    """Evaluate what ChooseAction asks of runbook-action, and return a part of it."""
    machine = machines()["incident-response-runbook"].definition()
    text = machine["States"]["ChooseAction"]["Assign"]["request"]
    expression = Jsonata(text.removeprefix("{%").removesuffix("%}"))
    expression.register_lambda("parse", json.loads)
    frame = expression.create_frame()
    frame.bind("incident", incident)
    frame.bind("states", {"result": {"Item": {"definition": {"S": json.dumps(runbook)}}}})
    return dict(expression.evaluate({}, frame)[part])


INTEGER = {"from_label": "by", "type": "integer", "minimum": 1, "maximum": 3}


@pytest.mark.parametrize(
    ("given", "labels", "value"),
    [
        (2, {"by": "9"}, 2),
        ("text", {}, "text"),
        (INTEGER, {"by": "3"}, 3),
        (INTEGER, {"by": "4"}, None),
        (INTEGER, {"by": "0"}, None),
        (INTEGER, {"by": "2.5"}, None),
        (INTEGER, {"by": "1e0"}, None),
        (INTEGER, {"by": "2; reboot"}, None),
        (INTEGER, {"by": ""}, None),
        (INTEGER, {}, None),
        ({**INTEGER, "type": "number"}, {"by": "2.5"}, 2.5),
        ({**INTEGER, "minimum": -3}, {"by": "-2"}, -2),
        ({"from_label": "by", "one_of": ["a", "b"]}, {"by": "b"}, "b"),
        ({"from_label": "by", "one_of": ["a", "b"]}, {"by": "c"}, None),
        ({"from_label": "by", "one_of": ["a", "b"]}, {}, None),
    ],
)
def test_a_parameter_from_a_label_keeps_its_bounds_here_and_in_the_state_machine(
    given: Any, labels: dict[str, str], value: Any
) -> None:
    incident, runbook = alert(labels=labels), {"parameters": {"x": given}}
    assert plans.parameters_of(incident, runbook) == {"x": value}
    assert resolved("parameters", incident, runbook) == {"x": value}


def test_a_parameter_out_of_bounds_is_a_reason_not_to_act() -> None:
    runbook = {**CATALOGUE["CheckoutHighErrorRate"], "parameters": {"by": INTEGER}}
    decision = decide(alert(labels={"by": "7"}), {runbook["name"]: runbook}, Limits())
    assert decision.refusals == ["label by for parameter by is missing or out of bounds"]


@pytest.mark.parametrize("runbook", sorted(CATALOGUE))
@pytest.mark.parametrize("cluster", [None, "other"])
@pytest.mark.parametrize("labels", [{"node": "n1", "instance": "i1"}, {"x": "y"}])
def test_the_target_is_the_one_that_the_state_machine_resolves(
    runbook: str, cluster: str | None, labels: dict[str, str]
) -> None:
    incident = alert(labels=labels, target={"cluster": cluster})
    wanted = resolved("target", incident, CATALOGUE[runbook])
    if wanted["cluster"] == "${DefaultCluster}":
        wanted["cluster"] = "sre-platform"
    wanted.setdefault("name", None)
    assert plans.target_of(incident, CATALOGUE[runbook], "sre-platform") == wanted


@pytest.mark.parametrize(
    ("file", "selected"),
    [
        ("alertmanager/firing.json", "CheckoutHighErrorRate"),
        ("alertmanager/api-firing.json", "CheckoutHighErrorRate"),
        ("alertmanager/api-firing-base64.json", "CheckoutHighErrorRate"),
        ("datadog/triggered.json", "CheckoutHighErrorRate"),
    ],
)
def test_every_form_of_a_payload_selects_its_runbook(srectl: Run, file: str, selected: str) -> None:
    first = planned(srectl, EVENTS / file)[0]
    assert (first["runbook"], first["eligible"]) == (selected, True)
    assert first["guard"] == {"cooldown_seconds": 300, "max_actions": 3, "window_seconds": 3600}


@pytest.mark.parametrize("form", ["event", "entry"])
def test_an_event_of_the_bus_selects_its_runbook(srectl: Run, tmp_path: Path, form: str) -> None:
    detail = {"data": alert()}
    file = tmp_path / "event.json"
    file.write_text(
        json.dumps({"detail-type": "incident.created", "detail": detail})
        if form == "event"
        else json.dumps({"DetailType": "incident.created", "Detail": json.dumps(detail)})
    )
    assert planned(srectl, file)[0]["eligible"] is True


@pytest.mark.parametrize(
    ("changes", "limits", "reason"),
    [
        ({"alert_name": "Nobody"}, Limits(), "no runbook named Nobody"),
        ({"runbook": "Nobody"}, Limits(), "no runbook named Nobody"),
        ({"severity": "info"}, Limits(), "severity info is not eligible"),
        ({"severity": "warning"}, Limits(), "not for severity warning"),
        ({"status": "resolved"}, Limits(), "starts no runbook"),
        ({"runbook": "NodeNotReady"}, Limits(), "no label node"),
        ({}, Limits(namespaces=("shop",)), "namespace apps may not be changed"),
        ({}, Limits(mode="off"), "remediation is off"),
        ({}, Limits(mode="unreadable"), "remediation is unreadable"),
        ({}, Limits(mode="observe"), "only observes"),
        ({}, Limits(maintenance="upgrade"), r"window is open \(upgrade\)"),
    ],
)
def test_why_an_alert_is_not_eligible(changes: dict[str, Any], limits: Limits, reason: str) -> None:
    decision = decide(alert(**changes), CATALOGUE, limits)
    assert not decision.eligible
    with pytest.raises(AssertionError, match=reason):
        assert not decision.refusals, decision.refusals


def test_a_disabled_runbook_is_not_eligible() -> None:
    disabled = {**CATALOGUE["CheckoutHighErrorRate"], "enabled": False}
    decision = decide(alert(), {"CheckoutHighErrorRate": disabled}, Limits())
    assert decision.refusals == ["runbook CheckoutHighErrorRate is disabled"]


def test_a_runbook_that_asks_says_so() -> None:
    decision = decide(alert(runbook="NodeNotReady", labels={"node": "n1"}), CATALOGUE, Limits())
    assert (decision.eligible, decision.approval) == (True, True)


def test_a_body_that_intake_refuses_is_refused_with_its_pointers(srectl: Run) -> None:
    answer = srectl("runbooks", "plan", "--event", str(EVENTS / "alertmanager/invalid-alert.json"))
    assert answer.exit_code == 1
    assert "/alerts/0/startsAt" in answer.output


def test_what_is_no_json_or_starts_no_runbook_is_said(srectl: Run, tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    for text, problem in (("{", "not JSON"), ('{"detail-type": "x", "detail": {}}', "event x")):
        file.write_text(text)
        answer = srectl("runbooks", "plan", "--event", str(file))
        assert answer.exit_code == 1
        assert problem in answer.output


def test_new_changed_same_and_only_published_are_told_apart(account: Account) -> None:
    local = runbooks.load(ROOT / "runbooks")
    runbooks.publish(account.dynamodb, account.runbooks_table, local[1:])
    for name, definition in (("Old", "{}"), (local[1].name, '{"action": "other"}')):
        account.dynamodb.put_item(
            TableName=account.runbooks_table,
            Item={"name": {"S": name}, "definition": {"S": definition}},
        )
    there = catalogue.published(account.dynamodb, account.runbooks_table)
    states = {row.name: row.state for row in catalogue.compare(local, there)}
    assert states.pop("Old") == "only published"
    assert states.pop(local[0].name) == "new"
    assert states.pop(local[1].name) == "changed"
    assert set(states.values()) == {"same"}


class Function:
    """Answers like the Lambda API."""

    def __init__(self, payload: object, error: str | None = None) -> None:
        self.payload, self.error = payload, error
        self.asked: dict[str, Any] = {}

    def invoke(self, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803 - AWS's
        self.asked = {"function": FunctionName, **json.loads(Payload)}
        answer: dict[str, Any] = {"Payload": io.BytesIO(json.dumps(self.payload).encode())}
        return {**answer, "FunctionError": self.error} if self.error else answer


def test_live_follows_the_published_catalogue_and_switches_and_only_plans(
    account: Account, srectl: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = {**CATALOGUE["CheckoutHighErrorRate"], "on_failure": "keep"}
    account.dynamodb.put_item(
        TableName=account.runbooks_table,
        Item={
            "name": {"S": "CheckoutHighErrorRate"},
            "definition": {"S": json.dumps(changed)},
        },
    )
    account.ssm.put_parameter(Name=account.mode_parameter, Value="observe", Overwrite=True)
    function = Function({"summary": "Would switch.", "plan": []})
    monkeypatch.setattr(Account, "functions", function)
    first = planned(srectl, EVENTS / "alertmanager/firing.json", "--live")[0]
    assert first["on_failure"] == "keep"
    assert "only observes" in first["refusals"][0]
    assert first["plan"] == {"summary": "Would switch.", "plan": []}
    assert (function.asked["operation"], function.asked["function"]) == ("plan", "t-runbook-action")


def test_a_plan_that_fails_names_the_error() -> None:
    decision = decide(alert(), CATALOGUE, Limits())
    function = Function(
        {"errorType": "ClusterUnreachable", "errorMessage": "no answer"}, "Unhandled"
    )
    with pytest.raises(CommandFailed, match="ClusterUnreachable: no answer"):
        plans.live_plan(function, "f", decision)  # type: ignore[arg-type]  # all it calls is invoke
