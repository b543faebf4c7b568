"""Who hears of what nobody has taken, and who is heard to have taken it."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from jsonata import Jsonata
from ministack.services.cloudformation.engine import _evaluate_rules
from ministack.services.eventbridge import _matches_pattern

from tests.support.pagerduty import BUS, acknowledgement

_PAGERDUTY = {"PagerKind": "pagerduty", "PagerSecret": "0" * 32}
_OPSGENIE = {"PagerKind": "opsgenie", "PagerSecret": "K", "PagerUrl": "https://a.example"}
_SECOND = {"AcknowledgeMinutes": "15", "SecondContactEmail": "second@example.com"}


def pattern_of(template: dict[str, Any], rule: str, **stands: Any) -> str:
    """A rule's pattern, with what its references stand for."""

    def resolved(node: Any) -> Any:
        if isinstance(node, list):
            return [resolved(each) for each in node]
        if not isinstance(node, dict):
            return node
        if "Fn::If" in node:
            return resolved(node["Fn::If"][2])
        return (
            stands[node["Ref"]]
            if "Ref" in node
            else {key: resolved(each) for key, each in node.items()}
        )

    return json.dumps(resolved(template["Resources"][rule]["Properties"]["EventPattern"]))


@pytest.mark.parametrize(
    ("given", "refused"),
    [
        (_SECOND, ""),
        ({**_SECOND, "ThirdContactEmail": "third@example.com"}, ""),
        ({**_PAGERDUTY, "AcknowledgeMinutes": "15", "SecondContactPagerSecret": "1" * 32}, ""),
        ({"AcknowledgeMinutes": "15"}, "needs SecondContactEmail or SecondContactPagerSecret"),
        ({"ThirdContactEmail": "third@example.com"}, "A third contact is told after a second"),
        ({**_SECOND, "SecondContactPagerSecret": "K"}, "paged by PagerKind pagerduty or webhook"),
        (
            {**_SECOND, **_OPSGENIE, "ThirdContactPagerSecret": "K"},
            "paged by PagerKind pagerduty or webhook",
        ),
        ({**_SECOND, "PagerDutyEventBus": BUS}, ""),
        ({"PagerDutyEventBus": BUS}, "PagerDutyEventBus needs AcknowledgeMinutes"),
    ],
)
def test_a_contact_that_would_not_be_told_is_refused_before_anything_is_made(
    template: dict[str, Any], given: dict[str, str], refused: str
) -> None:
    values = {name: str(each["Default"]) for name, each in template["Parameters"].items()}
    asked = {name: {"Value": value} for name, value in (values | given).items()}
    if not refused:
        _evaluate_rules(template, asked, {})
        return
    with pytest.raises(ValueError, match=refused):
        _evaluate_rules(template, asked, {})


def test_each_contact_is_paged_with_what_has_climbed_to_them_and_nobody_else(
    template: dict[str, Any],
) -> None:
    severities = {"PagerSeverities": ["critical"]}
    rules = {"PagerRule": None, "SecondPagerRule": 2, "ThirdPagerRule": 3}
    for asked in rules.values():
        data = {"severity": "critical", "action": "trigger"} | ({"level": asked} if asked else {})
        page = {"Source": "sre.pager", "DetailType": "incident.paged", "Detail": {"data": data}}
        event = page | {"Detail": json.dumps(page["Detail"])}
        for rule, level in rules.items():
            pattern = pattern_of(template, rule, **severities)
            assert _matches_pattern(pattern, event) is (level == asked), (rule, asked)


