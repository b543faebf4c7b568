"""A stack that stands by holds every alert but its own heartbeat, and takes what nobody has."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from alert_ingest.errors import SettingsError
from alert_ingest.events import Context, entry_of
from alert_ingest.intake import Intake
from alert_ingest.settings import Settings
from tests.support.template import ROOT, of_type, read
from tests.support.verification import evaluated
from tests.unit.alert_ingest.bodies import alertmanager_body

STANDBY = read(ROOT / "eks" / "standby.yaml")["Resources"]
MACHINE = STANDBY["IncidentStandby"]["Properties"]["Definition"]["States"]
ENVIRONMENT = {
    "EVENT_BUS_NAME": "bus",
    "PARKING_QUEUE_URL": "https://sqs.us-west-2.amazonaws.com/000000000000/parking",
    "ACCOUNT_ID": "000000000000",
    "AWS_REGION": "us-west-2",
}
ALARM = "AWS::CloudWatch::Alarm"
NOW = datetime(2026, 11, 27, 16, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("stands_by", "purpose", "source"),
    [
        (False, "alert", "sre.alertmanager"),
        (True, "alert", "standby.alertmanager"),
        (True, "test", "standby.alertmanager"),
        (True, "canary", "sre.alertmanager"),
    ],
)
def test_what_is_held_says_so_in_its_source(stands_by: bool, purpose: Any, source: str) -> None:
    (alert,) = Intake().read(alertmanager_body(), NOW).alerts
    context = Context("bus", "000000000000", "us-west-2", "c-1", NOW, stands_by=stands_by)
    entry, _warnings = entry_of(replace(alert, purpose=purpose), context)
    assert entry["Source"] == source


def test_whether_it_stands_by_is_yes_or_no() -> None:
    assert Settings.from_environment(ENVIRONMENT).stands_by is False
    assert Settings.from_environment({**ENVIRONMENT, "STANDS_BY": "true"}).stands_by is True
    with pytest.raises(SettingsError, match="STANDS_BY is 'perhaps'"):
        Settings.from_environment({**ENVIRONMENT, "STANDS_BY": "perhaps"})


def test_no_rule_that_acts_or_tells_takes_what_is_held(template: dict[str, Any]) -> None:
    for name, rule in of_type(template, "AWS::Events::Rule").items():
        sources = rule["EventPattern"]["source"]
        takes = {"prefix": "standby."} in sources or "standby.alertmanager" in sources
        assert takes == (name == "AuditRule"), name
    held = STANDBY["StandbyRule"]["Properties"]["EventPattern"]
    assert held["source"] == [{"prefix": "standby."}]


def test_a_stack_that_stands_by_does_not_act_by_itself(template: dict[str, Any]) -> None:
    mode = template["Resources"]["RemediationModeParameter"]["Properties"]["Value"]
    assert mode == {"Fn::If": ["StandsBy", "off", {"Ref": "RemediationMode"}]}
    closer = template["Resources"]["CloserSchedule"]["Properties"]
    assert closer["State"] == {"Fn::If": ["StandsBy", "DISABLED", "ENABLED"]}


def test_it_can_be_made_again_after_it_has_gone_and_leaves_nothing_of_a_creation_that_failed() -> (
    None
):
    assert {each.get("DeletionPolicy") for each in STANDBY.values()} == {None}


def test_what_could_not_even_be_kept_rings() -> None:
    alarms = [each["Properties"] for each in STANDBY.values() if each["Type"] == ALARM]
    (lost,) = [each for each in alarms if each["MetricName"] == "InvocationsFailedToBeSentToDlq"]
    named = {each["Name"]: each["Value"] for each in lost["Dimensions"]}
    rule = STANDBY["StandbyRule"]["Properties"]
    assert named == {"EventBusName": rule["EventBusName"], "RuleName": rule["Name"]}
    assert all(each["AlarmActions"] and "OKActions" not in each for each in alarms)


OPEN = {"status": {"S": "open"}, "wakes": {"Bool": True}}


@pytest.mark.parametrize(
    ("records", "ended", "taken"),
    [
        ([], False, False),
        ([OPEN], False, False),
        # AWS's SDK integrations and DynamoDB's own words differ in this.
        ([{**OPEN, "wakes": {"Bool": False}}], False, True),
        ([{**OPEN, "wakes": {"BOOL": False}}], False, True),
        ([{**OPEN, "status": {"S": "remediating"}}], False, True),
        ([{**OPEN, "status": {"S": "escalated"}}], False, True),
        ([{**OPEN, "resolved_at": {"N": "1"}}], False, True),
        ([], True, False),
        ([{**OPEN, "status": {"S": "escalated"}}], True, False),
        ([{**OPEN, "status": {"S": "resolved"}, "resolved_at": {"N": "1"}}], True, True),
    ],
)
def test_taken_is_what_somebody_has_in_hand(
    records: list[dict[str, Any]], ended: bool, taken: bool
) -> None:
    (choice,) = MACHINE["IsTaken"]["Choices"]
    found = evaluated(choice["Condition"], ended=ended, states={"input": {"found": records}})
    assert bool(found) is taken


def test_what_is_taken_over_is_the_event_as_it_was_without_its_mark() -> None:
    detail = {"data": {"incident_id": "i-1"}, "metadata": {}}
    event = {"source": "standby.datadog", "detail-type": "incident.created", "detail": detail}
    given = MACHINE["WaitForTheOther"]["Assign"]
    states = {"input": event}
    assert evaluated(given["entry"]["Source"], states=states) == "sre.datadog"
    assert evaluated(given["entry"]["DetailType"], states=states) == "incident.created"
    assert json.loads(evaluated(given["entry"]["Detail"], states=states)) == detail
    assert evaluated(given["incident_id"], states=states) == "i-1"
