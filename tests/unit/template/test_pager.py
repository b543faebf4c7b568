"""What the pager is sent: within its rules whatever an alert says, and heard each time."""

from __future__ import annotations

import json
import re
import uuid
from functools import cache
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from jsonata import Jsonata
from jsonschema import Draft202012Validator
from ministack.services.cloudformation.engine import _evaluate_rules

from onemachine.aws.definitions import substituted
from onemachine.receiver.pagers import problems_of_alert, problems_of_event
from tests.support.machines import machines
from tests.support.template import ROOT, of_type

SCHEMA = Draft202012Validator(
    json.loads((ROOT / "events" / "schemas" / "incident.paged.json").read_text("utf-8"))
)
KINDS = ("pagerduty", "opsgenie", "webhook")
ROUTING_KEY = "0" * 32
INCIDENT = "b7b0f7a4-3a3c-5f0e-9a55-111111111111"
NOW = "2026-11-23T15:14:52.704Z"
HOSTILE = '"}],\n{"a": <what>, \\ \u2028 \x00 😀 ${Region} {% $now() %} <!channel> & \'</script>'
#: Of a text that came in as JSON nothing is half a character; the rest of Unicode may come.
TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=60),
    st.sampled_from(["", HOSTILE, "x" * 3000, "😀" * 2000]),
)


@cache
def paging(kind: str) -> Any:
    given = {**machines()["incident-notifier"].substitutions(), "Pager": kind}
    found = Jsonata(substituted("(${Paged})($correlation_id, $page)", given))
    found.register_lambda("uuid", lambda: str(uuid.uuid4()))
    return found


def paged(kind: str, **page: Any) -> dict[str, Any]:
    """The data of the event for a page."""
    whole = {"incident_id": INCIDENT, "action": "trigger", "key": INCIDENT, "severity": "critical"}
    entry = paging(kind).evaluate(None, {"correlation_id": "c-1", "page": {**whole, **page}})
    data: dict[str, Any] = json.loads(entry["Detail"])["data"]
    return data


def problems(kind: str, data: dict[str, Any]) -> list[str]:
    """What the pager would refuse of it."""
    if kind == "pagerduty":
        return problems_of_event({**data["body"], "routing_key": ROUTING_KEY})
    if kind == "opsgenie":
        return problems_of_alert(data["body"], opens=data["action"] == "trigger")
    return [] if set(data["body"]) >= {"version", "action", "key", "severity"} else ["incomplete"]


# Not shrunk: to make a failure smaller takes minutes.
@settings(max_examples=25, deadline=None, phases=[Phase.generate])
@given(
    st.sampled_from(["trigger", "acknowledge", "resolve"]),
    st.sampled_from(["critical", "warning", "info", "gold"]),
    st.lists(TEXTS, min_size=7, max_size=7),
)
def test_whatever_an_alert_says_every_pager_takes_it(
    action: str, severity: str, texts: list[str]
) -> None:
    summary, source, name, place, detail, since, word = texts
    for kind in KINDS:
        data = paged(
            kind,
            action=action,
            severity=severity,
            summary=summary,
            source=source,
            name=name,
            place=place,
            since=since,
            details={"said": detail, word or "plan": [word, {"more": detail}]},
            links=[{"text": word, "href": "https://runbooks.example/a"}],
        )
        assert problems(kind, data) == [], kind
        assert data["body"] == json.loads(json.dumps(data["body"]))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("action", ["trigger", "acknowledge", "resolve"])
def test_a_page_keeps_to_the_schema_and_has_no_secret(kind: str, action: str) -> None:
    page = {"incident_id": INCIDENT, "action": action, "key": INCIDENT, "severity": "critical"}
    entry = paging(kind).evaluate(None, {"correlation_id": "c-1", "page": page})
    detail = json.loads(entry["Detail"])
    # The clock of this evaluator has another form than that of Step Functions.
    detail["metadata"] |= {"occurred_at": NOW, "received_at": NOW}
    detail["metadata"] |= {"account_id": "000000000000", "region": "us-east-1"}
    SCHEMA.validate(detail)
    assert (entry["Source"], entry["DetailType"]) == ("sre.pager", "incident.paged")
    assert "routing_key" not in entry["Detail"]