@pytest.mark.parametrize(
    ("answer", "heard"),
    [
        (acknowledgement("b7b0f7a4-3a3c-5f0e-9a55-111111111111-human"), True),
        (acknowledgement("b7b0f7a4-3a3c-5f0e-9a55-111111111111", kind="service_reference"), False),
    ],
)
def test_who_acknowledges_in_pagerduty_is_heard_and_what_we_acknowledge_there_is_not(
    template: dict[str, Any], answer: dict[str, Any], heard: bool
) -> None:
    rule = template["Resources"]["AnsweredElsewhereRule"]["Properties"]
    assert rule["EventBusName"] == {"Ref": "PagerDutyEventBus"}
    asked = template["Parameters"]["PagerDutyEventBus"]["AllowedPattern"]
    assert re.fullmatch(asked, BUS)
    assert not re.fullmatch(asked, "default")
    pattern = pattern_of(template, "AnsweredElsewhereRule", PagerDutyEventBus=BUS)
    told = {"Source": BUS, "DetailType": answer["detail-type"]}
    assert _matches_pattern(pattern, told | {"Detail": json.dumps(answer["detail"])}) is heard
    for event in ("incident.resolve", "incident.unacknowledge", "incident.assign"):
        other = told | {"Detail": json.dumps(answer["detail"] | {"event": event})}
        assert not _matches_pattern(pattern, other)


def test_the_secret_of_a_contact_is_in_its_connection_and_nowhere_else(
    template: dict[str, Any],
) -> None:
    for which in ("Second", "Third"):
        using = [
            name
            for name, resource in template["Resources"].items()
            if f'"Ref": "{which}ContactPagerSecret"' in json.dumps(resource)
        ]
        assert using == [f"{which}PagerConnection"]
        parameters = template["Resources"][using[0]]["Properties"]["AuthParameters"]
        _, for_pagerduty, _ = parameters["InvocationHttpParameters"]["Fn::If"]
        [routing_key] = for_pagerduty["BodyParameters"]
        assert (routing_key["Key"], routing_key["IsValueSecret"]) == ("routing_key", True)


def test_nothing_waits_where_nobody_else_would_be_told(template: dict[str, Any]) -> None:
    assert template["Parameters"]["AcknowledgeMinutes"]["Default"] == 0
    assert template["Conditions"]["Climbs"] == {
        "Fn::Not": [{"Fn::Equals": [{"Ref": "AcknowledgeMinutes"}, 0]}]
    }
    assert template["Parameters"]["PageAfterMinutes"]["Default"] == 0
    holds, pager = template["Conditions"]["HoldsPages"], {"Condition": "HasPager"}
    assert holds["Fn::And"] == [
        pager,
        {"Fn::Not": [{"Fn::Equals": [{"Ref": "PageAfterMinutes"}, 0]}]},
    ]
    waits = [{"Condition": "Climbs"}, {"Condition": "HoldsPages"}]
    assert template["Conditions"]["Waits"] == {"Fn::Or": waits}
    for name, condition in {
        "IncidentClimber": "Waits",
        "IncidentClimberRole": "Waits",
        "IncidentCallsRole": "Waits",
        "IncidentCallsRule": "Climbs",
        "PagesHeldRule": "HoldsPages",
    }.items():
        assert template["Resources"][name]["Condition"] == condition, name


def test_only_what_pages_is_waited_for(template: dict[str, Any]) -> None:
    pattern = pattern_of(template, "PagesHeldRule", PagerSeverities=["critical"])
    for severity in ("critical", "warning"):
        told = {"Source": "sre.notifier", "DetailType": "incident.page-held"}
        event = told | {"Detail": json.dumps({"data": {"severity": severity}})}
        assert _matches_pattern(pattern, event) is (severity == "critical")


def test_the_pages_of_the_newest_calls_are_ended_and_no_more_than_the_bus_takes_at_once(
    machines: dict[str, dict[str, Any]],
) -> None:
    states = machines["IncidentNotifier"]["definition"]["States"]
    asks = Jsonata(states["WhatIsToBeTold"]["Assign"]["asks"].strip()[2:-2])
    rounds = (10, 9, 400, 7, 8)
    row = {f"told_level{level}-{at}_critical": "x" for at in rounds for level in (2, 3)}
    found = asks.evaluate(None, {"row": {**row, "told_created_critical": "x"}})
    assert {each.partition("-")[2] for each in found} == {"400", "10", "9"}
    # Beside those of the incident's own three pages, and what chat is told.
    assert len(found) + 3 + 1 == 10
    assert asks.evaluate(None, {"row": {"told_created_critical": "x"}}) == []
