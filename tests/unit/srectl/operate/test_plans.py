"""What would become of an alert: the same answer as the state machine gives."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from click.testing import Result

from srectl import runbooks
from srectl.errors import CommandFailed
from srectl.operate import catalogue, plans
from srectl.operate.account import Account
from srectl.operate.plans import Limits, decide
from srectl.steps import steps_of
from tests.support import shipped

ROOT = Path(__file__).resolve().parents[4]
EVENTS = ROOT / "events"
CATALOGUE = {one.name: one.definition for one in runbooks.load(shipped.RUNBOOKS)}
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
    found, end = json.JSONDecoder().raw_decode(answer.stdout)
    if answer.exit_code:
        error = json.loads(answer.stdout[end:])["error"]
        assert (error["exit_code"], bool(error["hint"])) == (1, True)
    assert answer.exit_code == (0 if all(each["eligible"] for each in found) else 1), answer.output
    return cast("list[dict[str, Any]]", found)


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
def test_a_parameter_from_a_label_keeps_its_bounds(
    given: Any, labels: dict[str, str], value: Any
) -> None:
    runbook = {**CATALOGUE["CheckoutHighErrorRate"], "parameters": {"x": given}}
    decision = decide(alert(labels=labels), {runbook["name"]: runbook}, Limits())
    assert decision.steps[0]["parameters"] == {"x": value}


def test_a_parameter_out_of_bounds_is_a_reason_not_to_act() -> None:
    runbook = {**CATALOGUE["CheckoutHighErrorRate"], "parameters": {"by": INTEGER}}
    decision = decide(alert(labels={"by": "7"}), {runbook["name"]: runbook}, Limits())
    assert decision.refusals == [
        "parameter by comes from label by, which has to be a whole number from 1 to 3 and is '7'."
    ]


def test_of_a_target_that_the_alert_names_the_bounds_are_shown() -> None:
    target = {"from_alert": "workload", "namespaces": ["apps", "team-*"], "names": ["checkout*"]}
    runbook = {**CATALOGUE["CheckoutHighErrorRate"], "target": target}
    decision = decide(alert(target={"cluster": "other"}), {runbook["name"]: runbook}, Limits())
    assert decision.steps[0]["target"] == {
        "cluster": "other",
        "namespace": "apps or team-*",
        "kind": "workload",
        "name": "checkout*",
    }


@pytest.mark.parametrize(
    ("file", "selected"),
    [
        ("alertmanager/firing.json", "CheckoutHighErrorRate"),
        ("alertmanager/api-firing.json", "CheckoutHighErrorRate"),
        ("alertmanager/api-firing-base64.json", "CheckoutHighErrorRate"),
        ("datadog/triggered.json", "CheckoutHighErrorRate"),
        ("cloudwatch/alarm-tags-propagated.json", "CheckoutHighErrorRate"),
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
        ({"notice": True}, Limits(), "no runbook acts on it"),
        ({"severity": "info"}, Limits(), "severity info is not eligible"),
        ({"severity": "warning"}, Limits(), "not for severity warning"),
        ({"status": "resolved"}, Limits(), "starts no runbook"),
        ({"runbook": "NodeNotReady"}, Limits(), "no label node"),
        ({}, Limits(namespaces=("shop",)), "namespace apps may not be changed"),
        ({"labels": {"namespace": "staging"}}, Limits(), "staging"),
        ({"labels": {"deployment": "basket"}}, Limits(), "basket"),
        ({}, Limits(mode="off"), "remediation is off"),
        ({}, Limits(mode="unreadable"), "remediation is unreadable"),
        ({}, Limits(mode="observe"), "only observes"),
        ({}, Limits(maintenance="upgrade"), r"window is open \(upgrade\)"),
        (
            {},
            Limits(held={"apps/basket": "no", "apps/checkout": "upgrade"}),
            r"window of its target is open \(upgrade\)",
        ),
    ],
)
def test_why_an_alert_is_not_eligible(changes: dict[str, Any], limits: Limits, reason: str) -> None:
    decision = decide(alert(**changes), CATALOGUE, limits)
    assert not decision.eligible
    with pytest.raises(AssertionError, match=reason):
        assert not decision.refusals, decision.refusals


BOUNDED = {
    **CATALOGUE["CheckoutDown"],
    "action": "restart_workload",
    "target": {"from_alert": "workload", "namespaces": ["apps", "shop"], "names": ["checkout*"]},
}


@pytest.mark.parametrize(
    ("target", "labels", "reason"),
    [
        ({}, {"namespace": "kube-system", "deployment": "checkout"}, "acts in apps, shop only"),
        ({}, {"namespace": "shop", "deployment": "checkout"}, "AllowedNamespaces adds one"),
        ({}, {"namespace": "apps", "deployment": "ledger"}, "names like checkout* only"),
        ({}, {"namespace": "apps", "deployment": "Checkout"}, "not the name of a Kubernetes"),
        ({}, {"namespace": "apps"}, "none of the labels"),
        ({}, {"deployment": "checkout"}, "no label namespace"),
        (
            {},
            {"namespace": "apps", "deployment": "checkout", "statefulset": "checkout"},
            "the alert names",
        ),
        (
            {"from_alert": "deployment"},
            {"namespace": "apps", "statefulset": "checkout"},
            "acts on a deployment",
        ),
        ({"from_alert": "node", "names": ["w-*"]}, {"node": "n-1"}, "names like w-* only"),
    ],
)
def test_an_alert_out_of_the_bounds_of_its_runbook_is_not_eligible(
    target: dict[str, Any], labels: dict[str, str], reason: str
) -> None:
    action = "cordon_node" if target.get("from_alert") == "node" else "restart_workload"
    runbook = {**BOUNDED, "action": action, "target": {**BOUNDED["target"], **target}}
    decision = decide(alert(labels=labels), {"CheckoutHighErrorRate": runbook}, Limits())
    (refusal,) = decision.refusals
    assert reason in refusal


@pytest.mark.parametrize(
    ("target", "labels"),
    [
        ({}, {"namespace": "apps", "deployment": "checkout-2"}),
        ({}, {"namespace": "apps", "pod": "ledger-0"}),
        (
            {"from_alert": "persistentvolumeclaim", "resolve_to": "workload"},
            {"namespace": "apps", "persistentvolumeclaim": "data-ledger-0"},
        ),
    ],
)
def test_what_only_the_cluster_can_tell_is_left_to_it(
    target: dict[str, Any], labels: dict[str, str]
) -> None:
    runbook = {**BOUNDED, "target": {**BOUNDED["target"], **target}}
    assert decide(alert(labels=labels), {"CheckoutHighErrorRate": runbook}, Limits()).eligible


def test_publish_holds_a_runbook_to_what_the_stack_allows(
    account: Account, srectl: Run, tmp_path: Path
) -> None:
    text = (shipped.RUNBOOKS / "checkout-down.yaml").read_text("utf-8")
    (tmp_path / "down.yaml").write_text(text.replace("namespace: apps", "namespace: shop"))
    answer = srectl("runbooks", "publish", "--folder", str(tmp_path))
    assert answer.exit_code == 1
    assert "shop may not be changed: AllowedNamespaces are apps" in answer.output
    assert catalogue.published(account.dynamodb, account.runbooks_table) == {}
    answer = srectl("runbooks", "publish", "--folder", str(tmp_path), "--namespaces", "apps,shop")
    assert answer.exit_code == 0, answer.output
    assert set(catalogue.published(account.dynamodb, account.runbooks_table)) == {"CheckoutDown"}


def test_a_disabled_runbook_is_not_eligible() -> None:
    disabled = {**CATALOGUE["CheckoutHighErrorRate"], "enabled": False}
    decision = decide(alert(), {"CheckoutHighErrorRate": disabled}, Limits())
    assert decision.refusals == ["runbook CheckoutHighErrorRate is disabled"]


def test_a_runbook_that_asks_says_so() -> None:
    decision = decide(alert(runbook="NodeNotReady", labels={"node": "n1"}), CATALOGUE, Limits())
    assert decision.eligible
    assert decision.steps[0]["approval"] == {"required": True, "timeout_seconds": 900}


def test_a_body_that_intake_refuses_is_refused_with_its_pointers(srectl: Run) -> None:
    answer = srectl("runbooks", "plan", "--event", str(EVENTS / "alertmanager/invalid-alert.json"))
    assert answer.exit_code == 1
    assert "/alerts/0/startsAt" in answer.output


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("aws_health/issue-open.json", "it is a notice"),
        ("sns/topic-cost-anomaly.json", "it is a notice"),
        ("cloudwatch/insufficient-data.json", "neither begins nor ends an incident"),
        ("cloudwatch/own-alarm.json", "the platform's own alarms"),
        ("cloudwatch/invalid-state.json", "/detail/state/value"),
    ],
)
def test_what_aws_tells_is_planned_or_refused(srectl: Run, file: str, said: str) -> None:
    answer = srectl("runbooks", "plan", "--event", str(EVENTS / file))
    assert answer.exit_code == 1
    assert said in " ".join(answer.output.split())


def test_what_is_no_json_or_starts_no_runbook_is_said(srectl: Run, tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    for text, problem in (("{", "not JSON"), ('{"detail-type": "x", "detail": {}}', "event x")):
        file.write_text(text)
        answer = srectl("runbooks", "plan", "--event", str(file))
        assert answer.exit_code == 1
        assert problem in answer.output


def test_new_changed_same_and_only_published_are_told_apart(account: Account) -> None:
    local = runbooks.load(shipped.RUNBOOKS)
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
    """Answers like the Lambda API, one payload after the other."""

    def __init__(self, *payloads: object, error: str | None = None) -> None:
        self.payloads, self.error = list(payloads), error
        self.asked: list[dict[str, Any]] = []

    def invoke(self, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803 - AWS's
        self.asked.append({"function": FunctionName, **json.loads(Payload)})
        payload = self.payloads.pop(0)
        answer: dict[str, Any] = {"Payload": io.BytesIO(json.dumps(payload).encode())}
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
    target = {"cluster": "c", "namespace": "apps", "kind": "deployment", "name": "checkout"}
    (step,) = steps_of(changed)
    function = Function(
        {"steps": [{**step, "target": target}]}, {"summary": "Would switch.", "plan": []}
    )
    monkeypatch.setattr(Account, "functions", function)
    first = planned(srectl, EVENTS / "alertmanager/firing.json", "--live")[0]
    (shown,) = first["steps"]
    assert shown["on_failure"] == "keep"
    assert "only observes" in first["refusals"][0]
    assert shown["plan"] == {"summary": "Would switch.", "plan": []}
    resolve, plan = function.asked
    assert (resolve["operation"], resolve["runbook"]) == ("resolve", changed)
    assert resolve["alert"]["alert_name"] == "CheckoutHighErrorRate"
    assert (plan["operation"], plan["function"]) == ("plan", "t-runbook-action")
    assert (plan["target"], plan["step"]) == (target, 1)


def test_what_the_function_refuses_is_a_reason_not_to_act() -> None:
    runbook = CATALOGUE["CheckoutHighErrorRate"]
    decision = decide(alert(), CATALOGUE, Limits())
    said = {"errorType": "ActionRefused", "errorMessage": "the alert names staging/checkout"}
    function = Function(said, error="Unhandled")
    assert plans.live_plan(function, "f", decision, runbook, alert()) == []  # type: ignore[arg-type]  # all it calls is invoke
    assert decision.refusals == ["the alert names staging/checkout"]
    assert not decision.eligible


class Refusing(Function):
    """Resolves, and refuses the plans of the steps that are named."""

    def __init__(self, steps: list[dict[str, Any]], **answers: dict[str, Any]) -> None:
        super().__init__({"steps": steps}, *answers.values())

    def invoke(self, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803 - AWS's
        self.error = "Unhandled" if "errorType" in str(self.payloads[0]) else None
        return super().invoke(FunctionName, Payload)


WOULD: dict[str, Any] = {"summary": "Would restart.", "plan": []}
OFF: dict[str, Any] = {**WOULD, "applies": False, "why_not": "it is 2544"}
NO = {"errorType": "ActionRefused", "errorMessage": "there is no earlier revision"}


@pytest.mark.parametrize(
    ("strategy", "first", "second", "refusals"),
    [
        ("ladder", WOULD, NO, []),
        ("ladder", NO, WOULD, []),
        ("ladder", NO, NO, ["there is no earlier revision"]),
        ("ladder", OFF, NO, ["there is no earlier revision"]),
        (
            "sequence",
            WOULD,
            NO,
            [
                "step 2, back, is refused as things are, and a sequence ends with it: "
                "there is no earlier revision"
            ],
        ),
        ("sequence", OFF, WOULD, []),
    ],
)
def test_a_ladder_goes_on_past_a_rung_that_is_refused_and_a_sequence_does_not(
    strategy: str, first: dict[str, Any], second: dict[str, Any], refusals: list[str]
) -> None:
    runbook = {
        **CATALOGUE["CheckoutHighErrorRate"],
        "strategy": strategy,
        "steps": [
            {"name": "anew", "action": "restart_deployment"},
            {"name": "back", "action": "rollback_deployment"},
        ],
    }
    for of_one_step in ("action", "parameters", "approval"):
        runbook.pop(of_one_step, None)
    decision = decide(alert(), {runbook["name"]: runbook}, Limits())
    function = Refusing(steps_of(runbook), first=first, second=second)
    answers = plans.live_plan(function, "f", decision, runbook, alert())  # type: ignore[arg-type]  # all it calls is invoke
    assert decision.refusals == refusals
    assert [each.get("refused") for each in answers] == [
        each.get("errorMessage") for each in (first, second)
    ]


def test_what_the_labels_forbid_and_the_function_forbids_again_is_said_once() -> None:
    runbook = CATALOGUE["CheckoutHighErrorRate"]
    decision = decide(alert(), CATALOGUE, Limits())
    decision.refusals.append("the alert names staging/checkout")
    said = {"errorType": "TargetNotFound", "errorMessage": "the alert names staging/checkout"}
    function = Function(said, error="Unhandled")
    plans.live_plan(function, "f", decision, runbook, alert())  # type: ignore[arg-type]  # all it calls is invoke
    assert decision.refusals == ["the alert names staging/checkout"]


@pytest.mark.parametrize(
    "target",
    [
        {"kind": "deployment", "namespace": "apps", "name": "checkout"},
        {"from_alert": "workload", "namespaces": ["apps"], "names": ["checkout*"]},
    ],
)
def test_namespaces_that_only_the_deployment_knows_are_left_to_it(target: dict[str, Any]) -> None:
    catalogue = {"CheckoutHighErrorRate": {**CATALOGUE["CheckoutHighErrorRate"], "target": target}}
    named = {**alert(), "labels": {"namespace": "apps", "deployment": "checkout"}}
    assert decide(named, catalogue, Limits(namespaces=None)).refusals == []
    assert len(decide(named, catalogue, Limits(namespaces=("shop",))).refusals) == 1


def test_a_plan_that_fails_names_the_error() -> None:
    runbook = CATALOGUE["CheckoutHighErrorRate"]
    decision = decide(alert(), CATALOGUE, Limits())
    function = Function(
        {"errorType": "ClusterUnreachable", "errorMessage": "no answer"}, error="Unhandled"
    )
    with pytest.raises(CommandFailed, match="ClusterUnreachable: no answer"):
        plans.live_plan(function, "f", decision, runbook, alert())  # type: ignore[arg-type]  # all it calls is invoke


def test_a_person_reads_steps_and_parameters_without_python(srectl: Run) -> None:
    file = str(EVENTS / "alertmanager/firing.json")
    answer = srectl("runbooks", "plan", "--event", file)
    assert "enable_degraded_mode  (min_ready 1)" in answer.output
    assert "{" not in answer.output


def test_the_steps_of_a_ladder_are_shown_one_by_one(srectl: Run, tmp_path: Path) -> None:
    (tmp_path / "ladder.yaml").write_text(
        """