def test_the_texts_of_an_alert_come_as_they_are() -> None:
    body = paged("pagerduty", summary='a "b" <c>\nd & é', source="prod", links=[])["body"]
    assert body["payload"]["summary"] == 'a "b" <c> d & é'
    assert body["payload"]["source"] == "prod"


def test_each_kind_of_pager_has_its_own_words_for_a_severity() -> None:
    def severities(kind: str, *path: str) -> list[Any]:
        bodies: list[Any] = [
            paged(kind, severity=each)["body"] for each in ("critical", "warning", "info", "gold")
        ]
        for name in path:
            bodies = [body[name] for body in bodies]
        return bodies

    as_they_are = ["critical", "warning", "info"]
    assert severities("pagerduty", "payload", "severity") == [*as_they_are, "error"]
    assert severities("opsgenie", "priority") == ["P1", "P3", "P5", "P2"]
    assert severities("webhook", "severity") == [*as_they_are, "gold"]


def test_without_a_pager_nothing_is_said_to_one() -> None:
    assert paging("none").evaluate(None, {"correlation_id": "c", "page": {}}) is None


def asked(answer: str, **step: Any) -> list[dict[str, Any]]:
    """What remediation-step puts on the bus for the pager beside its report."""
    given = {**machines()["remediation-step"].substitutions(), "Pager": "pagerduty"}
    expression = Jsonata(substituted("[${StepPaged}]", given))
    expression.register_lambda("uuid", lambda: str(uuid.uuid4()))
    entries = expression.evaluate(
        None,
        {
            "do": "execute",
            "answer": {"status": answer},
            "step": step,
            "asks": step.get("approval", {}).get("required", False),
            "incident": {"incident_id": INCIDENT, "severity": "critical", "sender": "prod"},
            "display": {"name": "Down", "where": " on apps/checkout", "summary": "fails"},
            "runbook": {"name": "Restart"},
            "report": {"result": {"summary": "would restart 3 pods"}},
            "plan": [],
            "timestamp": NOW,
            "correlation_id": "c-1",
        },
    )
    return [json.loads(each["Detail"])["data"] for each in entries]


def test_a_runbook_that_asks_pages_anew_and_ends_that_with_the_answer() -> None:
    [page] = asked("asking", approval={"required": True})
    assert (page["action"], page["key"]) == ("trigger", f"{INCIDENT}-approval")
    assert page["body"]["payload"]["summary"].startswith("ASKS YOU Down")
    [end] = asked("succeeded", approval={"required": True})
    assert (end["action"], end["key"]) == ("resolve", f"{INCIDENT}-approval")
    assert asked("succeeded") == []


def pager_rules(template: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        name: rule
        for name, rule in of_type(template, "AWS::Events::Rule").items()
        if "Pager" in name or "Opsgenie" in name
    }


def templates_of(target: dict[str, Any]) -> list[str]:
    """The input templates of a target, whichever pager there is."""
    transformer = target.get("InputTransformer", {})
    made = transformer.get("Fn::If", [None, transformer])[1]
    waiting, found = [made.get("InputTemplate")], []
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            found.append(one)
        elif one:
            waiting += one["Fn::If"][1:]
    return found


def test_no_text_is_put_between_the_quotes_of_a_template(template: dict[str, Any]) -> None:
    """There EventBridge would put it in as it is; by itself it becomes a JSON text."""
    seen = 0
    for rule in of_type(template, "AWS::Events::Rule").values():
        for target in rule["Targets"]:
            for text in templates_of(target):
                filled = re.sub(r"<\w+>", lambda _: json.dumps(HOSTILE), text)
                assert json.loads(filled)
                seen += 1
    assert seen >= 7
    for name in ("PagerRule", "OpsgenieRule"):
        [target] = template["Resources"][name]["Properties"]["Targets"]
        assert target["InputPath"] == "$.detail.data.body"
        assert "InputTransformer" not in target


def in_words(description: Any) -> str:
    """A description as CloudFormation fills it in, with as long a name as a cluster may have."""
    if isinstance(description, str):
        return description
    text, _names = description["Fn::Sub"]
    return str(text).replace("${Cluster}", "c" * 100)


