"""An investigator is asked of what calls a human, and what it answers does nothing."""

from __future__ import annotations

import json
import re
from itertools import product
from typing import Any

import pytest
from ministack.services.cloudformation.engine import _evaluate_rules

from alert_ingest.answers import ANSWERS_PER_SECOND, WINDOW_SECONDS
from tests.support.machines import machines
from tests.support.template import of_type

HOSTILE = (
    '"}],\n{"a": <incident>, \\ \u2028 \x00 😀 ${Region} {% $now() %} <!channel> & \'</script>'
)
ASKED = (
    "InvestigatorRule",
    "InvestigatorDestination",
    "InvestigatorConnection",
    "InvestigatorRole",
)
ANSWERS = ("InvestigatorKey", "InvestigatorPlan", "InvestigatorUsage", "TakeAnswersPolicy")


def target_of(template: dict[str, Any]) -> dict[str, Any]:
    [target] = template["Resources"]["InvestigatorRule"]["Properties"]["Targets"]
    found: dict[str, Any] = target
    return found


def test_without_an_address_nothing_is_made(template: dict[str, Any]) -> None:
    assert template["Parameters"]["InvestigatorUrl"]["Default"] == ""
    named = {name for name in template["Resources"] if "Investigator" in name}
    assert named | {"TakeAnswersPolicy"} == {*ASKED, *ANSWERS}
    for name in (*ASKED, *ANSWERS):
        assert template["Resources"][name]["Condition"] == "HasInvestigator", name
    for name in ("FindingsUrl", "InvestigatorKeyId"):
        assert template["Outputs"][name]["Condition"] == "HasInvestigator", name


@pytest.mark.parametrize(
    ("url", "good"),
    [
        ("", True),
        ("https://investigator.example/incidents", True),
        ("http://investigator.example/", False),
        ("https://investigator.example/?key=1", False),
        ("https://investigator.example/*", False),
    ],
)
def test_an_address_is_https_and_has_no_secret_in_it(
    template: dict[str, Any], url: str, good: bool
) -> None:
    pattern = template["Parameters"]["InvestigatorUrl"]["AllowedPattern"]
    assert bool(re.fullmatch(pattern, url)) is good


def test_an_address_without_a_secret_is_refused_before_anything_is_made(
    template: dict[str, Any],
) -> None:
    values = {name: str(each["Default"]) for name, each in template["Parameters"].items()}
    given = {name: {"Value": value} for name, value in values.items()}
    _evaluate_rules(template, given, {})
    given["InvestigatorUrl"] = {"Value": "https://a.example/"}
    with pytest.raises(ValueError, match="InvestigatorUrl needs InvestigatorSecret"):
        _evaluate_rules(template, given, {})
    _evaluate_rules(template, given | {"InvestigatorSecret": {"Value": "Bearer t"}}, {})


def test_it_is_asked_of_what_calls_a_human_and_not_of_canary_tests_and_floods(
    template: dict[str, Any],
) -> None:
    rule = template["Resources"]["InvestigatorRule"]["Properties"]
    assert rule["EventBusName"] == {"Ref": "EventBus"}
    assert rule["EventPattern"] == {
        "source": ["sre.runbook"],
        "detail-type": ["incident.escalated"],
        "detail": {
            "data": {
                "purpose": [{"exists": False}, {"anything-but": ["canary", "test"]}],
                "reason_code": [{"anything-but": ["flood", "flood-alone"]}],
                "severity": {"Ref": "InvestigatorSeverities"},
            }
        },
    }


def test_the_event_is_posted_as_it_is_so_that_no_text_of_an_alert_meets_a_template(
    template: dict[str, Any],
) -> None:
    target = target_of(template)
    condition, _, otherwise = target["InputPath"]["Fn::If"]
    assert (condition, otherwise) == ("AsksDevOpsAgent", "$.detail")


def test_devops_agent_is_sent_what_its_webhook_takes_whatever_an_alert_says(
    template: dict[str, Any],
) -> None:
    condition, transformer, otherwise = target_of(template)["InputTransformer"]["Fn::If"]
    assert (condition, otherwise) == ("AsksDevOpsAgent", {"Ref": "AWS::NoValue"})
    text = transformer["InputTemplate"]
    names = set(transformer["InputPathsMap"])
    assert set(re.findall(r"<(\w+)>", text)) == names
    body = json.loads(re.sub(r"<\w+>", lambda _: json.dumps(HOSTILE), text))
    assert body.keys() == {
        *("eventType", "action", "incidentId", "priority", "title", "description", "service"),
        *("timestamp", "data"),
    }
    assert (body["eventType"], body["action"], body["priority"]) == ("incident", "created", "HIGH")
    assert body["title"] == HOSTILE


