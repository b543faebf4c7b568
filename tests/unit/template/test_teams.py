"""Whose incident it is: the label `team` of its alert, and who is told of it by mail and pager."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonata import Jsonata
from jsonschema import Draft202012Validator
from ministack.services.cloudformation.engine import (
    _evaluate_conditions,
    _evaluate_rules,
    _resolve_refs,
)
from ministack.services.eventbridge import _matches_pattern
from ministack.services.sns import _matches_filter_policy

from srectl.project import PROJECT_ROOT
from tests.unit.template.telling import DATA, EXECUTION, evaluated, read, states, told

_MAIL = {"NotificationEmail": "oncall@example.com"}
_PAGERDUTY = {"PagerKind": "pagerduty", "PagerSecret": "0" * 32, **_MAIL}
_OPSGENIE = {"PagerKind": "opsgenie", "PagerUrl": "https://a.example", "PagerSecret": "K", **_MAIL}
_APP = {"SlackAppSecretArn": "arn:aws:secretsmanager:eu-central-1:1:secret:s", "SlackChannel": "C1"}
#: One with both, one with a mail only, one whose key is not given yet.
_TEAMS = {
    **_PAGERDUTY,
    "Team1": "payments",
    "Team1Email": "payments@example.com",
    "Team1PagerSecret": "1" * 32,
    "Team2": "web",
    "Team2Email": "web@example.com",
    "Team3": "data-3",
}


def parameters(template: dict[str, Any], given: dict[str, str]) -> dict[str, dict[str, str]]:
    declared = template["Parameters"]
    values = {name: str(each.get("Default", "x")) for name, each in declared.items()} | given
    return {
        name: {"Value": value, "Type": declared[name]["Type"]} for name, value in values.items()
    }


def made(template: dict[str, Any], kind: str, given: dict[str, str]) -> dict[str, dict[str, Any]]:
    """Resources of a kind that a deployment with these parameters has."""
    asked = parameters(template, given)
    conditions = _evaluate_conditions(template, asked)
    return {
        name: _resolve_refs(each["Properties"], {}, asked, conditions, {}, "sre", "id")
        for name, each in template["Resources"].items()
        if each["Type"] == kind and conditions.get(each.get("Condition", ""), True)
    }


def attributes(**words: str) -> dict[str, Any]:
    return {name: {"DataType": "String", "StringValue": text} for name, text in words.items()}


@pytest.mark.parametrize(
    ("given", "refused"),
    [
        (_TEAMS, ""),
        ({"Team1": "payments", "Team1Email": "a@example.com"}, ""),
        ({"Team2Email": "a@example.com"}, "needs Team2, the word of the label team"),
        ({**_PAGERDUTY, "Team3PagerSecret": "K"}, "needs Team3, the word of the label team"),
        ({**_APP, "Team1SlackChannel": "C024BE91L"}, "needs Team1, the word of the label team"),
        ({**_APP, "Team1": "a", "Team1SlackChannel": "C024BE91L"}, ""),
        ({"Team1": "a", "Team1SlackChannel": "C024BE91L"}, "needs SlackAppSecretArn"),
        ({**_TEAMS, "Team3": "payments"}, "Team1 and Team3 are one name"),
        ({**_TEAMS, "Team3": "web"}, "Team2 and Team3 are one name"),
        ({**_TEAMS, "NotificationEmail": ""}, "A key of a team's needs NotificationEmail"),
        ({**_OPSGENIE, "Team1": "a", "Team1PagerSecret": "K"}, "Opsgenie routes to its own teams"),
        ({**_MAIL, "Team1": "a", "Team1PagerSecret": "K"}, "by PagerKind pagerduty or webhook"),
    ],
)
def test_a_team_that_would_not_be_told_is_refused_before_anything_is_made(
    template: dict[str, Any], given: dict[str, str], refused: str
) -> None:
    if not refused:
        _evaluate_rules(template, parameters(template, given), {})
        return
    with pytest.raises(ValueError, match=refused):
        _evaluate_rules(template, parameters(template, given), {})


@pytest.mark.parametrize(
    ("about", "hears"),
    [
        ({"team": "payments", "severity": "warning"}, {"oncall", "payments"}),
        ({"team": "payments", "severity": "critical"}, {"oncall", "payments"}),
        ({"team": "web", "severity": "info"}, {"oncall", "web"}),
        ({"team": "data-3", "severity": "info"}, {"oncall"}),
        ({"team": "paymnets", "severity": "critical"}, {"oncall"}),
        ({"severity": "critical"}, {"oncall"}),
        # An alarm on the platform itself, which CloudWatch publishes.
        ({}, {"oncall"}),
    ],
)
def test_a_team_hears_its_own_by_mail_and_everybodys_mail_hears_all(
    template: dict[str, Any], about: dict[str, str], hears: set[str]
) -> None:
    there = made(template, "AWS::SNS::Subscription", _TEAMS)
    found = set()
    for each in (one for one in there.values() if one["Protocol"] == "email"):
        asked = each.get("FilterPolicy")
        policy = {"FilterPolicy": json.dumps(asked)} if asked else {}
        if _matches_filter_policy({"attributes": policy}, attributes(**about), "{}"):
            found.add(each["Endpoint"].partition("@")[0])
    assert found == hears


@pytest.mark.parametrize("action", ["trigger", "acknowledge", "resolve"])
@pytest.mark.parametrize(
    ("data", "paged"),
    [
        ({"team": "payments", "severity": "critical"}, ["Team1PagerRule"]),
        ({"team": "payments", "severity": "warning"}, []),
        # It has a mail and no key.
        ({"team": "web", "severity": "critical"}, ["PagerRule"]),
        ({"team": "data-3", "severity": "critical"}, ["PagerRule"]),
        ({"team": "paymnets", "severity": "critical"}, ["PagerRule"]),
        ({"severity": "critical"}, ["PagerRule"]),
        # What has climbed is for the contact of that level alone.
        ({"team": "payments", "severity": "critical", "level": 2}, ["SecondPagerRule"]),
    ],
)
def test_whatever_pages_pages_one_key_and_never_none(
    template: dict[str, Any], data: dict[str, Any], paged: list[str], action: str
) -> None:
    given = {**_TEAMS, "AcknowledgeMinutes": "15", "SecondContactPagerSecret": "2" * 32}
    rules = made(template, "AWS::Events::Rule", given)
    event = {
        "Source": "sre.pager",
        "DetailType": "incident.paged",
        "Detail": json.dumps({"data": {**data, "action": action}}),
    }
    found = [
        name
        for name, rule in rules.items()
        if "EventPattern" in rule
        and rule["EventPattern"].get("source") == ["sre.pager"]
        and _matches_pattern(json.dumps(rule["EventPattern"]), event)
    ]
    assert found == paged


def test_without_teams_there_is_nothing_of_them(template: dict[str, Any]) -> None:
    for kind in (
        "AWS::SNS::Subscription",
        "AWS::Events::Rule",
        "AWS::Events::ApiDestination",
        "AWS::Events::Connection",
    ):
        there = made(template, kind, _PAGERDUTY)
        assert there or kind == "AWS::Events::Rule"
        assert not [name for name in there if name.startswith("Team")]


def test_the_function_of_the_cards_is_told_the_channels_of_teams(template: dict[str, Any]) -> None:
    given = {**_TEAMS, "Team1SlackChannel": "C0PAYMENTS", "SlackAppSecretArn": "arn:aws:x"}
    function = template["Resources"]["ChatActionsFunction"]["Properties"]
    asked = parameters(template, given)
    told = function["Environment"]["Variables"]["SLACK_TEAM_CHANNELS"]
    text = _resolve_refs(told, {}, asked, {}, {}, "sre", "id")
    assert text == "payments=C0PAYMENTS,web=,data-3="


def test_the_secret_of_a_team_is_in_its_connection_and_nowhere_else(
    template: dict[str, Any],
) -> None:
    for number in (1, 2, 3):
        using = [
            name
            for name, resource in template["Resources"].items()
            if f'"Ref": "Team{number}PagerSecret"' in json.dumps(resource)
        ]
        assert using == [f"Team{number}PagerConnection"]


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("payments", "payments"),
        (" Payments\n", "payments"),
        ("data-3", "data-3"),
        ("a" * 63, "a" * 63),
        ("a" * 64, None),
        ("two words", None),
        ("pay\nments", None),
        ("-", None),
        ("(none)", None),
        ("zahlungen-ä", None),
        ('"}]', None),
        ("", None),
        (None, None),
        (7, None),
    ],
)
def test_the_label_is_a_name_or_none(template: dict[str, Any], label: Any, name: str) -> None:
    team = Jsonata(f"({template['Mappings']['Shared']['Text']['Team']})($of)")
    assert team.evaluate(None, {"of": {"labels": {"team": label}}}) == name
    # What was kept of it comes first; where that is nothing the label says it.
    assert team.evaluate(None, {"of": {"team": "web", "labels": {"team": label}}}) == "web"
    assert team.evaluate(None, {"of": {"team": "", "labels": {"team": label}}}) == name
    assert team.evaluate(None, {"of": {}}) is None


def event(kind: str, **data: Any) -> dict[str, Any]:
    return {"detail-type": kind, "detail": {"metadata": {"correlation_id": "c"}, "data": data}}


@pytest.mark.parametrize("team", ["payments", ""])
@pytest.mark.parametrize("kind", ["incident.created", "incident.escalated", "incident.released"])
def test_every_message_says_whose_incident_it_is(kind: str, team: str) -> None:
    labels = {"labels": {"team": "Payments"} if team else {}}
    variables = told(read(event(kind, **DATA, **labels, reason="r", by="ada")))
    sent = evaluated(states()["Publish"]["Arguments"]["MessageAttributes"], {}, variables)
    assert sent.get("team") == (attributes(team=team)["team"] if team else None)
    for entry in (variables["notified"], *variables["paged"]):
        detail = json.loads(entry["Detail"])
        assert detail["data"].get("team", "") == team
        name = entry["DetailType"]
        schema = json.loads((PROJECT_ROOT / f"events/schemas/{name}.json").read_text("utf-8"))
        teams = Draft202012Validator(schema["properties"]["data"]["properties"]["team"])
        assert not team or teams.is_valid(detail["data"]["team"])


@pytest.mark.parametrize("team", ["payments", ""])
@pytest.mark.parametrize(
    ("machine", "publishes", "tells"),
    [
        ("IncidentResponseRunbook", "NotifyEscalation", "TellOfEscalation"),
        ("IncidentRestorer", "NotifyFailure", "TellOfFailure"),
        ("RemediationStep", "AskForApproval", ""),
    ],
)
def test_what_runbooks_publish_themselves_says_whose_it_is(
    machines: dict[str, dict[str, Any]], machine: str, publishes: str, tells: str, team: str
) -> None:
    shown: Any = DATA["display"]
    known: dict[str, Any] = {
        "incident": {**DATA, "labels": {"team": team}},
        "display": {**shown, "where": " on apps/checkout"},
        "failure": {"text": "It has not helped.", "code": "not-resolved"},
        "runbook": {"name": "Down"},
        "timestamp": DATA["timestamp"],
        "correlation_id": "c",
        "findings": [],
        "acted": True,
        "canary": False,
        "me": EXECUTION,
    }
    there: dict[str, Any] = machines[machine]["definition"]["States"]
    arguments = there[publishes]["Arguments"]
    if isinstance(arguments, dict):
        arguments = {"MessageAttributes": arguments["MessageAttributes"]}
    sent = evaluated(arguments, {}, known)["MessageAttributes"]
    assert sent.get("team") == (attributes(team=team)["team"] if team else None)
    assert sent["severity"] == attributes(severity="warning")["severity"]
    if tells:
        [entry] = evaluated(there[tells]["Arguments"], {}, known)["Entries"]
        assert entry["Detail"]["data"].get("team", "") == team


def test_what_is_told_later_goes_where_the_beginning_went() -> None:
    """Events of people and of ends have no labels: the claim keeps the team, and gives it back."""
    began = read(event("incident.created", **DATA, labels={"team": "payments"}))
    claim = evaluated(states()["ClaimAnnouncement"]["Arguments"], {}, began)
    assert claim["UpdateExpression"].endswith(", team = if_not_exists(team, :team)")
    assert claim["ExpressionAttributeValues"][":team"] == {"S": "payments"}
    taken = read(event("incident.acknowledged", **DATA, by="ada"))
    assert taken["team"] == ""
    claim = evaluated(states()["ClaimAnnouncement"]["Arguments"], {}, taken)
    assert "team" not in json.dumps(claim)
    row = {"told_created_critical": {"S": "x"}, "team": {"S": "payments"}}
    assign = states()["ClaimAnnouncement"]["Assign"]["team"]
    expression = Jsonata(assign.strip()[2:-2])
    result = {"result": {"Attributes": row}}
    taken["team"] = expression.evaluate(None, {"states": result, **taken})
    variables = told(taken, told_created_critical="x")
    pages = [json.loads(entry["Detail"])["data"] for entry in variables["paged"]]
    assert {(page["action"], page["team"]) for page in pages} == {("acknowledge", "payments")}