@pytest.mark.parametrize("action", ["trigger", "resolve"])
def test_an_alarm_on_the_platform_pages_within_the_rules(
    template: dict[str, Any], action: str
) -> None:
    name = {"trigger": "PagerAlarmRule", "resolve": "PagerAlarmOverRule"}[action]
    [target] = template["Resources"][name]["Properties"]["Targets"]
    for alarm in of_type(template, "AWS::CloudWatch::Alarm").values():
        said = {
            "alarm": f"arn:aws:cloudwatch:us-east-1:000000000000:alarm:{alarm['AlarmName']}"[:200],
            "name": alarm["AlarmName"]["Fn::Sub"],
            "what": in_words(alarm["AlarmDescription"]),
            "why": 'Threshold Crossed: 1 datapoint [5.0 "(24/11/26 15:00:00)"] was greater',
            "at": NOW,
        }
        bodies = []
        for text in templates_of(target):
            filled = re.sub(r"<(\w+)>", lambda found: json.dumps(said[found[1]]), text)  # noqa: B023 - used at once
            bodies.append(json.loads(filled))
        [event] = [body for body in bodies if "event_action" in body]
        assert event["event_action"] == action
        assert problems_of_event({**event, "routing_key": ROUTING_KEY}) == []
        [neutral] = [body for body in bodies if "version" in body]
        assert set(neutral) == set(paged("webhook")["body"])
        [opsgenie] = [body for body in bodies if not {"version", "event_action"} & set(body)]
        assert problems_of_alert(opsgenie, opens=action == "trigger") == []


def test_a_page_is_tried_for_an_hour_and_then_kept(template: dict[str, Any]) -> None:
    rules = pager_rules(template)
    assert len(rules) == 9
    for name, rule in rules.items():
        [target] = rule["Targets"]
        policy = {"MaximumRetryAttempts": 185, "MaximumEventAgeInSeconds": 3600}
        assert target["RetryPolicy"] == policy, name
        assert target["RoleArn"] == {"Fn::GetAtt": ["PagerRole", "Arn"]}, name
    for name, destination in of_type(template, "AWS::Events::ApiDestination").items():
        assert destination["InvocationRateLimitPerSecond"] <= 2, name


def test_a_severity_that_there_is_not_pages_for_nothing_and_is_refused(
    template: dict[str, Any],
) -> None:
    asked = template["Parameters"]["PagerSeverities"]
    for word, taken in [("critical", True), ("info", True), ("Critical", False), ("high", False)]:
        assert bool(re.fullmatch(asked["AllowedPattern"], word)) is taken, word
    assert re.fullmatch(asked["AllowedPattern"], asked["Default"])


@pytest.mark.parametrize(
    ("given", "refused"),
    [
        ({}, ""),
        ({"PagerKind": "pagerduty", "PagerSecret": "0" * 32}, ""),
        ({"PagerKind": "pagerduty"}, "PagerKind needs PagerSecret"),
        ({"PagerKind": "webhook", "PagerUrl": "https://a.example"}, "PagerKind needs PagerSecret"),
        ({"PagerKind": "opsgenie", "PagerSecret": "GenieKey K"}, "needs its own PagerUrl"),
        ({"PagerKind": "opsgenie", "PagerSecret": "K", "PagerUrl": "https://a.example"}, ""),
    ],
)
def test_a_pager_that_could_not_be_reached_is_refused_before_anything_is_made(
    template: dict[str, Any], given: dict[str, str], refused: str
) -> None:
    values = {name: str(each["Default"]) for name, each in template["Parameters"].items()}
    asked = {name: {"Value": value} for name, value in (values | given).items()}
    if not refused:
        _evaluate_rules(template, asked, {})
        return
    with pytest.raises(ValueError, match=refused):
        _evaluate_rules(template, asked, {})


def test_the_secret_is_in_the_connection_and_nowhere_else(template: dict[str, Any]) -> None:
    named = "{{resolve:secretsmanager:sre/pager}}"
    for secret in (named, f"GenieKey {named}", "0" * 32):
        assert re.fullmatch(template["Parameters"]["PagerSecret"]["AllowedPattern"], secret)
    using = [
        name
        for name, resource in template["Resources"].items()
        if '"PagerSecret"' in json.dumps(resource)
    ]
    assert using == ["PagerConnection"]
    parameters = template["Resources"]["PagerConnection"]["Properties"]["AuthParameters"]
    _, for_pagerduty, _ = parameters["InvocationHttpParameters"]["Fn::If"]
    [routing_key] = for_pagerduty["BodyParameters"]
    assert (routing_key["Key"], routing_key["IsValueSecret"]) == ("routing_key", True)