def test_the_secret_is_in_the_connection_alone(template: dict[str, Any]) -> None:
    holders = [
        name
        for name, resource in template["Resources"].items()
        if '"Ref": "InvestigatorSecret"' in json.dumps(resource)
    ]
    assert holders == ["InvestigatorConnection"]


def test_what_asks_may_ask_and_nothing_else(template: dict[str, Any]) -> None:
    [policy] = template["Resources"]["InvestigatorRole"]["Properties"]["Policies"]
    [statement] = policy["PolicyDocument"]["Statement"]
    assert statement["Action"] == "events:InvokeApiDestination"
    assert statement["Resource"] == {"Fn::GetAtt": ["InvestigatorDestination", "Arn"]}


def test_what_takes_answers_counts_answers_and_nothing_else(
    template: dict[str, Any],
) -> None:
    policy = template["Resources"]["TakeAnswersPolicy"]["Properties"]
    assert policy["Roles"] == [{"Ref": "AlertIngestRole"}]
    statements = policy["PolicyDocument"]["Statement"]
    may = {
        each["Action"]: each["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
        for each in statements
    }
    assert may == {"dynamodb:UpdateItem": ["answers#*"]}
    assert len(statements) == len(may)


def test_in_the_long_run_an_investigator_meets_the_functions_limit_and_not_the_gateways(
    template: dict[str, Any],
) -> None:
    """The gateway has one answer for all keys; what comes at once must leave room for alerts."""
    throttle = template["Resources"]["InvestigatorPlan"]["Properties"]["Throttle"]
    assert throttle["RateLimit"] > 2 * ANSWERS_PER_SECOND
    assert throttle["BurstLimit"] <= ANSWERS_PER_SECOND * WINDOW_SECONDS


def test_no_alarm_of_the_webhook_counts_what_comes_by_findings_or_slack(
    template: dict[str, Any],
) -> None:
    for name in ("WebhookFailingAlarm", "WebhookRefusingAlarm"):
        queries = template["Resources"][name]["Properties"]["Metrics"]
        metrics = [each["MetricStat"]["Metric"] for each in queries if "MetricStat" in each]
        of_all = {each["MetricName"] for each in metrics if len(each["Dimensions"]) == 2}
        of_one = [
            (each["MetricName"], dimension["Value"])
            for each in metrics
            for dimension in each["Dimensions"]
            if dimension["Name"] == "Resource"
        ]
        assert sorted(of_one) == sorted(product(of_all, ("/findings", "/slack")))
        told = " ".join(each.get("Expression", "") for each in queries)
        used = set(re.findall(r"[a-z]+", told))
        assert used >= {each["Id"] for each in queries if "MetricStat" in each}
    (settings,) = template["Resources"]["WebhookApi"]["Properties"]["MethodSettings"]
    assert settings["MetricsEnabled"] is True
    [refused] = [
        each["FilterPattern"]
        for each in of_type(template, "AWS::Logs::MetricFilter").values()
        if "THROTTLED" in each["FilterPattern"]
    ]
    assert '($.route != "/findings") && ($.route != "/slack")' in refused


def test_the_investigators_key_is_nobody_elses(template: dict[str, Any]) -> None:
    ingest = template["Resources"]["AlertIngestFunction"]["Properties"]
    variables = ingest["Environment"]["Variables"]
    own = {"Fn::If": ["HasInvestigator", {"Ref": "InvestigatorKey"}, ""]}
    assert variables["INVESTIGATOR_KEY_ID"] == own
    assert "InvestigatorKey" not in json.dumps(
        [variables["SENDER_KEY_IDS"], variables["CANARY_KEY_ID"]]
    )
    assert ingest["Events"]["Findings"]["Properties"]["Path"] == "/findings"
    assert "Auth" not in ingest["Events"]["Findings"]["Properties"]  # the API's: a key


def test_an_answer_is_recorded_and_shown_and_leads_to_nothing_else(
    template: dict[str, Any],
) -> None:
    """It pages nobody, asks nobody again, and no machine but the recorder knows the word."""
    hearing = {
        name
        for name, rule in of_type(template, "AWS::Events::Rule").items()
        if "incident.investigated" in rule["EventPattern"].get("detail-type", [])
    }
    assert hearing == {"IncidentRecordsRule", "ChatRule"}
    for name, rule in of_type(template, "AWS::Events::Rule").items():
        pattern = rule["EventPattern"]
        if rule.get("EventBusName") == {"Ref": "EventBus"} and "detail-type" not in pattern:
            assert name == "AuditRule"
    knowing = {
        kind
        for kind, machine in machines().items()
        if re.search("investigat", json.dumps(machine.definition()))
    }
    assert knowing == {"incident-recorder"}