name: CheckoutHighErrorRate
description: Restarts checkout, and rolls it back where that does not help.
severities: [critical]
strategy: ladder
target: {kind: deployment, namespace: apps, name: checkout}
on_failure: undo
steps:
  - {name: restart, action: restart_deployment, parameters: {min_ready: 1}, verify_seconds: 90}
  - name: roll-back
    action: rollback_deployment
    when: [{fact: last_rollout_age_seconds, below: 1800}]
    approval: {required: true, timeout_seconds: 600, persons: 2}
guard: {cooldown_seconds: 300, max_actions: 3, window_seconds: 3600}
"""
    )
    file = str(EVENTS / "alertmanager/firing.json")
    answer = srectl("runbooks", "plan", "--event", file, "--folder", str(tmp_path))
    assert answer.exit_code == 0, answer.output
    assert [line.strip() for line in answer.output.splitlines()][2:] == [
        "steps       2, each if the last did not do",
        "1. restart",
        "action      restart_deployment  (min_ready 1)",
        "target      sre-platform/apps/deployment/checkout",
        "approval    none",
        "verified    for 90 s before the next step",
        "on failure  undo",
        "2. roll-back",
        "action      rollback_deployment",
        "target      sre-platform/apps/deployment/checkout",
        "only if     last_rollout_age_seconds is below 1800",
        "approval    two humans are asked first; time for it: 600 s",
        "on failure  undo",
    ]


def test_the_list_says_when_to_the_second(account: Account, srectl: Run) -> None:
    runbooks.publish(account.dynamodb, account.runbooks_table, runbooks.load(shipped.RUNBOOKS))
    answer = srectl("runbooks", "list", "--folder", str(shipped.RUNBOOKS))
    lines = answer.output.splitlines()[1:]
    assert "evidence only" in lines[-2]
    assert all(re.search(r" \d\d:\d\d:\d\d UTC$", line.rstrip()) for line in lines[:-2])
